"""What filters print: to the log of the worker, and never more than somebody would read."""

from __future__ import annotations

import logging
import os
import selectors
import threading
from collections import deque
from contextlib import suppress
from time import monotonic

_LOG = logging.getLogger("ztfnb.worker.filter")
_LINES, _SECONDS = 100, 10.0
"""Lines that go to the log in so many seconds; of the others the number."""
_LONGEST = 500
_TAIL = 20
_AT_ONCE = 1 << 16


class Printed:
    """Reads, in a thread of its own, what filters print, so that printing never waits.

    It is there until `close`.
    """

    def __init__(self) -> None:
        reading, self.fd = os.pipe()
        """Where filters print to."""
        self._stop_reading, self._stop = os.pipe()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._thread = threading.Thread(
            target=self._run, args=(reading,), name="ztfnb filter output", daemon=True
        )
        self._thread.start()

    def tail(self) -> str:
        """Return the last lines."""
        return "\n".join(self._tail.copy())

    def clear(self) -> None:
        """Forget the last lines."""
        self._tail.clear()

    def close(self) -> None:
        """Read no more."""
        os.close(self.fd)
        os.close(self._stop)
        self._thread.join()

    def _run(self, reading: int) -> None:
        os.set_blocking(reading, False)
        left, told, begun, beyond = b"", 0, monotonic(), 0
        with selectors.DefaultSelector() as selector:
            selector.register(reading, selectors.EVENT_READ)
            selector.register(self._stop_reading, selectors.EVENT_READ)
            stopping = False
            while not stopping:
                ready = {key.fd for key, _events in selector.select()}
                stopping = self._stop_reading in ready
                data = b""
                with suppress(BlockingIOError):
                    data = os.read(reading, _AT_ONCE)
                *lines, left = (left + data).split(b"\n")
                if len(left) > _LONGEST or (stopping and left):
                    lines.append(left)
                    left = b""
                if monotonic() - begun > _SECONDS:
                    if beyond:
                        _LOG.warning("%d more lines were printed", beyond)
                    told, begun, beyond = 0, monotonic(), 0
                for line in lines:
                    text = _clean(line)
                    self._tail.append(text)
                    if told < _LINES:
                        told += 1
                        _LOG.info("%s", text)
                    else:
                        beyond += 1
        os.close(reading)
        os.close(self._stop_reading)


def _clean(line: bytes) -> str:
    """Return a line as text that does nothing to a terminal."""
    text = line[:_LONGEST].decode("utf-8", "replace").rstrip()
    return "".join(c if c.isprintable() else " " for c in text)
