"""One port for whoever looks after a worker: ``/healthz``, ``/readyz``, ``/metrics``, ``/numbers``.

It answers in threads of its own from what the worker last told, so that nobody who asks, however
slowly, holds up the loop. An asker gets a few seconds in all; when there are too many, the oldest
has to go, so that a probe is always answered.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from ztfnb.errors import ConfigError
from ztfnb.export.worker import health
from ztfnb.export.worker.metrics import exposition
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.told import as_json

_PATIENCE = 5.0
"""How long an asker may take, from the first byte to the last [s]."""
_MOST = 32
"""Askers at once."""
_TEXT = "text/plain; charset=utf-8"

Answer = tuple[HTTPStatus, str, bytes]
"""Status, type and body."""


class StatusServer:
    """Answers questions about a worker; also a context manager.

    Parameters
    ----------
    numbers
        Returns the numbers of the worker, without secrets; called from several threads.
    host, port
        Where it listens; port 0 for any that is free.
    setup
        How long the worker may take before its loop first turns [s].

    Raises
    ------
    ConfigError
        If nothing can listen there.
    """

    def __init__(
        self,
        numbers: Callable[[], WorkerNumbers],
        host: str,
        port: int,
        *,
        setup: float,
    ) -> None:
        self._numbers = numbers
        self._patience = time.monotonic() + setup + health.LATELY
        try:
            self._server = _Server(host, port, self.answer)
        except OSError as error:
            raise ConfigError(
                f"port {port} of {host}: {error.strerror}; choose another with ZTFNB_PORT"
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="ztfnb http", daemon=True
        )
        self._thread.start()

    def answer(self, path: str, accept: str) -> Answer:
        """Return the answer to a question.

        Parameters
        ----------
        path
            Of the request, without what follows a question mark.
        accept
            Its header of this name.
        """
        if path == "/healthz":
            return self._judged(health.alive(self._numbers(), time.monotonic(), self._patience))
        if path == "/readyz":
            return self._judged(health.ready(self._numbers()))
        if path == "/metrics":
            body, kind = exposition(self._numbers, accept)
            return HTTPStatus.OK, kind, body
        if path == "/numbers":
            told = json.dumps(as_json(self._numbers()))
            return HTTPStatus.OK, "application/json", told.encode()
        there = "/healthz, /readyz, /metrics and /numbers are here\n"
        return HTTPStatus.NOT_FOUND, _TEXT, there.encode()

    @staticmethod
    def _judged(found: health.Health) -> Answer:
        status = HTTPStatus.OK if found.well else HTTPStatus.SERVICE_UNAVAILABLE
        return status, _TEXT, f"{found.reason}\n".encode()

    def close(self) -> None:
        """Answer no more; a second call does nothing."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, answer: Callable[[str, str], Answer]) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.answer = answer
        self._open: OrderedDict[socket.socket, float] = OrderedDict()
        """Who asks, the oldest first, and until when they may."""
        self._lock = threading.Lock()
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # That of HTTPServer looks its own name up, which may take long where there is no DNS.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = time.monotonic() + _PATIENCE
            while len(self._open) > _MOST:
                _hang_up(self._open.popitem(last=False)[0])
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        with self._lock:
            now = time.monotonic()
            while self._open and next(iter(self._open.values())) < now:
                _hang_up(self._open.popitem(last=False)[0])

    def close_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who hung up, or was hung up on, is nobody's trouble."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "ztfnb"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status, kind, body = self.server.answer(path, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - as the server looks it up

    def log_message(self, *_: object) -> None:
        """Say nothing: probes ask every few seconds."""


def _hang_up(asker: socket.socket) -> None:
    """End a connection under the thread that serves it, which closes it then."""
    with suppress(OSError):
        asker.shutdown(socket.SHUT_RDWR)
