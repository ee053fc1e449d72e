"""The store: one row an alert, a budget that holds, and reading that never disturbs."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import needs_real_packets, real_files

from ztfnb.columns import Columns, decode_columns
from ztfnb.errors import ConfigError, NotHeldError, SelectionError
from ztfnb.source import Coordinates, Packet
from ztfnb.store import MAX_PACKETS, SMALLEST_BUDGET, Store

SMALL = SMALLEST_BUDGET


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Columns of rows that have the same fields; None is null."""
    arrays, masks = {}, {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        text = name in ("isdiffpos", "objectId")
        present = [value for value in values if value is not None] or ["" if text else 0]
        kind = np.array(present).dtype
        null = np.array([value is None for value in values])
        filler: Any = {"f": math.nan, "U": ""}.get(kind.kind, 0)
        filled = [filler if value is None else value for value in values]
        arrays[name] = np.array(filled, np.float32 if kind.kind == "f" else None)
        if null.any():
            masks[name] = null
    return Columns(arrays, masks, np.arange(len(rows)))


def feed(store: Store, rows: Sequence[Mapping[str, Any]], size: int = 100) -> int:
    """Append rows as one batch, each with a packet of some bytes."""
    packets = [
        Packet(bytes(size), "night", int(row.get("candid") or 0) % 16, n, 1e9 + n)
        for n, row in enumerate(rows)
    ]
    return store.append(packets, columns_of(rows))


def alerts(candids: Sequence[int], **fields: Any) -> list[dict[str, Any]]:
    return [{"candid": candid, "magpsf": candid / 10, **fields} for candid in candids]


# -- One row an alert -----------------------------------------------------------------------


BATCHES = st.lists(st.lists(st.integers(1, 60), max_size=120), max_size=15)


@given(BATCHES, st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_alert_appended_is_held_a_duplicate_or_evicted(
    batches: list[list[int]], wide: bool
) -> None:
    """appended = held + duplicates + evicted, and the ring holds what a plain loop would."""
    store = Store(SMALL)
    # Text that is never the same fills the budget quickly.
    text = (chr(97 + n % 26) * 120 + str(n) for n in range(10**9))
    appended = new = 0
    reference: list[int] = []
    for batch in batches:
        rows = [
            {"candid": candid, **({f"t{k}": next(text) for k in range(20)} if wide else {})}
            for candid in batch
        ]
        evicted = store.evicted
        held = list(reference)
        new += feed(store, rows, size=2_000)
        appended += len(batch)
        # A candid whose first row leaves within the batch may come back in it.
        if store.evicted == evicted:
            reference = held + [c for c in dict.fromkeys(batch) if c not in held]
            assert store.candid.tolist() == reference
        reference = store.candid.tolist()
        assert len(set(reference)) == len(reference) == len(store)
        assert appended == len(store) + store.duplicates + store.evicted
        assert new == appended - store.duplicates
        assert store.nbytes <= store.memory_budget


def test_s12_five_percent_duplicates_are_one_row_each() -> None:
    """Whatever the distance between the copies, there is one row for each candid."""
    rng = np.random.default_rng(12)
    store = Store(30_000_000)
    candids = np.arange(20_000) * 10_007
    copies = rng.choice(candids, 1_000, replace=False)
    stream = np.concatenate((candids, copies))
    rng.shuffle(stream)
    for start in range(0, len(stream), 500):
        feed(store, [{"candid": int(candid)} for candid in stream[start : start + 500]])
    assert store.evicted == 0
    assert np.array_equal(np.sort(store.candid), candids)
    assert store.duplicates == 1_000
    assert np.array_equal(store.candid, list(dict.fromkeys(stream.tolist())))


def test_of_two_arrivals_the_first_is_kept() -> None:
    """The values, the packet and its place are those that came first."""
    store = Store(SMALL)
    first = Packet(b"first", "night", 3, 7)
    store.append([first], columns_of([{"candid": 5, "rb": 0.5}]))
    again = [Packet(b"again", "night", 4, 8), Packet(b"other", "night", 4, 9)]
    assert (
        store.append(again, columns_of([{"candid": 5, "rb": 0.9}, {"candid": 6, "rb": 0.1}])) == 1
    )
    assert store.column("rb").tolist() == pytest.approx([0.5, 0.1])
    assert store.packet(5) == first
    assert store.coordinates(5) == Coordinates("night", 3, 7)


def test_an_alert_that_has_left_may_come_back() -> None:
    """After a rewind, alerts that the ring has let go of are new again."""
    store = Store(SMALL)
    feed(store, alerts(range(20_000)))
    gone = sorted(set(range(20_000)) - set(store.candid.tolist()))
    assert store.evicted == len(gone) > 0
    assert feed(store, alerts(gone[:10])) == 10
    assert store.duplicates == 0


def test_alerts_without_identifier_are_counted_and_not_held() -> None:
    """There is no telling them apart."""
    store = Store(SMALL)
    assert feed(store, [{"candid": None, "rb": 0.1}, {"candid": 3, "rb": 0.2}]) == 1
    assert feed(store, [{"rb": 0.1}]) == 0
    assert (len(store), store.unidentified, store.duplicates) == (1, 2, 0)
    assert store.column("rb").tolist() == pytest.approx([0.2])


def test_alerts_of_rubin_go_by_their_source_identifier() -> None:
    """``candid`` is the identifier of either survey's alerts."""
    store = Store(SMALL)
    feed(store, [{"diaSourceId": 2**60}])
    feed(store, [{"candid": 7}])
    assert store.candid.tolist() == [2**60, 7]
    assert store.snapshot().missing("diaSourceId").tolist() == [False, True]


# -- Memory ---------------------------------------------------------------------------------


def test_a_stream_of_unique_long_texts_stays_within_the_budget() -> None:
    """Vocabularies are bounded by the ring like everything else."""
    store = Store(SMALL)
    for n in range(60):
        feed(store, [{"candid": n * 100 + k, "ssnamenr": f"{n}.{k}." * 400} for k in range(100)])
        assert store.nbytes <= store.memory_budget
    assert store.evicted > 0
    assert len(store.column("ssnamenr")[-1]) == 128


def test_a_stream_of_ever_new_fields_stays_within_the_budget() -> None:
    """A block takes a bounded number of fields; all others are left out."""
    store = Store(4 * SMALL)
    for n in range(50):
        feed(store, [{"candid": n, **{f"f{n}_{k}": 1.0 for k in range(50)}}])
        assert store.nbytes <= store.memory_budget
    assert store.candid.tolist()[-1] == 49
    feed(store, [{**{f"g{k}": 1.0 for k in range(500)}, "candid": 77}])
    assert store.latest(1).tolist() == [77]
    assert store.coordinates(77) == Coordinates("night", 77 % 16, 0)


def test_only_the_newest_packets_keep_their_bytes() -> None:
    """Within a quarter of the budget; of an older one its place remains."""
    store = Store(8 * SMALL)
    feed(store, alerts(range(100)), size=50_000)
    kept = [candid for candid in range(100) if store.packet(candid) is not None]
    assert kept == list(range(100 - len(kept), 100))
    assert 0 < len(kept) <= 2 * SMALL / 50_000
    assert store.coordinates(0) == Coordinates("night", 0, 0)
    feed(store, alerts(range(100, 200)), size=10)
    assert store.packet(199) is not None


def test_packets_do_not_outlive_their_rows() -> None:
    """What is not held has no packet either, and their number is bounded."""
    store = Store(SMALL)
    for start in range(0, 20_000, 1_000):
        feed(store, alerts(range(start, start + 1_000)), size=1)
        held = set(store.candid.tolist())
        kept = [candid for candid in range(start + 1_000) if store.packet(candid) is not None]
        assert set(kept) <= held
        assert 0 < len(kept) <= MAX_PACKETS


def test_a_budget_that_holds_nothing_is_refused() -> None:
    """With the smallest one that does."""
    with pytest.raises(ConfigError, match="at least 1,000,000 bytes"):
        Store(1000)


# -- Reading --------------------------------------------------------------------------------


ROW = st.fixed_dictionaries(
    {
        "rb": st.one_of(st.none(), st.floats(0, 1, width=32)),
        "nbad": st.one_of(st.none(), st.integers(0, 3)),
        "jd": st.floats(2458000, 2458010),
        "objectId": st.sampled_from(["ZTF18a", "ZTF18b", "ZTF19é"]),
        "isdiffpos": st.one_of(st.none(), st.sampled_from(["t", "f", "1", ""])),
    }
)


@given(st.lists(st.lists(ROW, min_size=1, max_size=90), max_size=5), st.data())
@settings(max_examples=50, deadline=None)
def test_selection_equals_a_loop_over_all_rows(
    batches: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    """Over sealed and growing blocks, every condition together picks what a loop would."""
    store = Store(SMALL)
    rows: list[dict[str, Any]] = []
    for batch in batches:
        numbered = [{"candid": len(rows) + n, **row} for n, row in enumerate(batch)]
        rows += numbered
        feed(store, numbered)
    limit = data.draw(st.sampled_from([0.0, 0.25, 0.5]))
    since = data.draw(st.one_of(st.none(), st.floats(2458000, 2458010)))
    object_id = data.draw(st.sampled_from([None, "ZTF18a", "ZTF19é", "no such"]))
    expected = [
        row["candid"]
        for row in rows
        if row["rb"] is not None
        and row["rb"] > limit
        and (row["isdiffpos"] in ("t", "1") or (row["nbad"] is not None and row["nbad"] == 0))
        and (since is None or np.float32(row["jd"]) >= since)
        and (object_id is None or row["objectId"] == object_id)
    ]
    where = f"rb > {limit} and (isdiffpos in ('t', '1') or nbad == 0)"
    assert store.select(where, since=since, object_id=object_id).tolist() == expected


@given(st.integers(0, 130))
@settings(max_examples=20, deadline=None)
def test_the_tail_of_a_snapshot_is_its_last_rows(start: int) -> None:
    """Rows from one on have the values, fields, types and numbers that they have in the whole."""
    store = Store(SMALL)
    feed(store, [{"candid": n, "magpsf": n / 10, "objectId": f"Z{n % 7}"} for n in range(1, 51)])
    feed(store, [{"candid": n, "magpsf": n / 10} for n in range(51, 101)])
    feed(store, [{"candid": n, "magpsf": n / 10, "rb": 0.5} for n in range(101, 131)])
    held = store.snapshot()
    tail = held.tail(start)
    assert len(tail) == 130 - start
    assert tail.departed == held.departed + start
    assert tail.names == held.names
    for name in held.names:
        assert tail.column(name).dtype.kind == held.column(name).dtype.kind
        assert tail.column(name).tolist()[:5] == pytest.approx(
            held.column(name).tolist()[start : start + 5], nan_ok=True
        )
        assert (tail.missing(name) == held.missing(name)[start:]).all()
    where = "magpsf > 4 and isnull(rb)"
    assert (tail.select(where) + start).tolist() == [n for n in held.select(where) if n >= start]


def test_cells_are_columns_of_some_rows() -> None:
    """Fields of some rows come at once with where they are missing; unknown names are left out."""
    store = Store(SMALL)
    feed(store, [{"candid": n, "rb": None if n % 2 else n / 100} for n in range(1, 31)])
    held = store.snapshot()
    cells = held.cells(["rb", "nosuch", "candid"], [5, 2])
    assert list(cells) == ["rb", "candid"]
    assert cells["candid"][0].tolist() == [6, 3]
    assert cells["rb"][1].tolist() == [False, True]
    assert cells["rb"][0][0] == pytest.approx(0.06)


def test_ranks_tell_texts_apart() -> None:
    """Equal texts have equal ranks, in the order of the texts; numbers have none."""
    store = Store(SMALL)
    names = ["b", "a", "c", "a", "b"]
    feed(store, [{"candid": n, "objectId": name} for n, name in enumerate(names, 1)])
    ranks = store.snapshot().ranks("objectId")
    assert ranks is not None
    assert np.argsort(ranks, kind="stable").tolist() == [1, 3, 0, 4, 2]
    assert ranks[0] == ranks[4]
    assert store.snapshot().ranks("candid") is None


def test_numbers_outlast_departures() -> None:
    """An alert's row and the alerts that had left before make a number that never changes."""
    store = Store(SMALL)
    feed(store, alerts(range(1, 11)))
    candid = 11
    while not store.evicted:
        feed(store, alerts(range(candid, candid + 100)), size=10)
        candid += 100
    held = store.snapshot()
    assert held.departed == store.evicted > 0
    assert held.candid[0] == held.departed + 1


def test_columns_are_what_was_appended_with_their_nulls() -> None:
    """Sealing changes no value: narrow integers, single values and vocabularies read back."""
    rng = np.random.default_rng(3)
    rows = [
        {
            "candid": n,
            "pid": 2**40 + int(rng.integers(1000)),
            "wide": int(rng.integers(-(2**63), 2**63 - 1)),
            "below": int(rng.integers(-100, -10)),
            "one": 7,
            "nbad": None if n % 7 == 0 else int(rng.integers(5)),
            "constant": 30.0,
            "never": None,
            "rb": None if n % 5 == 0 else float(rng.random()),
            "name": None if n % 3 == 0 else f"n{rng.integers(300)}",
            "empty": "" if n % 2 else None,
        }
        for n in range(2_500)
    ]
    store = Store(10 * SMALL)
    for start in range(0, len(rows), 300):
        feed(store, rows[start : start + 300])
    held = store.snapshot()
    assert len(held) == len(rows)
    for name in rows[0]:
        values, missing = held.column(name), held.missing(name)
        given = [row[name] for row in rows]
        assert missing.tolist() == [value is None for value in given]
        present = [value for value in given if value is not None]
        expected = np.array(present, values.dtype)
        assert np.array_equal(values[~missing], expected), name
        some = np.array([2_499, 3, 3, 1_200, 0])
        assert np.array_equal(held.column(name, some), values[some], equal_nan=values.dtype == "f4")


def test_fields_may_appear_vanish_and_change_type() -> None:
    """Rows of other schemas are missing there; numbers widen, and text holds both."""
    store = Store(SMALL)
    feed(store, [{"candid": 1, "a": 1, "b": 1.5, "c": 3, "d": True}])
    feed(store, [{"candid": 2, "a": 2.5, "c": "x", "e": "new"}])
    feed(store, [{"candid": 3, "a": None, "b": 2.5, "c": 4, "d": False}])
    feed(store, alerts(range(4, 2_000)))
    feed(store, [{"candid": 2_001, "a": "text", "c": 1}])
    held = store.snapshot()
    rows = held.rows_of([1, 2, 3, 4, 2_001])
    assert held.column("a", rows).tolist() == ["1.0", "2.5", "", "", "text"]
    assert held.missing("a", rows).tolist() == [False, False, True, True, False]
    assert held.column("b", rows[:3]).tolist() == pytest.approx([1.5, math.nan, 2.5], nan_ok=True)
    assert held.column("c", rows).tolist() == ["3", "x", "4", "", "1"]
    assert held.column("d", rows[:3]).tolist() == [True, False, False]
    assert held.missing("d", rows[:3]).tolist() == [False, True, False]
    assert held.missing("e", rows).tolist() == [True, False, True, True, True]
    assert store.select("e == 'new'").tolist() == [2]
    assert store.select("isnull(b) and candid < 5").tolist() == [2, 4]
    assert store.select(object_id=None, where="c == '4'").tolist() == [3]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ["number", "ties", "text", "later"])
def test_sorting_is_stable_with_missing_values_last(name: str, descending: bool) -> None:
    """Equal values keep the order of arrival, up and down; text sorts across blocks."""
    rng = np.random.default_rng(5)
    store = Store(SMALL)
    rows = [
        {
            "candid": n,
            "number": None if n % 9 == 0 else float(rng.random()),
            "ties": int(rng.integers(3)),
            "text": None if n % 4 == 0 else f"t{rng.integers(50)}",
            **({"later": f"l{n % 5}"} if n >= 500 else {}),
        }
        for n in range(800)
    ]
    feed(store, rows[:500])
    feed(store, rows[500:])
    held = store.snapshot()
    assert len(held) == 800

    def key(row: dict[str, Any]) -> Any:
        return row.get(name)

    present = sorted(
        (row for row in rows if key(row) is not None),
        key=lambda row: np.array(key(row)).tolist(),
        reverse=descending,
    )
    missing = [row["candid"] for row in rows if key(row) is None]
    expected = [row["candid"] for row in present] + missing
    assert held.candid[held.order(name, descending=descending)].tolist() == expected
    some = np.arange(799, 99, -3)
    among = set(held.candid[some].tolist())
    got = held.order(name, descending=descending, rows=some[::-1])
    assert held.candid[got].tolist() == [candid for candid in expected if candid in among]


def test_a_snapshot_does_not_change() -> None:
    """Whatever arrives or leaves afterwards."""
    store = Store(SMALL)
    feed(store, [{"candid": n, "a": n, "text": f"t{n}"} for n in range(50)])
    before = store.snapshot()
    feed(store, [{"candid": n, "a": n + 0.5, "text": f"u{n}", "b": None} for n in range(50, 60)])
    assert (len(before), before.names) == (50, ("candid", "a", "text"))
    assert before.column("a").tolist() == list(range(50))
    feed(store, alerts(range(100, 30_000)))
    assert store.evicted > 0
    assert before.column("text").tolist() == [f"t{n}" for n in range(50)]
    assert not before.missing("a").any()
    assert before.revision < store.revision


def test_changing_what_was_read_changes_nothing_held() -> None:
    """Arrays are the reader's own."""
    store = Store(SMALL)
    feed(store, alerts([1, 2]))
    store.column("magpsf")[:] = 0
    store.candid[:] = 0
    assert store.column("magpsf").tolist() == pytest.approx([0.1, 0.2])
    assert store.candid.tolist() == [1, 2]


def test_readers_see_whole_batches_while_another_thread_appends() -> None:
    """Columns of one snapshot always belong together."""
    store = Store(2 * SMALL)
    done = threading.Event()

    def append() -> None:
        for start in range(0, 40_000, 50):
            feed(store, [{"candid": n, "a": n * 3, "t": f"t{n}"} for n in range(start, start + 50)])
        done.set()

    writer = threading.Thread(target=append)
    writer.start()
    looks = 0
    while not done.is_set() or looks < 2:
        held = store.snapshot()
        looks += 1
        candid = held.candid
        if len(candid):
            assert len(candid) % 50 == 0 or store.evicted
            assert np.array_equal(held.column("a"), candid * 3)
            latest = held.latest(3)
            assert held.column("t", latest).tolist() == [f"t{n}" for n in candid[latest]]
            assert store.packet(-1) is None
    writer.join()


def test_the_latest_come_newest_first() -> None:
    """Fewer where there are fewer."""
    store = Store(SMALL)
    assert store.latest(5).tolist() == []
    feed(store, alerts(range(10)))
    assert store.latest(3).tolist() == [9, 8, 7]
    assert store.latest(30).tolist() == list(range(9, -1, -1))


def test_a_cone_holds_its_edge_and_reaches_across_the_meridian() -> None:
    """Positions are compared on the sphere."""
    store = Store(SMALL)
    places = [(359.9, 0.0), (0.1, 0.0), (0.0, 0.2), (0.0, 0.21), (180.0, 0.0), (90.0, 90.0)]
    rows = [{"candid": n, "ra": ra, "dec": dec} for n, (ra, dec) in enumerate(places)]
    arrays = {
        name: np.array([row[name] for row in rows], np.int64 if name == "candid" else np.float64)
        for name in rows[0]
    }
    store.append([Packet(b"")] * 6, Columns(arrays, {}, np.arange(6)))
    assert store.select(cone=(0.0, 0.0, 0.2)).tolist() == [0, 1, 2]
    assert store.select(cone=(0.0, 0.0, 180.0)).tolist() == [0, 1, 2, 3, 4, 5]
    assert store.select("ra > 100", cone=(0.0, 0.0, 0.2)).tolist() == [0]


def test_times_are_from_and_before() -> None:
    """Adjacent spans share no alert."""
    store = Store(SMALL)
    feed(store, [{"candid": n, "jd": float(n)} for n in range(10)])
    assert store.select(since=2, until=5).tolist() == [2, 3, 4]
    assert store.select(since=5).tolist() == [5, 6, 7, 8, 9]


def test_what_is_not_held_is_said() -> None:
    """By candid, by field, by row."""
    store = Store(SMALL)
    assert store.select("rb > 0.5").tolist() == []
    with pytest.raises(SelectionError, match="no alert is held yet"):
        store.column("rb")
    with pytest.raises(NotHeldError, match="candid 5 is not, or no longer, held"):
        store.coordinates(5)
    feed(store, alerts(range(20)))
    with pytest.raises(SelectionError, match="did you mean magpsf"):
        store.column("magps")
    with pytest.raises(SelectionError, match="position 1: no field 'rb'"):
        store.select("rb > 0.5")
    with pytest.raises(SelectionError, match="not a condition"):
        Store(SMALL).select("rb >")
    with pytest.raises(NotHeldError, match="candid 99 "):
        store.table([1, 2, 3, 4, 5, 6, 7, 8, 9, 99])
    with pytest.raises(IndexError, match="row numbers below 20"):
        store.snapshot().column("magpsf", [20])
    with pytest.raises(IndexError, match="a bool for each of 20 rows"):
        store.snapshot().column("magpsf", [True])


def test_rows_are_found_for_few_and_many_candids_in_the_order_asked() -> None:
    """Across blocks."""
    store = Store(2 * SMALL)
    feed(store, alerts(range(1_000, 0, -1)))
    held = store.snapshot()
    for sought in ([7], [1_000, 1, 500], list(range(1, 1_001, 7))[::-1]):
        assert held.candid[held.rows_of(sought)].tolist() == sought
    assert held.rows_of([]).tolist() == []


def test_a_table_has_units_and_masks() -> None:
    """Of the fields asked for, in that order; masked only where something is missing."""
    pytest.importorskip("astropy")
    store = Store(SMALL)
    feed(store, [{"candid": n, "magpsf": 18.0 + n, "nbad": n or None} for n in range(3)])
    table = store.table([2, 0], ["magpsf", "nbad", "candid"])
    assert table.colnames == ["magpsf", "nbad", "candid"]
    assert str(table["magpsf"].unit) == "mag"
    assert "point spread function" in table["magpsf"].description
    assert table["magpsf"].tolist() == [20.0, 18.0]
    assert table["nbad"].tolist() == [2, None]
    assert not hasattr(table["candid"], "mask")
    assert len(store.table()) == 3


@needs_real_packets
def test_real_nights_read_back_as_they_were_decoded() -> None:
    """All fields of three schema versions in one store, with and without eviction."""
    values = [
        path.read_bytes()
        for pattern in ("night-20181128/*", "v3.3/*", "v4.01/*", "v4.02/*")
        for path in real_files(f"{pattern}.avro")
    ]
    columns = decode_columns(values)
    packets = [Packet(value, "files", 0, n) for n, value in enumerate(values)]
    store = Store(30 * SMALL)
    new = store.append(packets, columns)
    first = np.sort(np.unique(columns.candid, return_index=True)[1])
    assert new == len(first) == len(store)
    held = store.snapshot()
    assert set(held.names) == set(columns)
    for name in columns:
        expected = columns[name][first]
        got = held.column(name)
        assert got.dtype.kind == expected.dtype.kind
        assert np.array_equal(got, expected, equal_nan=got.dtype.kind == "f"), name
        null = columns.mask(name)[first]
        assert np.array_equal(held.missing(name) & null, null)
    newest = int(store.latest(1)[0])
    packet = store.packet(newest)
    assert packet is not None
    assert packet.value == values[store.coordinates(newest).offset]
    small = Store(SMALL)
    for again in range(10):
        candid = columns.candid - 10 + again
        repeated = Columns({**columns.arrays, "candid": candid}, columns.masks, columns.rows)
        small.append(packets, repeated)
    assert 0 < len(small) < 10 * len(store)
    assert len(small) + small.duplicates + small.evicted == 10 * len(columns.rows)
    row = small.snapshot().latest(1)
    for name in columns:
        if name != "candid":
            last = held.column(name, held.latest(1))
            assert np.array_equal(
                small.snapshot().column(name, row), last, equal_nan=last.dtype.kind == "f"
            )
