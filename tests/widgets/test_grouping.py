"""Alerts of one object share a row, with their number."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import made_alert

from ztfnb.codec import encode
from ztfnb.columns import decode_columns
from ztfnb.cuts import Cuts
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets._grouping import SIZE
from ztfnb.widgets._listing import Order, Query, listing, rows_of


def put(store: Store, names: str, first: int = 1, **candidate: Any) -> None:
    """Append an alert of the object of each letter."""
    packets = [
        encode(made_alert(candid, **candidate) | {"objectId": f"ZTF26{name}"})
        for candid, name in enumerate(names, first)
    ]
    store.append([Packet(value) for value in packets], decode_columns(packets))


def grouped(store: Store, query: Query) -> list[tuple[int, int]]:
    """Candid and size of each row of a grouped list."""
    held = store.snapshot()
    made = listing(held, query)
    candids = held.candid[rows_of(held, made.window(0, len(made)))].tolist()
    return list(zip(candids, made.sizes(0, len(made)), strict=True))


@pytest.fixture
def abacab() -> Store:
    """Alerts 1 to 6 of the objects a, b, a, c, a, b."""
    store = Store(2_000_000)
    put(store, "abacab")
    return store


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (Query(grouped=True), [(6, 2), (5, 3), (4, 1)]),
        (Query(grouped=True, order=Order(SIZE)), [(5, 3), (6, 2), (4, 1)]),
        (Query(grouped=True, order=Order(SIZE, descending=False)), [(4, 1), (6, 2), (5, 3)]),
        (Query(grouped=True, order=Order("candid", descending=False)), [(4, 1), (5, 3), (6, 2)]),
        (Query(Cuts("candid < 5"), grouped=True), [(4, 1), (3, 2), (2, 1)]),
        (Query(Cuts("candid > 9"), grouped=True), []),
        (
            Query(grouped=True, unfolded=("ZTF26a", "ZTF26nosuch", "ZTF26c")),
            [(6, 2), (5, 3), (3, 0), (1, 0), (4, 1)],
        ),
        (
            Query(grouped=True, unfolded=("ZTF26a", "ZTF26b"), order=Order("candid")),
            [(6, 2), (2, 0), (5, 3), (3, 0), (1, 0), (4, 1)],
        ),
    ],
)
def test_rows_of_objects(abacab: Store, query: Query, rows: list[tuple[int, int]]) -> None:
    """Each object is its newest alert that passes; unfolded, its others follow, newest first."""
    assert grouped(abacab, query) == rows


@given(st.lists(st.text("abc", max_size=8), max_size=5))
@settings(max_examples=30, deadline=None)
def test_counts_stay_right_as_alerts_arrive(batches: list[str]) -> None:
    """Every row counts the alerts of its object that are held, whatever arrives."""
    store = Store(2_000_000)
    seen: dict[str, list[int]] = defaultdict(list)
    candid = 1
    for names in batches:
        for name in names:
            put(store, name, candid)
            seen[name].append(candid)
            candid += 1
        expected = sorted(((max(own), len(own)) for own in seen.values()), reverse=True)
        assert grouped(store, Query(grouped=True)) == expected
