"""What the worker's process was started with is nobody else's to read."""

from __future__ import annotations

import ctypes
import sys

_SET_DUMPABLE = 4


def close_process() -> None:
    """Deny other processes of this user the environment, memory and descriptors of this one.

    Otherwise a filter could look its parent's variables up in ``/proc``. There are no core dumps
    of this process then, and debuggers need ``CAP_SYS_PTRACE``. What it starts is as usual.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
