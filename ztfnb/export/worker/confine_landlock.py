"""Which files a process may read; it may write none: Landlock.

Reference: Linux's ``Documentation/userspace-api/landlock.rst``.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
"""The same on every kind of processor."""
_WHICH_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_FILES = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version knows; later ones as many as the last."""
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_BIND_AND_CONNECT = 0b11
_SOCKETS_AND_SIGNALS = 0b11


def version() -> int:
    """Return which version the kernel has; 0 where it has none, or none in force."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), _WHICH_VERSION)))


def allow_reading(paths: Iterable[Path]) -> None:
    """Let this thread, and those that it starts, read below some paths only, for ever.

    A path that is not there is passed over.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number: int, *arguments: object) -> int:
        found = int(libc.syscall(number, *arguments))
        if found < 0:
            code = ctypes.get_errno()
            raise OSError(code, f"Landlock: {os.strerror(code)}")
        return found

    known = version()
    handled = (1 << _FILES[min(max(known, 1), max(_FILES))]) - 1
    network = _BIND_AND_CONNECT if known >= _NETWORK_SINCE else 0
    scopes = _SOCKETS_AND_SIGNALS if known >= _SCOPES_SINCE else 0
    words = 1 + (known >= _NETWORK_SINCE) + (known >= _SCOPES_SINCE)
    told = struct.pack("=3Q", handled, network, scopes)[: 8 * words]
    rules = call(_CREATE, told, ctypes.c_size_t(len(told)), 0)
    try:
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                right = _READ_FILE | (_READ_FOLDER if path.is_dir() else 0)
                call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", right, fd), 0)
            finally:
                os.close(fd)
        call(_RESTRICT, rules, 0)
    finally:
        os.close(rules)
