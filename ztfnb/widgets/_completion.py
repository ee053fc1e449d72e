"""What can be written in a cut, for the page to offer while a person types."""

from __future__ import annotations

from collections.abc import Iterable

from ztfnb.fields import Field, fields
from ztfnb.selection import FUNCTIONS

_SCALARS = ("int", "long", "float", "double", "string", "boolean")
_WORDS = {
    "and": "both conditions hold",
    "or": "one of two conditions holds, or both do",
    "not": "the condition does not hold",
    "in": "is one of a list: isdiffpos in ('t', '1')",
}
_FUNCTIONS = {
    "isnull": "whether a field has no value: isnull(drb)",
    "startswith": "whether a text begins so: startswith(objectId, 'ZTF18')",
    "min": "the smallest of two or more numbers",
    "max": "the largest of two or more numbers",
    "abs": "the number without its sign",
    "sqrt": "square root",
    "exp": "exponential function",
    "log": "natural logarithm",
    "log10": "logarithm to the base 10",
}


def completions(names: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return what may be offered, as JSON for the page.

    Parameters
    ----------
    names
        The fields that there are; those documented where empty.

    Returns
    -------
    list of dict
        ``name``, ``unit``, ``doc`` and ``kind``: ``"number"``, ``"text"`` or ``""`` of a field,
        where it is known, ``"function"`` or ``"word"``.
    """
    known = _documented()
    offered = [
        {"name": name, "unit": "", "doc": "", "kind": ""}
        if (found := known.get(name)) is None
        else {
            "name": name,
            "unit": found.unit,
            "doc": found.doc,
            "kind": "text" if found.type == "string" else "number",
        }
        for name in (names or known)
    ]
    offered += [
        {"name": name, "unit": "", "doc": _FUNCTIONS[name], "kind": "function"}
        for name in FUNCTIONS
    ]
    return offered + [
        {"name": name, "unit": "", "doc": doc, "kind": "word"} for name, doc in _WORDS.items()
    ]


def _documented() -> dict[str, Field]:
    """Return the documented fields that a cut can read; the candidate's own go first."""
    found: dict[str, Field] = {}
    for record in ("candidate", "alert"):
        for each in fields():
            if each.record == record and each.type in _SCALARS:
                found.setdefault(each.name, each)
    return found
