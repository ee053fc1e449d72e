"""What the worker and the process of its filters say to each other: JSON behind its length.

Nothing that runs code is ever read from the process of the filters.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from typing import Any

PROTOCOL = 1
NOT_READY, OUT_OF_MEMORY, RENEW = 3, 4, 5
"""Exit codes: it could not be made ready; memory ran out outside of a filter; a filter failed for
want of memory, which has been told."""
LONGEST = 1 << 20
"""Bytes of one message at most."""
_HEAD = struct.Struct("<I")
_AT_ONCE = 1 << 18


class WireError(Exception):
    """What came is no message."""


def send(fd: int, *message: Any) -> None:
    """Write a message.

    Raises
    ------
    OSError
        If the other side is gone.
    """
    body = json.dumps(message).encode()
    data = memoryview(_HEAD.pack(len(body)) + body)
    while data:
        data = data[os.write(fd, data) :]


class Incoming:
    """Messages that are read from a descriptor.

    Parameters
    ----------
    fd
        Where they come from.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.ended = False
        """Whether the other side has closed it."""
        self.drained = False
        """Whether there was nothing more to read, the last time."""
        self._data = bytearray()

    def receive(self) -> Iterator[list[Any]]:
        """Read what is there and yield the messages that are complete.

        Waits for a first byte where the descriptor is a blocking one.

        Raises
        ------
        WireError
            If what came is no message.
        """
        try:
            data = os.read(self.fd, _AT_ONCE)
        except BlockingIOError:
            self.drained = True
            return
        self.ended = self.drained = not data
        self._data += data
        while len(self._data) >= _HEAD.size:
            [size] = _HEAD.unpack_from(self._data)
            if size > LONGEST:
                raise WireError(f"a message of {size:,} bytes")
            end = _HEAD.size + size
            if len(self._data) < end:
                return
            body = bytes(self._data[_HEAD.size : end])
            del self._data[:end]
            try:
                message = json.loads(body)
            except (ValueError, RecursionError):
                raise WireError("a message that is no JSON") from None
            if not isinstance(message, list) or not message or not isinstance(message[0], str):
                raise WireError("a message without a kind")
            yield message
