"""Code that ends threads, kept out of coverage."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unmeasured() -> Iterator[None]:
    """Trace neither this thread nor those begun in it.

    A thread that is ended inside of coverage's own code would keep its lock; and in Python 3.11 no
    thread that is traced gets on while another has still to meet an exception sent to it.
    """
    tracing, others = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(others)
        sys.settrace(tracing)
