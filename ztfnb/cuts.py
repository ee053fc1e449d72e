"""Cuts: the conditions that alerts have to fulfil, one by one as a person sets and removes them.

``Cuts("rb > 0.65 and magpsf < 19")`` are two cuts. Each is a condition as `ztfnb.selection` reads
it, and keeps the text it was written in. Together they are an expression for a store,
``live.select(cuts.selection)``, and a function of one alert, ``[a for a in alerts if cuts(a)]``:
both decide the same. A value that an alert does not have, because it is null or because the
alert's schema is too old for it, is missing, for which no comparison holds; the survey's own
markers (-999) are ordinary numbers.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import CORES, Alert
from ztfnb.arrays import DTYPES, scalar_fields
from ztfnb.errors import ConfigError, SelectionError
from ztfnb.fields import fields
from ztfnb.ranges import Range, range_in, range_text
from ztfnb.schema import SCHEMAS_KEPT, Schema
from ztfnb.selection import Selection, parse, unknown_field
from ztfnb.syntax import tree_of

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter

Rows = NDArray[np.intp]

_OBJECT = re.compile(r"[A-Za-z0-9]{1,40}")
_PREFIX = "ZTF"
_SHORTEST_CANDID = 15


class Held(Protocol):
    """Alerts held, as columns: a `ztfnb.snapshot.Snapshot`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that they have."""

    def __len__(self) -> int: ...

    def column(self, name: str, rows: Any = None) -> NDArray[Any]:
        """Return one field of some rows."""

    def select(self, where: Selection) -> Rows:
        """Return the rows that fulfil a condition, ascending."""


class Chosen(NamedTuple):
    """What cuts make of the alerts held."""

    rows: Rows
    """Those that fulfil all, ascending."""
    counts: tuple[int, ...]
    """How many fulfil each."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One condition, with the text as it was written.

    Two cuts are equal if they differ in spaces, outer brackets and quotes only.

    Raises
    ------
    SelectionError
        If the text is no condition.
    """

    text: str = field(compare=False)
    selection: Selection = field(init=False, repr=False, compare=False)
    _meaning: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        line = " ".join(str(self.text).splitlines())
        tree = _tree(parse(line))
        text = _source(parse(line), tree)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "selection", parse(text))
        object.__setattr__(self, "_meaning", ast.unparse(tree))

    def __str__(self) -> str:
        return self.text

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it reads."""
        return self.selection.names

    @property
    def range(self) -> tuple[str, Range] | None:
        """The field and its range, where the cut is nothing but that: ``18 <= magpsf < 19``."""
        return range_in(_tree(self.selection))


@dataclass(frozen=True, init=False, repr=False)
class Cuts(Sequence[Cut]):
    """Cuts in the order in which they were set, none of them twice; never changed, but replaced.

    Parameters
    ----------
    cuts
        Conditions. A text is taken apart at each ``and`` that is not in brackets.

    Raises
    ------
    SelectionError
        If one is no condition, or all together are too long.
    """

    _cuts: tuple[Cut, ...]
    selection: Selection | None = field(compare=False)
    """All of them as one condition, ready to evaluate; None if there are none."""

    def __init__(self, cuts: str | Cut | Iterable[str | Cut] = ()) -> None:
        kept = tuple(dict.fromkeys(_cuts_in(cuts)))
        object.__setattr__(self, "_cuts", kept)
        joined = self.expression
        object.__setattr__(self, "selection", parse(joined) if joined else None)

    @overload
    def __getitem__(self, index: int) -> Cut: ...
    @overload
    def __getitem__(self, index: slice) -> Cuts: ...
    def __getitem__(self, index: int | slice) -> Cut | Cuts:
        return Cuts(self._cuts[index]) if isinstance(index, slice) else self._cuts[index]

    def __len__(self) -> int:
        return len(self._cuts)

    def __iter__(self) -> Iterator[Cut]:
        return iter(self._cuts)

    def __repr__(self) -> str:
        return f"Cuts({self.to_json()})"

    def __str__(self) -> str:
        return self.expression

    def __call__(self, alert: Alert | Mapping[str, Any]) -> bool:
        """Return whether one alert fulfils all cuts.

        Parameters
        ----------
        alert
            An alert, or a dictionary of one; fields may also stand at its top level.

        Raises
        ------
        SelectionError
            If a field is neither in the alert nor documented, or text is used as a number.
        """
        if self.selection is None:
            return True
        row = {name: _value(alert, name) for name in self.fields}
        columns = {name: value.values for name, value in row.items()}
        held = self.selection.evaluate(columns, lambda name: row[name].missing)
        return bool(held[0])

    @property
    def expression(self) -> str:
        """All of them as one text, joined by ``and``; empty if there are none."""
        texts = (
            f"({cut})" if len(self) > 1 and isinstance(_tree(cut.selection), ast.BoolOp) else cut
            for cut in self._cuts
        )
        return " and ".join(map(str, texts))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that they read."""
        return () if self.selection is None else self.selection.names

    @property
    def ranges(self) -> dict[str, Range]:
        """What cuts that are plain ranges leave of each field that has one."""
        found: dict[str, Range] = {}
        for name, (low, high) in (cut.range for cut in self._cuts if cut.range):
            before = found.get(name, Range(-math.inf, math.inf))
            found[name] = Range(max(low, before.low), min(high, before.high))
        return found

    # -- Cuts made from these --------------------------------------------------------------

    def with_(self, cuts: str | Cut | Iterable[str | Cut]) -> Cuts:
        """Return these and further ones."""
        return Cuts([*self._cuts, *_cuts_in(cuts)])

    def without(self, cut: str | Cut) -> Cuts:
        """Return these without one of them; the same if it is none of them."""
        left = Cut(cut) if isinstance(cut, str) else cut
        return Cuts([each for each in self._cuts if each != left])

    def replaced(self, old: str | Cut, new: str | Cut | Iterable[str | Cut]) -> Cuts:
        """Return these with others in the place of one; at the end if it is none of them."""
        left = Cut(old) if isinstance(old, str) else old
        place = self._cuts.index(left) if left in self._cuts else len(self)
        others = [cut for cut in self._cuts if cut != left]
        return Cuts([*others[:place], *_cuts_in(new), *others[place:]])

    def with_range(
        self, name: str, low: float | None = None, high: float | None = None, *, whole: bool = False
    ) -> Cuts:
        """Return these with a range in the place of all plain ranges of the same field.

        Parameters
        ----------
        name
            The field.
        low, high
            From the first on, and below the second; None where it is open. Both None leave the
            field without a range.
        whole
            Whether the field holds whole numbers: then the range ends with the last one in it,
            and ``high`` may be it.

        Raises
        ------
        SelectionError
            If nothing can lie in the range.
        """
        ranged = [cut for cut in self._cuts if cut.range and cut.range[0] == name]
        others = [cut for cut in self._cuts if cut not in ranged]
        text = range_text(name, low, high, whole=whole)
        if not text:
            return Cuts(others)
        place = self._cuts.index(ranged[0]) if ranged else len(self)
        made = Cut(text)
        if made.range is None or made.range[0] != name:
            raise SelectionError(f"expected the name of a field, got {name!r}")
        return Cuts([*others[:place], made, *others[place:]])

    # -- What they do to alerts held -------------------------------------------------------

    def check(self, held: Held) -> None:
        """Raise SelectionError unless they can be evaluated on alerts held; none are needed."""
        if self.selection is not None:
            check(self.selection, held)

    def choose(self, held: Held) -> Chosen:
        """Return which alerts fulfil all cuts, and how many fulfil each.

        Raises
        ------
        SelectionError
            If they cannot be evaluated.
        """
        chosen = np.ones(len(held), np.bool_)
        counts = []
        for cut in self._cuts:
            rows = held.select(cut.selection)
            counts.append(len(rows))
            fulfil = np.zeros(len(held), np.bool_)
            fulfil[rows] = True
            chosen &= fulfil
        return Chosen(np.flatnonzero(chosen), tuple(counts))

    # -- As a filter -----------------------------------------------------------------------

    def to_filter(self, name: str = "my_filter") -> Filter:
        """Return a filter that decides alike: see `ztfnb.filters.compose`."""
        from ztfnb.filters.compose import filter_from  # noqa: PLC0415 - a verb of a higher layer

        return filter_from(self, name)

    # -- As JSON ---------------------------------------------------------------------------

    def to_json(self) -> list[str]:
        """Return their texts."""
        return [cut.text for cut in self._cuts]

    @classmethod
    def from_json(cls, value: Any) -> Cuts:
        """Return the cuts of a list of texts.

        Raises
        ------
        ConfigError
            If it is none, or a text is no condition.
        """
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise ConfigError(f"cuts: expected a list of texts, got {str(value)[:80]!r}")
        try:
            return cls(map(Cut, value))
        except SelectionError as error:
            raise ConfigError(f"cuts: {error}") from None


def search_cut(text: str) -> Cut | None:
    """Return the cut for what a person searches an object or an alert by.

    Parameters
    ----------
    text
        The beginning of an objectId, with or without its ``ZTF``, or a whole candid; None is
        returned for nothing.

    Raises
    ------
    SelectionError
        If it can be neither.
    """
    sought = text.strip()
    if not sought:
        return None
    if not _OBJECT.fullmatch(sought):
        raise SelectionError(
            f"search: expected the beginning of an objectId or a candid, got {sought[:80]!r}"
        )
    if sought.isdigit() and len(sought) >= _SHORTEST_CANDID:
        return Cut(f"candid == {int(sought)}")
    begins = sought.upper()
    if not _PREFIX.startswith(begins):
        begins = _PREFIX + begins.removeprefix(_PREFIX).lower()
    return Cut(f"startswith(objectId, {begins!r})")


def check(selection: Selection, held: Held) -> None:
    """Raise SelectionError unless a condition can be evaluated on alerts held; none are needed.

    One alert is enough to see whether each field exists and is text or a number, as needed.
    """
    if not len(held):
        return
    selection.check(held.names)
    last = [len(held) - 1]
    selection.evaluate({name: held.column(name, last) for name in selection.names})


# -- Reading conditions --------------------------------------------------------------------


def _tree(selection: Selection) -> ast.expr:
    return tree_of(selection.text, "eval").body


def _source(selection: Selection, node: ast.expr) -> str:
    return ast.get_source_segment(selection.text, node) or selection.text


def _cuts_in(cuts: str | Cut | Iterable[str | Cut]) -> Iterator[Cut]:
    if isinstance(cuts, Cut):
        yield cuts
    elif isinstance(cuts, str):
        # Nothing typed is no cut; anything else has to be a condition.
        if cuts.strip():
            selection = Cut(cuts).selection
            for piece in _conditions(_tree(selection)):
                yield Cut(_source(selection, piece))
    else:
        for each in cuts:
            yield from _cuts_in(each)


def _conditions(tree: ast.expr) -> Iterator[ast.expr]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for part in tree.values:
            yield from _conditions(part)
    else:
        yield tree


# -- Reading one alert ---------------------------------------------------------------------


class _Value(NamedTuple):
    values: NDArray[Any]
    missing: NDArray[np.bool_]


def _value(alert: Alert | Mapping[str, Any], name: str) -> _Value:
    """Return one field of one alert as a column of one row has it; the core's go first."""
    cores = {name: core for name in CORES if isinstance(core := alert.get(name), Mapping)}
    # A store calls by this name what tells alerts apart, whichever survey they are of.
    identity = [{"candid": core.get(CORES[kind])} for kind, core in cores.items()]
    for record in (*cores.values(), alert, *identity):
        if name not in record:
            continue
        if record[name] is None:
            break
        values = np.array([record[name]])
        if values.shape != (1,) or values.dtype.kind not in "fiubU":
            raise SelectionError(f"{name} is neither a number nor a text")
        return _Value(values, np.zeros(1, np.bool_))
    else:
        if name not in _documented():
            known = {*alert, *(key for core in cores.values() for key in core), *_documented()}
            raise SelectionError(unknown_field(name, known))
    return _Value(np.zeros(1, _dtype(alert, name)), np.ones(1, np.bool_))


def _dtype(alert: Alert | Mapping[str, Any], name: str) -> str:
    """Return the type of a field that has no value here."""
    types = _types(alert.schema) if isinstance(alert, Alert) else {}
    return types.get(name) or _documented().get(name) or "<f8"


@lru_cache(maxsize=SCHEMAS_KEPT)
def _types(schema: Schema) -> dict[str, str]:
    inner = [entry.type.value for entry in schema.root.fields if entry.name in CORES]
    found = [scalar_fields(record, None) for record in (schema.root, *inner)]
    return {name: DTYPES[kind.kind] for types in found for name, kind in types.items()}


@lru_cache(maxsize=1)
def _documented() -> dict[str, str]:
    return {
        each.name: DTYPES[each.type]
        for each in fields()
        if each.record in ("alert", "candidate") and each.type in DTYPES
    }
