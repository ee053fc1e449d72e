"""A list of alerts stands still, and stays right, while alerts come and go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import made_packet
from widgets.conftest import Put

from ztfnb.columns import decode_columns
from ztfnb.cuts import Cuts
from ztfnb.errors import SelectionError
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets._listing import Listing, Order, Query, arrived, is_quick, listing, rows_of

FALLING = Query(order=Order("magpsf"))


def listed(made: Listing, store: Store) -> list[int]:
    """Candids in the list, -1 where one has left."""
    held = store.snapshot()
    rows = rows_of(held, made.window(0, len(made)))
    return [int(held.candid[row]) if row >= 0 else -1 for row in rows]


def test_newest_first_and_still(store: Store, put: Put) -> None:
    """Alerts are listed newest first; later ones are counted, not listed."""
    put(range(1, 6))
    made = listing(store.snapshot(), Query())
    put(range(6, 9))
    assert listed(made, store) == [5, 4, 3, 2, 1]
    assert arrived(store.snapshot(), made.end, Cuts()) == 3
    assert made.place_of(3) == 1
    assert made.place_of(6) is None


def test_only_new_alerts_that_pass_are_counted(store: Store, put: Put) -> None:
    """What is new to a list are the alerts that its cuts keep."""
    put(range(1, 6))
    end = listing(store.snapshot(), Query()).end
    put([6], magpsf=17.0)
    put([7, 8], magpsf=19.0)
    assert arrived(store.snapshot(), end, Cuts("magpsf > 18")) == 2


def test_sorted_by_a_field(store: Store, put: Put) -> None:
    """A field sorts, whichever way; cuts choose."""
    for candid, mag in ((1, 19.0), (2, 17.0), (3, 18.0), (4, 16.0)):
        put([candid], magpsf=mag)
    rising = Query(Cuts("magpsf > 16.5"), Order("magpsf", descending=False))
    assert listed(listing(store.snapshot(), rising), store) == [2, 3, 1]
    assert listed(listing(store.snapshot(), FALLING), store) == [1, 3, 2, 4]


def test_a_field_that_no_alert_has_sorts_nothing(store: Store, put: Put) -> None:
    """A column of which nothing is held leaves the order of arrival."""
    put(range(1, 4))
    made = listing(store.snapshot(), Query(order=Order("nosuch")))
    assert listed(made, store) == [3, 2, 1]


@pytest.mark.parametrize("query", [Query(), Query(Cuts("candid > 0")), FALLING])
def test_departed_alerts_leave_gaps(store: Store, put: Put, query: Query) -> None:
    """An alert that made room leaves its place empty; the others keep theirs."""
    for candid in range(1, 200):
        put([candid], magpsf=10 + candid / 100)
    made = listing(store.snapshot(), query)
    candid = 200
    while not 0 < store.evicted < 199:
        put(range(candid, candid + 100))
        candid += 100
    left = store.evicted
    assert listed(made, store) == [*range(199, left, -1), *[-1] * left]
    assert arrived(store.snapshot(), made.end, Cuts()) == candid - 200
    while store.evicted < 200:
        put(range(candid, candid + 200))
        candid += 200
    assert set(listed(made, store)) == {-1}


def test_refused_cut(store: Store, put: Put) -> None:
    """A cut that names no field is refused with the name that was meant."""
    put(range(1, 4))
    with pytest.raises(SelectionError, match="magpsf"):
        listing(store.snapshot(), Query(Cuts("magpfs < 3")))


def test_empty_store(store: Store, put: Put) -> None:
    """Nothing held makes an empty list, and everything after it is new."""
    made = listing(store.snapshot(), FALLING)
    assert len(made) == 0
    put([1, 2])
    assert arrived(store.snapshot(), made.end, Cuts()) == 2
    assert np.array_equal(made.window(0, 10), [])


def append(store: Store, candids: range, mags: list[float]) -> None:
    packets = [made_packet(n, magpsf=mag) for n, mag in zip(candids, mags, strict=True)]
    store.append([Packet(value) for value in packets], decode_columns(packets))


@given(
    st.lists(st.lists(st.sampled_from([17.0, 19.0]), min_size=1, max_size=12), max_size=5),
    st.booleans(),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_going_on_with_a_list_equals_making_it(
    batches: list[list[float]], descending: bool
) -> None:
    """A list that goes on from the one before is what one made of everything would be."""
    store = Store(2_000_000)
    query = Query(Cuts("magpsf > 18"), Order(descending=descending))
    made = listing(store.snapshot(), query)
    candid = 1
    for mags in batches:
        append(store, range(candid, candid + len(mags)), mags)
        candid += len(mags)
        made = listing(store.snapshot(), query, made)
        plain = listing(store.snapshot(), query)
        assert listed(made, store) == listed(plain, store)
        assert (made.end, made.kept) == (plain.end, plain.kept)


def test_what_is_quick(store: Store, put: Put) -> None:
    """Following arrivals looks at new alerts only; sorting and grouping look at all."""
    put(range(1, 21))
    cut = Query(Cuts("magpsf > 18"))
    before = listing(store.snapshot(), cut)
    put(range(21, 24))
    held = store.snapshot()
    assert is_quick(held, Query(), Listing(), few=5)
    assert is_quick(held, cut, before, few=5)
    assert not is_quick(held, cut, Listing(), few=5)
    assert not is_quick(held, FALLING, before, few=5)
    assert not is_quick(held, Query(grouped=True), before, few=5)
    assert is_quick(held, FALLING, before, few=50)
