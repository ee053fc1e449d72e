from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from export.worker.operated import NUMBERS, Idle

from ztfnb.errors import ConfigError
from ztfnb.export.worker import httpd
from ztfnb.export.worker.health import LATELY, alive, ready
from ztfnb.export.worker.httpd import StatusServer
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.told import as_json, from_json


@pytest.fixture
def worker() -> Idle:
    return Idle(numbers=replace(NUMBERS, ticked=time.monotonic()))


@pytest.fixture
def server(worker: Idle) -> Iterator[StatusServer]:
    with StatusServer(worker.numbers, "127.0.0.1", 0, setup=60) as server:
        yield server


def ask(server: StatusServer, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Return status, type and body."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_healthy(server: StatusServer) -> None:
    """A worker whose loop turns is alive and ready."""
    assert ask(server, "/healthz") == (200, "text/plain; charset=utf-8", "running\n")
    assert ask(server, "/readyz?verbose=1")[0] == 200


def test_failed(server: StatusServer, worker: Idle) -> None:
    """A worker that gave up is neither, and says why."""
    worker.shown = replace(worker.shown, state="failed", last_error="the topic was refused")
    for path in ("/healthz", "/readyz"):
        status, _, said = ask(server, path)
        assert (status, said) == (503, "failed: the topic was refused\n")


def test_metrics_and_numbers(server: StatusServer, worker: Idle) -> None:
    """The numbers come as Prometheus reads them, and as JSON from which they are made again."""
    status, kind, said = ask(server, "/metrics")
    assert status == 200
    assert kind.startswith("text/plain")
    assert 'ztfnb_passed_total{filter="young",version="0123456789ab"} 7.0' in said
    status, kind, said = ask(server, "/numbers")
    assert (status, kind) == (200, "application/json")
    assert as_json(from_json(json.loads(said))) == as_json(worker.shown)


def test_elsewhere(server: StatusServer) -> None:
    """Another path is not found, and says which are; HEAD has no body; nothing can be posted."""
    status, _, said = ask(server, "/")
    assert status == 404
    assert "/metrics" in said
    assert ask(server, "/healthz", "HEAD")[::2] == (200, "")
    assert ask(server, "/healthz", "POST")[0] == 501


def test_numbers_of_another_version() -> None:
    """What are no numbers is refused, not half understood."""
    for told in ({}, {**as_json(NUMBERS), "colour": "red"}):
        with pytest.raises(ValueError, match="no numbers of a worker"):
            from_json(told)


def test_slow_askers_hold_up_nobody(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more connections that say nothing than there are places, a probe is answered."""
    monkeypatch.setattr(httpd, "_PATIENCE", 3600.0)
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(httpd._MOST + 8)]
    try:
        for one in slow:
            one.sendall(b"GET /hea")
        assert ask(server, "/healthz")[0] == 200
        assert slow[0].recv(1) == b""  # the oldest had to go
    finally:
        for one in slow:
            one.close()


def test_an_asker_has_so_much_time_in_all(worker: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends a byte now and then is hung up on, too."""
    monkeypatch.setattr(httpd, "_PATIENCE", 0.3)
    with (
        StatusServer(worker.numbers, "127.0.0.1", 0, setup=60) as server,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
    ):
        slow.settimeout(0.05)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                slow.sendall(b"G")
                if slow.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() < end


def test_a_port_that_is_taken(server: StatusServer, worker: Idle) -> None:
    """Where another listens, the settings are wrong, and say how to mend that."""
    with pytest.raises(ConfigError, match="ZTFNB_PORT"):
        StatusServer(worker.numbers, "127.0.0.1", server.port, setup=60)


def test_closing_ends_its_threads(worker: Idle) -> None:
    """Nothing is left of it, and closing again does nothing."""
    before = set(threading.enumerate())
    server = StatusServer(worker.numbers, "127.0.0.1", 0, setup=60)
    assert ask(server, "/healthz")[0] == 200
    server.close()
    server.close()
    assert not [one for one in set(threading.enumerate()) - before if one.name == "ztfnb http"]
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_loop_that_hangs() -> None:
    """A loop that does not turn is not alive; before its first turn there is time to set up."""
    running = replace(NUMBERS, ticked=100.0)
    assert alive(running, 100.0 + LATELY, patience=0.0).well
    assert not alive(running, 101.0 + LATELY, patience=0.0).well
    assert "not turned" in alive(running, 101.0 + LATELY, patience=0.0).reason
    assert alive(WorkerNumbers(), 99.0, patience=100.0).well
    assert not alive(WorkerNumbers(), 101.0, patience=100.0).well


def test_ready_only_when_it_works() -> None:
    """Filters loaded, group joined and brokers there: all three are needed."""
    assert ready(NUMBERS).well
    assert ready(replace(NUMBERS, state="caught up")).well
    assert not ready(replace(NUMBERS, ready=False)).well
    away = ready(replace(NUMBERS, state="disconnected", last_error="no route"))
    assert (away.well, away.reason) == (False, "disconnected: no route")
