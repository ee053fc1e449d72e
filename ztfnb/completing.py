"""Names of fields, with what they mean, while a person types in a cell.

``alert["candidate"]["``, ``c["`` where ``c = alert["candidate"]``, ``p["`` of a loop over the
history, ``alert.candidate.``: what stands around the cursor says which record is meant. The cell
is read as text, since a function that is being written is no valid Python yet. `offer_fields`
registers this with the IPython that runs, and does nothing elsewhere.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ztfnb.alert import Alert
from ztfnb.fields import Field, fields

_LISTS = {"prv_candidates": "prv_candidate", "fp_hists": "fp_hist"}
_STAMPS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
_CHAIN = (
    r"""[A-Za-z_]\w*(?:\.(?!get\b)\w+|\.get\(\s*['"]\w+['"]\s*\)"""
    r"""|\[\s*['"]\w+['"]\s*\]|\[\s*-?\w+\s*\])*"""
)
_KEY = re.compile(rf"""(?P<owner>{_CHAIN})(?:\[\s*|\.get\(\s*)['"](?P<word>\w*)$""")
_ATTRIBUTE = re.compile(rf"(?P<owner>{_CHAIN})\.(?P<word>\w*)$")
_STEP = re.compile(r"""\.get\(\s*['"](\w+)|\.(\w+)|\[\s*['"](\w+)|\[\s*(-?\w+)""")
_SET = re.compile(
    r"^[ \t]*(\w+)[ \t]*(?::[^=\n]+)?=[ \t]*([^=\n].*)$|(\w+)[ \t]*:=[ \t]*([^\n]+)", re.MULTILINE
)
_LOOP = re.compile(r"\bfor[ \t]+(?:\w+[ \t]*,[ \t]*)?\(?(\w+)\)?[ \t]+in[ \t]+([^\n]*)")
_FUNCTION = re.compile(r"^def[ \t]+\w+[ \t]*\([ \t]*(\w+)", re.MULTILINE)
_SAME = re.compile(r"^(?:sorted|list|tuple|reversed)\(\s*")
_ONE = re.compile(r"^(?:min|max|next)\(\s*")
_WHOLE = re.compile(rf"{_CHAIN}(?![\w\[(.])")
_IDENTIFIER = "ztfnb.fields"
_LONGEST = 80


class Found(NamedTuple):
    """What may stand where the cursor is."""

    word: str
    """What has been typed of it."""
    fields: tuple[Field, ...]


def fields_at(text: str, cursor: int, values: Mapping[str, Any] | None = None) -> Found:
    """Return the fields that may be meant where the cursor is.

    Parameters
    ----------
    text
        Of the cell.
    cursor
        Characters before the cursor.
    values
        What names stand for outside the cell.
    """
    before = text[:cursor]
    match = _KEY.search(before) or _ATTRIBUTE.search(before)
    if match is None:
        return Found("", ())
    word = match["word"]
    key = match.re is _KEY
    kinds = _kinds(_scope(text, cursor), values or {})
    record = _kind_of_chain(match["owner"], kinds)
    if record is None or record.endswith("*") or (record == "alert" and not key):
        # The attributes of an alert are its own, which IPython knows.
        return Found(word, ())
    sought = word.lower()
    return Found(
        word,
        tuple(
            one for one in fields() if one.record == record and one.name.lower().startswith(sought)
        ),
    )


def told(one: Field) -> str:
    """Return type, unit and meaning of a field in one line."""
    unit = f" [{one.unit}]" if one.unit else ""
    line = f"{one.type}{unit}: {one.doc}"
    line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
    # JupyterLab would break a line at spaces, and lay its pieces over each other.
    return line.replace(" ", "\N{NO-BREAK SPACE}")


def offer_fields() -> None:
    """Let the IPython that this runs in offer names of fields; once, and nowhere else."""
    ipython = sys.modules.get("IPython")
    shell: Any = None if ipython is None else ipython.get_ipython()
    completer = getattr(shell, "Completer", None)
    matchers = getattr(completer, "custom_matchers", None)
    if not isinstance(matchers, list):
        return
    if any(getattr(one, "matcher_identifier", "") == _IDENTIFIER for one in matchers):
        return

    def offered(context: Any) -> dict[str, Any]:
        before = str(context.text_until_cursor)
        lines = context.full_text.split("\n")
        start = sum(len(line) + 1 for line in lines[: context.cursor_line])
        found = fields_at(context.full_text, start + len(before), shell.user_ns)
        return {
            "completions": [_Completion(one.name, told(one)) for one in found.fields],
            "matched_fragment": found.word,
            "suppress": bool(found.fields),
            "ordered": True,
        }

    # As IPython's own decorator `context_matcher` does, without importing IPython.
    offered.matcher_identifier = _IDENTIFIER  # type: ignore[attr-defined]
    offered.matcher_api_version = 2  # type: ignore[attr-defined]
    offered.matcher_priority = 100  # type: ignore[attr-defined]
    matchers.append(offered)


@dataclass(frozen=True, slots=True)
class _Completion:
    """What IPython takes for a completion."""

    text: str
    type: str


# -- Reading the cell ----------------------------------------------------------------------


def _scope(text: str, cursor: int) -> str:
    """Return the function around the cursor, with all inside; the whole cell if there is none."""
    begins = [found.start() for found in _FUNCTION.finditer(text, 0, cursor)]
    if not begins:
        return text
    end = re.compile(r"^(?=[^\s#)\]}])", re.MULTILINE).search(text, cursor)
    return text[begins[-1] : end.start() if end else len(text)]


def _kinds(scope: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return of which record each name is; a list of records has a star behind it."""
    kinds = {name: "alert" for name, value in values.items() if isinstance(value, Alert)}
    kinds |= {"alert": "alert", "candidate": "candidate"}
    if function := _FUNCTION.search(scope):
        kinds[function[1]] = "candidate" if "cand" in function[1] else "alert"
    # A name may be set below the place where it is used, as in a comprehension.
    for _ in range(2):
        for name, kind in _named(scope, kinds):
            if kind:
                kinds[name] = kind
    return kinds


def _named(scope: str, kinds: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    for found in _SET.finditer(scope):
        name, value = (found[1], found[2]) if found[1] else (found[3], found[4])
        yield name, _kind_of(value, kinds)
    for found in _LOOP.finditer(scope):
        yield found[1], _entry_of(found[2], kinds)


def _kind_of(value: str, kinds: Mapping[str, str]) -> str | None:
    bare = value.strip()
    if _ONE.match(bare):
        return _entry_of(bare, kinds)
    bare = _SAME.sub("", bare).lstrip("( ")
    if bare.startswith("["):
        entry = _entry_of(bare, kinds)
        chosen = re.match(r"\[\s*(\w+)\s+for\s+(\w+)\s", bare)
        return f"{entry}*" if entry and chosen and chosen[1] == chosen[2] else None
    chain = _WHOLE.match(bare)
    if chain is None:
        return None
    rest = bare[chain.end() :].lstrip(") ")
    plain = not rest or rest.startswith(("or ", "if ", "#", "and ", ",", "is ", ":", "key"))
    return _kind_of_chain(chain[0], kinds) if plain else None


def _entry_of(text: str, kinds: Mapping[str, str]) -> str | None:
    """Return the record of an entry of the first list that a text names."""
    for found in re.finditer(r"\w+", text):
        kind = _LISTS.get(found[0]) or kinds.get(found[0], "")
        if found[0] in _LISTS:
            return kind
        if kind.endswith("*"):
            return kind.removesuffix("*")
    return None


def _kind_of_chain(chain: str, kinds: Mapping[str, str]) -> str | None:
    name = re.match(r"\w+", chain)
    kind = kinds.get(name[0]) if name else None
    for step in _STEP.finditer(chain):
        key = step[1] or step[2] or step[3]
        if kind is None:
            return None
        if kind.endswith("*"):
            kind = None if key else kind.removesuffix("*")
        elif kind == "alert" and key == "candidate":
            kind = "candidate"
        elif kind == "alert" and key in _LISTS:
            kind = f"{_LISTS[key]}*"
        elif kind == "alert" and key in _STAMPS:
            kind = "cutout"
        else:
            kind = None
    return kind
