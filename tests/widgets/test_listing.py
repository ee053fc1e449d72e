"""A list of rows stands still, and stays right, while alerts come and go."""

from __future__ import annotations

import numpy as np
import pytest
from widgets.conftest import Put

from ztfnb.errors import SelectionError
from ztfnb.store import Store
from ztfnb.widgets._listing import Listing, Order, condition


def listed(listing: Listing, store: Store) -> list[int]:
    """Candids in the list, -1 where one has left."""
    held = store.snapshot()
    rows = listing.window(held, 0, len(listing))
    return [int(held.candid[row]) if row >= 0 else -1 for row in rows]


def test_newest_first_and_still(store: Store, put: Put) -> None:
    """Alerts are listed newest first; later ones are counted, not listed."""
    put(range(1, 6))
    listing = Listing()
    listing.rebuild(store.snapshot(), where="", order=Order())
    put(range(6, 9))
    assert listed(listing, store) == [5, 4, 3, 2, 1]
    assert listing.arrived(store.snapshot()) == 3
    assert listing.place_of(store.snapshot(), 4) == 1
    assert listing.place_of(store.snapshot(), 7) is None


def test_sorted_by_a_field(store: Store, put: Put) -> None:
    """A field sorts, whichever way; a condition chooses."""
    for candid, mag in ((1, 19.0), (2, 17.0), (3, 18.0), (4, 16.0)):
        put([candid], magpsf=mag)
    listing = Listing()
    order = Order("magpsf", descending=False)
    listing.rebuild(store.snapshot(), where="magpsf > 16.5", order=order)
    assert listed(listing, store) == [2, 3, 1]
    listing.rebuild(store.snapshot(), where="", order=Order("magpsf"))
    assert listed(listing, store) == [1, 3, 2, 4]


def test_departed_alerts_leave_gaps(store: Store, put: Put) -> None:
    """An alert that made room leaves its place empty; the others keep theirs."""
    put(range(1, 200))
    listing = Listing()
    listing.rebuild(store.snapshot(), where="", order=Order())
    candid = 200
    while not 0 < store.evicted < 199:
        put(range(candid, candid + 100))
        candid += 100
    left = store.evicted
    assert listed(listing, store) == [*range(199, left, -1), *[-1] * left]
    assert listing.arrived(store.snapshot()) == candid - 200
    while store.evicted < 200:
        put(range(candid, candid + 200))
        candid += 200
    assert set(listed(listing, store)) == {-1}


def test_refused_condition_keeps_the_list(store: Store, put: Put) -> None:
    """A condition that is none changes nothing."""
    put(range(1, 4))
    listing = Listing()
    listing.rebuild(store.snapshot(), where="", order=Order())
    with pytest.raises(SelectionError, match="magpsf"):
        listing.rebuild(store.snapshot(), where="magpfs < 3", order=Order())
    assert listed(listing, store) == [3, 2, 1]


def test_empty_store(store: Store, put: Put) -> None:
    """Nothing held makes an empty list, and everything after it is new."""
    listing = Listing()
    listing.rebuild(store.snapshot(), where="", order=Order("magpsf"))
    assert len(listing) == 0
    put([1, 2])
    assert listing.arrived(store.snapshot()) == 2
    assert np.array_equal(listing.window(store.snapshot(), 0, 10), [])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ZTF18abc", "startswith(objectId, 'ZTF18abc')"),
        ("ztf18ABC", "startswith(objectId, 'ZTF18abc')"),
        ("18abc", "startswith(objectId, 'ZTF18abc')"),
        ("zt", "startswith(objectId, 'ZT')"),
        ("3301086410715015103", "candid == 3301086410715015103"),
        ("  ", ""),
    ],
)
def test_search(typed: str, found: str) -> None:
    """A name is found by its beginning in any case, with or without ZTF; a candid as a whole."""
    assert condition("", typed) == found


def test_search_and_cut() -> None:
    """Both hold, however the cut is written."""
    assert condition("rb > 1 or fid == 2", "18a") == (
        "(rb > 1 or fid == 2) and startswith(objectId, 'ZTF18a')"
    )


def test_search_takes_names_only() -> None:
    """What cannot be a name is refused, so that it never becomes part of an expression."""
    with pytest.raises(SelectionError, match="search"):
        condition("", "x') or startswith(objectId, '")
