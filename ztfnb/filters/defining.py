"""From a function to a filter, with what has to be said of it at once: `ztfnb.filter`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import overload

from ztfnb.completing import offer_fields
from ztfnb.errors import FilterWarning
from ztfnb.filters.filter import Filter, Plain
from ztfnb.filters.needs import Files


@overload
def filter(  # noqa: A001 - ztfnb.filter is what people write
    function: Plain, /, *, files: Files | None = None, setup: Plain | None = None
) -> Filter: ...
@overload
def filter(  # noqa: A001
    *, files: Files | None = None, setup: Plain | None = None
) -> Callable[[Plain], Filter]: ...
def filter(  # noqa: A001
    function: Plain | None = None,
    /,
    *,
    files: Files | None = None,
    setup: Plain | None = None,
) -> Filter | Callable[[Plain], Filter]:
    """Make a filter of a function of one alert that returns True or False.

    Keyword-only parameters with defaults are its thresholds. What looks wrong in the source is
    told at once, with its line, as a `ztfnb.errors.FilterWarning`; so are pinned alerts that it
    does not decide as it must.

    Parameters
    ----------
    files
        Data files that it needs, by the name of the parameter that takes the path. They lie beside
        the notebook, or beside the module that defines the filter.
    setup
        Run once, with the files that it names as parameters; its result goes to the keyword-only
        parameter of the filter that has no default and is no file. Where there are several, it
        returns a mapping.

    Raises
    ------
    FilterError
        If the function cannot be a filter, or a file is not there.
    """
    if function is None:
        return partial(_make, files=files, setup=setup)
    return _make(function, files=files, setup=setup)


def _make(
    function: Plain,
    *,
    files: Files | None = None,
    setup: Plain | None = None,
) -> Filter:
    made = Filter(function, files=files, setup=setup)
    offer_fields()
    for said in (_remarks_told(made), _pins_told(made)):
        if said:
            # Without a registry: a cell that is run again is told again.
            warnings.warn_explicit(
                said, FilterWarning, made.code.file, made.code.line, made.function.__module__
            )
    return made


def _remarks_told(made: Filter) -> str:
    lines = [f"  {remark}" for remark in made.remarks]
    return "\n".join([f"{made.name}:", *lines]) if lines else ""


def _pins_told(made: Filter) -> str:
    """Run the pins of a filter that is defined anew, and say which are red."""
    if not made.local:
        return ""
    from ztfnb.filters.pins import told  # noqa: PLC0415 - it runs filters

    return told(made)
