"""What the worker and the process of its filters say to each other: JSON behind its length.

Nothing that runs code is ever read from the process of the filters.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from typing import Any

PROTOCOL = 1
NOT_READY, OUT_OF_MEMORY, RENEW = 3, 4, 5
"""Exit codes: it could not be made ready; memory ran out outside of a filter; a filter failed for
want of memory, which has been told."""
LONGEST = 1 << 20
"""Bytes of one message at most."""
MOST_NOTES = 64 * 1024
"""Bytes that the annotations of one alert may take: they travel in the headers of a message."""
_A_BIT = 6
"""Bytes that a bit of a whole number counts: Python writes none of more than 4,300 digits."""
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


def size_of(notes: Mapping[str, Any]) -> int:
    """Return about how many bytes annotations take as text, and no less than that."""
    return sum(
        len(name.encode("utf-8", "replace")) + _text(value) + 8 for name, value in notes.items()
    )


def _text(value: Any) -> int:
    if isinstance(value, str):
        return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value.bit_length() * _A_BIT if isinstance(value, int) else 24


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
