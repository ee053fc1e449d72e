"""An alert whose candidate is read from columns, and the rest from its packet when asked for.

It cannot be told from what `ztfnb.decode` makes of the packet: equal in values, types, order of
fields and errors. A value that was read once is found at the speed of a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np

from ztfnb.alert import Alert
from ztfnb.arrays import Array, Mask
from ztfnb.binary import Record
from ztfnb.codec import decode
from ztfnb.outline import Outline

_AHEAD = 5
"""Fields that are put into a record before they are asked for, at a third of the time."""

Read = Callable[[str], tuple[Array, Mask | None] | None]
"""Returns a column and where it has no value; None where there is no such column."""


class NotAtHandError(BaseException):
    """A filter asked for what only the packet holds, and the packet is not at hand.

    No `Exception`, so that a filter's own ``except`` does not take it for an answer: fetch the
    packet and run the filter again.
    """

    def __init__(self, candid: int) -> None:
        super().__init__(f"the packet of candid {candid} is not at hand")
        self.candid = candid


class _Lists(dict[str, "list[Any] | None"]):
    """Fields of some alerts, a list for each that was asked for.

    None for a field that the columns do not hold as the packets do; `KeyError` for one that the
    packets do not have.
    """

    def __init__(self, kinds: Mapping[str, str], read: Read) -> None:
        super().__init__()
        self._kinds = kinds
        self._read = read

    def __missing__(self, name: str) -> list[Any] | None:
        kind = self._kinds[name]
        found = self._read(name) if kind else None
        if found is None or found[0].dtype.kind != kind:
            self[name] = None
            return None
        values: list[Any] = found[0].tolist()
        if found[1] is not None:
            for row in np.flatnonzero(found[1]).tolist():
                values[row] = None
        self[name] = values
        return values


class Group:
    """Alerts of one outline whose values lie in the same columns.

    Parameters
    ----------
    outline
        Which fields their packets have; None where only the packets can tell.
    read
        Reads their columns.
    packet
        Returns the packet of a row of them, or raises `NotAtHandError`.
    """

    __slots__ = ("core", "outline", "packet", "top")

    def __init__(self, outline: Outline | None, read: Read, packet: Callable[[int], bytes]) -> None:
        self.outline = outline
        self.core = _Lists(outline.fields if outline else {}, read)
        self.top = _Lists(outline.top if outline else {}, read)
        self.packet = packet

    def alerts(self, count: int) -> Iterator[LazyAlert]:
        """Yield an alert for each row."""
        outline = self.outline
        if outline is None or self.core[outline.identity] is None:
            for row in range(count):
                yield _alert_in_packet(_Origin(self, row))
            return
        layout, core = outline.layout, outline.layout.core
        asked = 0
        ready: list[tuple[str, list[Any]]] = []
        for row in range(count):
            if len(self.core) > asked:
                # What was asked of the alerts before will be asked of this one. It also makes
                # that a record is never empty: some readers in C look no further then.
                asked = len(self.core)
                ready = [(name, values) for name, values in self.core.items() if values is not None]
                del ready[_AHEAD:]
            origin = _Origin(self, row)
            record = _new_record(LazyRecord)
            _set_origin(record, origin)
            for name, values in ready:
                _set_item(record, name, values[row])
            alert = _new_alert(LazyAlert)
            alert._origin = origin  # noqa: SLF001 - the alert is made here
            alert._layout = layout  # noqa: SLF001
            alert._values = {core: record}  # noqa: SLF001
            yield alert


class _Origin:
    """Where the values of one alert come from."""

    __slots__ = ("_decoded", "_fields", "asked", "group", "row")

    def __init__(self, group: Group, row: int) -> None:
        self.group = group
        self.row = row
        self.asked = False
        self._decoded: Alert | None = None
        self._fields: dict[str, Any] | None = None

    def decoded(self) -> Alert:
        """Return what the packet holds."""
        if self._decoded is None:
            try:
                packet = self.group.packet(self.row)
            except NotAtHandError:
                self.asked = True
                raise
            self._decoded = decode(packet)
        return self._decoded

    def fields(self) -> dict[str, Any]:
        """Return all fields of the core, in the packet's order."""
        if self._fields is None:
            names = self.group.outline.fields if self.group.outline else ()
            lists = [values for name in names if (values := self.group.core[name]) is not None]
            if len(lists) < len(names):
                self._fields = dict(self.decoded().core)
            else:
                row = self.row
                values = [column[row] for column in lists]
                self._fields = dict(zip(names, values, strict=True))
        return self._fields


class LazyRecord(Record):
    """The core of an alert: a dictionary of all its fields, each read when it is asked for.

    Underneath, the dictionary holds what was read so far. What looks at more than one field reads
    all of them, and sees them in the packet's order.
    """

    __slots__ = ("_origin",)
    _origin: _Origin

    def __missing__(self, name: str) -> Any:
        origin = self._origin
        try:
            values = origin.group.core[name]
        except KeyError:
            raise KeyError(name) from None
        value = origin.decoded().core[name] if values is None else values[origin.row]
        _set_item(self, name, value)
        return value

    def _all(self) -> dict[str, Any]:
        fields = self._origin.fields()
        if dict.__len__(self) < len(fields):
            _update(self, fields)
        return fields

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or the default where the packet has no such field."""
        return self[name] if name in self else default  # noqa: SIM401 - that is this method

    def __contains__(self, name: object) -> bool:
        outline = self._origin.group.outline
        return outline is not None and name in outline.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._all())

    def __len__(self) -> int:
        outline = self._origin.group.outline
        return len(outline.fields if outline else ())

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """Return the names of the fields."""
        return self._all().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """Return the values of the fields."""
        return self._all().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Return names and values of the fields."""
        return self._all().items()

    def copy(self) -> dict[str, Any]:
        """Return a plain dictionary of the fields."""
        return self._all().copy()

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, LazyRecord) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        return self._all() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._all()

    def __repr__(self) -> str:
        return repr(self._all())


class LazyAlert(Alert):
    """An alert made of a row of columns. `asked` tells whether its packet was, in vain."""

    __slots__ = ("_origin",)
    _origin: _Origin

    @property
    def asked(self) -> bool:
        """Whether a value was asked for that only the packet holds, which was not at hand."""
        return self._origin.asked

    def __getattr__(self, name: str) -> Any:
        # What has not been set is the packet's: its bytes, its schema.
        if name in Alert.__slots__:
            return getattr(self._origin.decoded(), name)
        raise AttributeError(f"'Alert' object has no attribute {name!r}", name=name, obj=self)

    def __getitem__(self, name: str) -> Any:
        values = self._values
        if name in values:
            return values[name]
        origin = self._origin
        outline = origin.group.outline
        if outline is not None and name not in outline.top:
            return super().__getitem__(name)  # which says what it has
        lists = None if outline is None else origin.group.top[name]
        value = origin.decoded()[name] if lists is None else lists[origin.row]
        return values.setdefault(name, value)

    def __eq__(self, other: object) -> bool:
        # The candid is known without the packet.
        if isinstance(other, Alert) and self.candid != other.candid:
            return False
        return super().__eq__(other)

    __hash__ = Alert.__hash__


def _alert_in_packet(origin: _Origin) -> LazyAlert:
    """Return an alert all of which is read from its packet, when that is asked for."""
    alert = _new_alert(LazyAlert)
    alert._origin = origin  # noqa: SLF001 - the alert is made here
    return alert


# Errors name the type of a value: an alert of columns fails in the words of any other.
LazyAlert.__name__ = Alert.__name__
LazyRecord.__name__ = Record.__name__

_new_alert = LazyAlert.__new__
_new_record = LazyRecord.__new__
_set_item = dict.__setitem__
_update = dict.update
# The record itself refuses to be changed.
_set_origin = LazyRecord.__dict__["_origin"].__set__
