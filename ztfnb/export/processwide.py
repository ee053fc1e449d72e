"""What a notebook has set for its whole process: a bundle does not bring it, and says so."""

from __future__ import annotations

import decimal
import locale
import sys
import warnings
from collections.abc import Iterable, Iterator

import numpy as np

_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
"""What NumPy does about floating-point errors unless it is told otherwise."""
_DEEPEST = 3_000
"""Calls in one another that IPython allows by itself."""
_CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


def remarks_on(texts: Iterable[str]) -> Iterator[str]:
    """Yield what is set in this process, may matter to a filter, and stays behind; a way out each.

    Parameters
    ----------
    texts
        The source of the bundle: what it does not name cannot matter to it.
    """
    whole = "\n".join(texts)
    # Alerts are plain numbers; only what is imported calculates otherwise.
    changed = {name: how for name, how in np.geterr().items() if how != _ERRORS[name]}
    if changed and "numpy" in whole:
        set_so = ", ".join(f"{name}={how!r}" for name, how in changed.items())
        yield _told(f"np.seterr({set_so})", f"with np.errstate({set_so}): ... in the function")
    now, usual = decimal.getcontext(), decimal.Context()
    if "decimal" in whole and any(getattr(now, one) != getattr(usual, one) for one in _CONTEXT):
        yield _told("the context of decimal", "with decimal.localcontext() in the function")
    if (numbers := locale.setlocale(locale.LC_NUMERIC)) != "C":
        yield _told(f"the locale {numbers}", "locale.setlocale in setup=")
    if (deepest := sys.getrecursionlimit()) > _DEEPEST:
        yield _told(f"sys.setrecursionlimit({deepest})", "the same in setup=")
    if any(action == "error" and kind is Warning for action, _, kind, *_ in warnings.filters):
        yield _told("warnings as errors", "with warnings.catch_warnings(): ... in the function")


def _told(what: str, instead: str) -> str:
    return (
        f"this process has {what}, which no bundle brings; where the filter depends on it, write "
        f"{instead}"
    )
