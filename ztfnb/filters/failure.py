"""Why an alert failed: what was raised, or could not be judged, and the author's line."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Literal

from ztfnb.errors import NotHeldError
from ztfnb.filters.code import FunctionCode
from ztfnb.filters.filter import Filter
from ztfnb.filters.libraries import is_library_file, is_own_file
from ztfnb.wording import one_line

Kind = Literal["exception", "missing value", "refused value", "memory", "not held"]

_LONGEST = 500
"""Characters kept of a message."""
_NONE = "NoneType"


@dataclass(frozen=True, slots=True)
class Failure:
    """One alert on which a filter failed."""

    candid: int
    kind: Kind
    """``missing value``: a field that is absent or None was used; ``refused value``: what was
    returned cannot be judged; ``memory``: there was not as much as it wanted; ``not held``: what
    the filter reads could not be fetched."""
    message: str
    line: int = 0
    """The author's line that ran last, of `file`; 0 where there is none."""
    text: str = ""
    """That line."""
    function: str = ""
    file: str = ""
    fetch: Callable[[], Mapping[str, Any]] | None = field(default=None, repr=False, compare=False)

    @property
    def alert(self) -> Mapping[str, Any]:
        """The alert, fetched now.

        Raises
        ------
        NotHeldError
            If its source no longer has it.
        """
        if self.fetch is None:
            raise NotHeldError(f"candid {self.candid} is not at hand")
        return self.fetch()

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.message}"


def failure_of(made: Filter, candid: int, error: BaseException) -> Failure:
    """Return the failure that an exception raised by a filter means."""
    frames = list(_frames(error))
    globals_ = made.function.__globals__
    for frame, line in reversed(frames):
        file = frame.f_code.co_filename
        if file == made.code.file or frame.f_globals is globals_ or not is_library_file(file):
            return Failure(
                candid,
                _kind(made, error, frames[-1][0]),
                message_of(error),
                line,
                linecache.getline(file, line).strip(),
                frame.f_code.co_name,
                file,
            )
    # Not one line of the author's was run: the alert could not be given to the function.
    return Failure(candid, "exception", message_of(error))


def refused(made: Filter, candid: int, error: BaseException) -> Failure:
    """Return the failure that a value means of which truth or annotations cannot be had.

    Its line is that of the only ``return``; the function's own where there are several.
    """
    line = _return_line(made.code)
    text = linecache.getline(made.code.file, line).strip()
    message = message_of(error)
    return Failure(
        candid, "refused value", message, line, text, made.function.__name__, made.code.file
    )


def not_held(candid: int, error: Exception) -> Failure:
    """Return the failure of an alert whose packet cannot be had."""
    return Failure(candid, "not held", f"its packet cannot be read: {message_of(error)}")


def message_of(error: BaseException) -> str:
    """Return the kind of an exception and what it says, on one line."""
    try:
        said = str(error).strip()
    except Exception:  # noqa: BLE001 - an author's own exception may not be able to speak
        said = "(it cannot be shown)"
    name = type(error).__name__
    return one_line(f"{name}: {said}" if said else name, _LONGEST)


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _return_line(code: FunctionCode) -> int:
    found = [node.lineno for node in ast.walk(code.tree) if isinstance(node, ast.Return)]
    return found[0] if len(found) == 1 else code.line


def _kind(made: Filter, error: BaseException, innermost: FrameType) -> Kind:
    """Tell a value that is not there, and memory that is not, from a mistake."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, TypeError | AttributeError) and _NONE in str(error):
        return "missing value"
    if isinstance(error, KeyError | AttributeError):
        # An alert's own look-up raised it; or a dictionary's, which has no frame, of a text.
        file = innermost.f_code.co_filename
        ours = file != made.code.file and is_own_file(file)
        asked = isinstance(error, KeyError) and error.args and isinstance(error.args[0], str)
        return "missing value" if ours or asked else "exception"
    return "exception"
