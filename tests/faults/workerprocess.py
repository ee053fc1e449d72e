"""A worker as it runs in a container: a process of its own, told everything by its environment."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from faults.cluster import PATIENCE, until

from ztfnb.errors import FilterWarning
from ztfnb.export.worker.bundle import (
    SOURCE,
    Bundle,
    checksum_of,
    load_filter,
    write_bundle,
)

_FILTER = '''"""What a filter of a test does."""

import time

import ztfnb


@ztfnb.filter
def odd(alert, *, slow=0.0, every=False):
    """Odd candids pass, or every one; of the others every fiftieth is too much for it."""
    if slow:
        time.sleep(slow)
    if every:
        return True
    if alert.candid % 100 == 50:
        raise RuntimeError("fifty")
    return alert.candid % 2 == 1


FILTER = odd
'''


def passes(number: int) -> bool:
    """Whether the bundle's filter passes the packet of this number."""
    return number % 2 == 1


def fails(number: int) -> bool:
    """Whether it fails on it."""
    return number % 100 == 50


def made_bundle(folder: Path, source: str = _FILTER) -> Path:
    """Write a bundle of a filter, as an export would; unless given, of the one above."""
    folder.mkdir()
    path = folder / SOURCE
    path.write_text(source, "utf-8")
    bundle = Bundle(folder, "", "0" * 64, {SOURCE: checksum_of(path)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FilterWarning)  # it waits on purpose
        made = load_filter(bundle)
    write_bundle(replace(bundle, name=made.name, hash=made.hash))
    return folder


class WorkerProcess:
    """``python -m ztfnb.export.worker``, started, asked, and ended as the test wants.

    Parameters
    ----------
    bundle
        Folder of the filter.
    log
        Where to write what it says.
    variables
        Its settings: ``source="kafka://..."`` is ``ZTFNB_SOURCE``.
    """

    def __init__(self, bundle: Path, log: Path, **variables: object) -> None:
        self.log = log
        self._port: int | None = None
        self._environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("ZTFNB_")},
            "ZTFNB_HOST": "127.0.0.1",
            "ZTFNB_PORT": "0",
            **{f"ZTFNB_{name.upper()}": str(value) for name, value in variables.items()},
        }
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ztfnb.export.worker", str(bundle)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=self._environment,
            )

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    @property
    def port(self) -> int | None:
        """Where it answers; None until it has told."""
        if self._port is None:
            lines = self.log.read_text("utf-8", errors="replace").splitlines(keepends=True)
            for line in lines:
                if '"listening"' in line and line.endswith("\n"):
                    self._port = int(json.loads(line)["port"])
        return self._port

    def numbers(self) -> dict[str, Any] | None:
        """Its numbers now; None while it does not answer."""
        told = self._ask("numbers")
        return None if told is None else dict(json.loads(told))

    def healthy(self, path: str) -> bool:
        """Whether it answers that it is alive (``healthz``) or ready (``readyz``)."""
        return self._ask(path) is not None

    def state(self) -> str:
        """Its state; empty while it does not answer."""
        return str((self.numbers() or {}).get("state", ""))

    def await_ready(self, timeout: float = PATIENCE) -> Self:
        """Wait until it does its work."""
        until(lambda: self._still_there() and self.healthy("readyz"), timeout, self.said)
        return self

    def await_end(self, timeout: float = PATIENCE) -> int:
        """Wait until it has ended by itself, and return its exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end within {timeout:g} s: {self.said()}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a fault would; nothing is finished, nobody is told."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> tuple[int, float]:
        """Ask it to end, and return its exit code and how long it took [s]."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.await_end()
        return code, time.monotonic() - began

    def said(self) -> str:
        """The end of what it said."""
        return self.log.read_text("utf-8", errors="replace")[-3000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self.kill()

    def _ask(self, path: str) -> bytes | None:
        if self.port is None:
            return None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=30) as told:
                return bytes(told.read())
        except (OSError, http.client.HTTPException):  # refused, 503, or ended in the middle
            return None

    def _still_there(self) -> bool:
        assert self.running, f"it ended with {self.process.returncode}: {self.said()}"
        return True
