"""Filters from cuts: ``rb > 0.65 and magpsf < 19`` as a function to read, change and paste.

The function decides as the cuts do, also where a value is missing, which fulfils no comparison:
null, NaN, or a field that the alert's schema does not have. What a field is compared with becomes
a threshold: ``rb > 0.65`` gives ``rb_min=0.65``.
"""

from __future__ import annotations

import ast
import keyword
import unicodedata
from collections.abc import Iterable
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.arrays import DTYPES
from ztfnb.cuts import Cut, Cuts
from ztfnb.errors import FilterError
from ztfnb.filters import sources
from ztfnb.filters.composed_terms import Terms, readable
from ztfnb.filters.head import LONGEST_LINE, head
from ztfnb.selection import Selection
from ztfnb.syntax import tree_of

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter

_NAME = "my_filter"
_MODULE = "ztfnb_cuts"


def source_of(cuts: Cuts | str | Iterable[str | Cut], name: str = _NAME) -> str:
    """Return the source of a function that decides as cuts do, ready for a cell.

    Parameters
    ----------
    cuts
        Cuts, or their text.
    name
        Of the function.

    Raises
    ------
    SelectionError
        If it is no condition over the documented fields of an alert.
    FilterError
        If the name is none that a function can have.
    """
    # Python reads some letters as others: what is defined would have another name.
    plain = name.isidentifier() and unicodedata.is_normalized("NFKC", name)
    if not plain or keyword.iskeyword(name) or name == "ztfnb":
        raise FilterError(f"expected a name for a function, such as {_NAME}, got {name[:80]!r}")
    kept = cuts if isinstance(cuts, Cuts) else Cuts(cuts)
    if kept.selection is None:
        return "\n".join(("@ztfnb.filter", f"def {name}(alert):", "    return True", ""))
    _check(kept.selection)
    terms = Terms()
    tree = tree_of(kept.expression, "eval").body
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.Or):
        returned = _return(terms.alternatives(tree.values), "or")
    else:
        returned = _return(terms.conjunction(_parts(tree)), "and")
    return "\n".join(
        [
            "@ztfnb.filter",
            *head(name, [f"{each}={value!r}" for each, value in terms.thresholds.items()]),
            *(f"    {line}" for line in [*_doc(kept.expression), *terms.reads(), *returned]),
            "",
        ]
    )


def filter_from(cuts: Cuts | str | Iterable[str | Cut], name: str = _NAME) -> Filter:
    """Return the filter that runs what `source_of` gives.

    Raises
    ------
    SelectionError
        If it is no condition over the documented fields of an alert.
    FilterError
        If the name is none that a function can have.
    """
    from ztfnb.filters.filter import Filter  # noqa: PLC0415 - it offers this as a verb

    text = source_of(cuts, name)
    file = f"<cuts {name} {sha256(text.encode()).hexdigest()[:12]}>"
    sources.keep(file, text)
    # Nobody wrote it in a cell: nothing is said of it while it is made.
    space = {"__name__": _MODULE, "ztfnb": SimpleNamespace(filter=Filter)}
    exec(compile(text, file, "exec"), space)  # noqa: S102 - of checked parts, written here
    made: Filter = space[name]  # type: ignore[assignment]
    return made


def _check(selection: Selection) -> None:
    """Refuse unknown fields, and text used as a number, with their place."""
    known = {name: np.zeros(1, DTYPES[one.type]) for name, one in readable().items()}
    selection.check(known)
    selection.evaluate(known)


def _parts(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        return [part for each in tree.values for part in _parts(each)]
    return [tree]


def _doc(expression: str) -> list[str]:
    line = f'"""Pass where {expression}."""'
    plain = expression.isprintable() and not {'"', "\\"} & set(expression)
    return [line] if plain and len(line) < LONGEST_LINE - 4 else []


def _return(parts: list[str], word: str) -> list[str]:
    first, *others = parts
    if not others:
        return [f"return {first}"]
    return ["return (", f"    {first}", *(f"    {word} {other}" for other in others), ")"]
