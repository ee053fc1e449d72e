"""What a container's health check says of its worker."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from ztfnb.export.worker.probe import ask, main


class Answering(http.server.BaseHTTPRequestHandler):
    """Alive, but not ready; on ``/loud`` it never stops talking."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(f"asked for {self.path}\n".encode() * 1000)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_exit_code_and_answer_are_the_workers(port: int) -> None:
    """As a container runs it: 0 for what is alive, 1 for what is not ready; it says why."""
    module = [sys.executable, "-m", "ztfnb.export.worker.probe"]
    environ = {**os.environ, "ZTFNB_HOST": "0.0.0.0", "ZTFNB_PORT": str(port)}  # noqa: S104 - as in the image
    alive = subprocess.run(module, env=environ, capture_output=True, text=True, check=False)
    assert (alive.returncode, alive.stderr) == (0, "")
    assert alive.stdout.startswith("asked for /healthz\n")
    ready = subprocess.run(
        [*module, "--ready"], env=environ, capture_output=True, text=True, check=False
    )
    assert (ready.returncode, ready.stdout) == (1, "")
    assert ready.stderr.startswith("asked for /readyz\n")


def test_what_listens_everywhere_is_asked_on_loopback(port: int) -> None:
    """Whatever address the worker was told to listen on, it is found; the answer is cut."""
    for host in ("", "0.0.0.0", "127.0.0.1", "localhost"):  # noqa: S104 - as in the image
        well, text = ask("/healthz", {"ZTFNB_HOST": host, "ZTFNB_PORT": str(port)})
        assert well
        assert len(text) <= 1000


def test_nobody_there_is_not_well(capsys: pytest.CaptureFixture[str]) -> None:
    """A closed port, and a number that is none, end with 1 and a line that names the port."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = str(closed.getsockname()[1])
        assert main([], {"ZTFNB_PORT": port}) == 1
    assert f"no answer from port {port} of 127.0.0.1: ConnectionRefused" in capsys.readouterr().err
    for wrong in ("", "eighty", "-1", "80808080"):
        assert main([], {"ZTFNB_PORT": wrong}) == 1
        assert repr(wrong) in capsys.readouterr().err or wrong == "80808080"
    assert main(["--alive"], {"ZTFNB_PORT": port}) == 1
    assert "usage" in capsys.readouterr().err


def test_what_is_no_http_is_not_well() -> None:
    """Another server on that port is not taken for a worker."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail here\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        well, text = ask("/healthz", {"ZTFNB_PORT": str(server.getsockname()[1])})
        thread.join()
    assert not well
    assert "BadStatusLine" in text
