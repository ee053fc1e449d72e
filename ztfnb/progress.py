"""Progress bars on work that may take long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 2.0
"""Seconds that go by before a bar is shown that nobody asked for."""


@contextmanager
def progress_bar(
    what: str, total: int | None, unit: str, *, show: bool | None
) -> Iterator[Callable[[int], object]]:
    """Show a bar while the block runs; what it yields takes how far the work is now.

    Parameters
    ----------
    what
        Words before the bar.
    total
        How far the work goes; None where that is unknown.
    unit
        What is counted; ``"B"`` gives MB and GB.
    show
        True: at once. False: never. None: after `PATIENCE` [s], in a notebook or terminal, from
        the main thread, and where tqdm is installed.

    Raises
    ------
    ImportError
        If a bar is asked for and tqdm is missing.
    """
    # In a notebook it would land below whichever cell runs at that time.
    elsewhere = threading.current_thread() is not threading.main_thread()
    if show is False or (show is None and elsewhere):
        yield lambda _position: None
        return
    try:
        from tqdm.auto import tqdm  # noqa: PLC0415 - of the extra `lab`
    except ImportError:
        if show:
            raise ImportError("progress bars need tqdm: pip install 'ztfnb[lab]'") from None
        yield lambda _position: None
        return
    with tqdm(
        desc=what,
        total=total,
        unit=unit,
        unit_scale=True,
        delay=0 if show else PATIENCE,
        # None: only where the output is a terminal or a notebook.
        disable=False if show else None,
    ) as bar:
        yield lambda position: bar.update(position - bar.n)
