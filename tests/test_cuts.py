"""Cuts: what they keep, that they decide alike in a store and on one alert, and how they change."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import made_alert, made_packet
from packets import needs_real_packets, real_files

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.columns import decode_columns
from ztfnb.cuts import Cut, Cuts, search_cut
from ztfnb.errors import ConfigError, DecodeError, DecodeWarning, SelectionError
from ztfnb.ranges import Range
from ztfnb.snapshot import Snapshot
from ztfnb.source import Packet
from ztfnb.store import Store


def held_of(packets: list[bytes]) -> Snapshot:
    store = Store(20_000_000)
    store.append([Packet(value) for value in packets], decode_columns(packets))
    return store.snapshot()


# -- What they are -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "cuts"),
    [
        ("rb > 0.65 and magpsf < 19", ["rb > 0.65", "magpsf < 19"]),
        ("  rb>0.65  ", ["rb>0.65"]),
        ("(rb > 0.65)", ["rb > 0.65"]),
        ("(rb > 0.65 and nbad == 0) and fid == 1", ["rb > 0.65", "nbad == 0", "fid == 1"]),
        ("(rb > 0.65 or drb > 0.5) and fid == 1", ["rb > 0.65 or drb > 0.5", "fid == 1"]),
        ("rb > 0.65 or drb > 0.5 and fid == 1", ["rb > 0.65 or drb > 0.5 and fid == 1"]),
        ("not (rb > 0.65 and fid == 1)", ["not (rb > 0.65 and fid == 1)"]),
        ("isdiffpos == 'a and b' and fid == 1", ["isdiffpos == 'a and b'", "fid == 1"]),
        ("rb > 0.65 # and magpsf < 19", ["rb > 0.65"]),
        ("rb > 0.65 and\nfid == 1", ["rb > 0.65", "fid == 1"]),
        ("publisher == 'é' and rb > 0.65", ["publisher == 'é'", "rb > 0.65"]),
        ("rb > 0.65 and rb>0.65 and (rb > 0.65)", ["rb > 0.65"]),
        ("", []),
        ("   ", []),
    ],
)
def test_what_is_typed_is_taken_apart_at_each_and(typed: str, cuts: list[str]) -> None:
    """Each condition is a cut of its own, with its text as typed, and none is there twice."""
    assert [cut.text for cut in Cuts(typed)] == cuts


def test_cuts_are_an_expression_that_means_all_of_them() -> None:
    """What binds less than ``and`` is put in brackets."""
    cuts = Cuts(["rb > 0.65 or drb > 0.5", "not fid == 3", "magpsf < 19"])
    assert cuts.expression == "(rb > 0.65 or drb > 0.5) and not fid == 3 and magpsf < 19"
    assert cuts.selection is not None
    assert cuts.selection.text == cuts.expression == str(cuts)
    assert Cuts(cuts.expression) == cuts
    assert Cuts(["rb > 0.65 or drb > 0.5"]).expression == "rb > 0.65 or drb > 0.5"
    assert Cuts(Cut("rb > 1 and fid == 1")).expression == "rb > 1 and fid == 1"


def test_no_cuts_keep_everything() -> None:
    """There is nothing to evaluate."""
    none = Cuts()
    assert (none.expression, none.selection, none.fields, len(none)) == ("", None, (), 0)
    assert none({}) is True
    held = held_of([made_packet(1), made_packet(2)])
    assert none.choose(held).rows.tolist() == [0, 1]
    assert held.select(none.expression).tolist() == [0, 1]
    none.check(held)


def test_cuts_are_a_sequence_that_shows_itself() -> None:
    """They can be counted, sliced, compared, hashed and made again from what they show."""
    cuts = Cuts("rb > 0.65 and magpsf < 19 and fid == 1")
    assert len(cuts) == 3
    assert cuts[0] == Cut("rb>0.65")
    assert cuts[1:] == Cuts("magpsf < 19 and fid == 1")
    assert Cut("(rb > 0.65)") in cuts
    assert Cut("rb > 0.6") not in cuts
    assert repr(cuts) == "Cuts(['rb > 0.65', 'magpsf < 19', 'fid == 1'])"
    assert eval(repr(cuts)) == cuts  # noqa: S307 - our own
    assert hash(cuts) == hash(Cuts(["rb>0.65", "magpsf<19", "fid==1"]))
    assert cuts.fields == ("rb", "magpsf", "fid")
    assert (str(cuts[0]), cuts[0].fields) == ("rb > 0.65", ("rb",))
    with pytest.raises(AttributeError):
        cuts.selection = None  # type: ignore[misc] # that is the claim


@pytest.mark.parametrize("text", ["rb >", "1 > 0", "rb.x > 1", "rb = 1"])
def test_what_is_no_condition_is_no_cut(text: str) -> None:
    """The error says where, for the page to mark it."""
    with pytest.raises(SelectionError):
        Cuts(text)
    with pytest.raises(SelectionError):
        Cuts("fid == 1").with_(text)


def test_together_they_are_no_longer_than_a_condition_may_be() -> None:
    """Otherwise they could be set one by one, but not be evaluated."""
    many = [f"magpsf != {number}" for number in range(120)]
    with pytest.raises(SelectionError, match=r"at most|too long"):
        Cuts(many)


# -- How they change -----------------------------------------------------------------------


def test_cuts_are_added_removed_and_replaced_in_copies() -> None:
    """Order is kept, and what is not there cannot be removed."""
    cuts = Cuts("rb > 0.65")
    more = cuts.with_("magpsf < 19 and rb>0.65").with_(Cut("fid == 1"))
    assert more.to_json() == ["rb > 0.65", "magpsf < 19", "fid == 1"]
    assert cuts.to_json() == ["rb > 0.65"]
    assert more.without("magpsf<19").to_json() == ["rb > 0.65", "fid == 1"]
    assert more.without(Cut("nbad == 0")) == more
    assert more.replaced("magpsf < 19", "magpsf < 18 and nbad == 0").to_json() == [
        "rb > 0.65", "magpsf < 18", "nbad == 0", "fid == 1",
    ]  # fmt: skip
    assert more.replaced("nid == 1", "nid == 2") == more.with_("nid == 2")
    assert more.replaced("fid == 1", "rb > 0.65").to_json() == ["rb > 0.65", "magpsf < 19"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rb > 0.65", ("rb", Range(0.65, math.inf))),
        ("0.65 <= rb", ("rb", Range(0.65, math.inf))),
        ("magpsf < 19", ("magpsf", Range(-math.inf, 19))),
        ("19 > magpsf", ("magpsf", Range(-math.inf, 19))),
        ("18.2 <= magpsf < 19", ("magpsf", Range(18.2, 19))),
        ("19 > magpsf >= 18.2", ("magpsf", Range(18.2, 19))),
        ("-1 < sharpnr <= +1", ("sharpnr", Range(-1, 1))),
        ("fid == 1", ("fid", Range(1, 1))),
        ("1 == fid", ("fid", Range(1, 1))),
        ("fid != 1", None),
        ("rb > drb", None),
        ("0 < rb < drb", None),
        ("rb < 1 < 2", None),
        ("abs(rb) < 1", None),
        ("isdiffpos == 't'", None),
        ("fid in (1, 2)", None),
        ("not rb > 0.65", None),
        ("rb > 0.65 or rb < 0.1", None),
        ("isnull(drb)", None),
    ],
)
def test_a_plain_range_is_told_from_other_conditions(
    text: str, found: tuple[str, Range] | None
) -> None:
    """It can then be drawn in the histogram of its field, and be brushed anew."""
    assert Cut(text).range == found


def test_several_ranges_of_a_field_leave_what_they_have_in_common() -> None:
    """That is what a histogram shows."""
    cuts = Cuts("magpsf > 17 and magpsf < 19 and 18 < magpsf < 20 and rb > 0.5 and abs(dec) < 1")
    assert cuts.ranges == {"magpsf": Range(18, 19), "rb": Range(0.5, math.inf)}


@pytest.mark.parametrize(
    ("low", "high", "whole", "text"),
    [
        (18.2, 19.0, False, "18.2 <= magpsf < 19"),
        (None, 19.5, False, "magpsf < 19.5"),
        (-0.5, math.inf, False, "magpsf >= -0.5"),
        (-math.inf, -1e-7, False, "magpsf < -1e-07"),
        (2461055.7, 2461055.72, False, "2461055.7 <= magpsf < 2461055.72"),
        (-0.0, 1, False, "0 <= magpsf < 1"),
        (2.5, 9.5, True, "3 <= magpsf <= 9"),
        (2.5, 3.5, True, "magpsf == 3"),
        (3, 3, True, "magpsf == 3"),
        (2.5, None, True, "magpsf >= 3"),
        (None, 2.5, True, "magpsf <= 2"),
    ],
)
def test_a_brushed_range_is_a_short_condition(
    low: float | None, high: float | None, whole: bool, text: str
) -> None:
    """Whole numbers are named, ends that are open are left out."""
    cuts = Cuts().with_range("magpsf", low, high, whole=whole)
    assert cuts.to_json() == [text]
    assert cuts[0].range is not None


def test_a_range_takes_the_place_of_earlier_ranges_of_the_same_field() -> None:
    """A column is brushed once; cuts of another kind stay, as do those of other columns."""
    cuts = Cuts("rb > 0.5 and magpsf > 17 and fid == 1 and magpsf < 19 and magpsf < magnr")
    brushed = cuts.with_range("magpsf", 18, 18.5)
    assert brushed.to_json() == ["rb > 0.5", "18 <= magpsf < 18.5", "fid == 1", "magpsf < magnr"]
    assert brushed.with_range("magpsf", 17, 18).to_json()[1] == "17 <= magpsf < 18"
    assert brushed.with_range("magpsf").to_json() == ["rb > 0.5", "fid == 1", "magpsf < magnr"]
    assert cuts.with_range("drb", 0, 1).to_json()[-1] == "0 <= drb < 1"
    assert cuts.with_range("drb") == cuts


@pytest.mark.parametrize(
    ("name", "low", "high", "whole"),
    [
        ("magpsf", 19.0, 18.0, False),
        ("magpsf", 19.0, 19.0, False),
        ("nid", 1.2, 1.8, True),
        ("magpsf", math.nan, 19.0, False),
        ("magpsf", math.inf, None, False),
        ("magpsf) or (rb", 1.0, 2.0, False),
        ("1", 0.0, 2.0, False),
        ("rb < drb", 0.0, 2.0, False),
        ("and", 0.0, 2.0, False),
    ],
)
def test_an_empty_or_foreign_range_is_refused(
    name: str, low: float, high: float | None, whole: bool
) -> None:
    """Whatever a page may send, it becomes a range of one field or nothing."""
    with pytest.raises(SelectionError):
        Cuts().with_range(name, low, high, whole=whole)


@given(
    st.floats(-1e9, 1e9),
    st.floats(-1e9, 1e9),
    st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=20),
)
def test_a_range_keeps_exactly_the_values_in_it(
    one: float, other: float, values: list[float]
) -> None:
    """Its text reads as the same numbers, so that what was seen in a brush is kept."""
    low, high = sorted((one, other))
    if low == high:
        return
    cuts = Cuts().with_range("rb", low, high)
    for value in [*values, low, high, math.nextafter(low, -math.inf), math.nextafter(high, 0)]:
        assert cuts({"rb": value}) == (low <= value < high)


# -- Searches ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("ZTF18abc", "startswith(objectId, 'ZTF18abc')"),
        ("18ABC", "startswith(objectId, 'ZTF18abc')"),
        ("ztf", "startswith(objectId, 'ZTF')"),
        ("zt", "startswith(objectId, 'ZT')"),
        ("  2459123456789012345 ", "candid == 2459123456789012345"),
        ("12345678901234", "startswith(objectId, 'ZTF12345678901234')"),
    ],
)
def test_a_search_finds_objects_by_their_beginning_and_alerts_by_their_candid(
    text: str, cut: str
) -> None:
    """With the survey's prefix or without, in any case."""
    found = search_cut(text)
    assert found is not None
    assert found.text == cut


@pytest.mark.parametrize("text", ["ZTF18'", "a b", "x" * 41, "<img>", "ZTF%"])
def test_what_can_be_no_name_is_not_searched_for(text: str) -> None:
    """The message says whose it is."""
    with pytest.raises(SelectionError, match="search: expected"):
        search_cut(text)


def test_nothing_is_searched_for_where_nothing_is_typed() -> None:
    """Then there is no cut."""
    assert search_cut("  ") is None


# -- What they keep ------------------------------------------------------------------------


def test_cuts_choose_rows_and_count_what_each_keeps() -> None:
    """The rows are those of the expression; a count is that of one cut alone."""
    held = held_of([made_packet(n, magpsf=15.0 + n, rb=0.1 * n) for n in range(1, 9)])
    cuts = Cuts("magpsf < 20 and rb > 0.25 and fid == 1")
    rows, counts = cuts.choose(held)
    assert rows.tolist() == held.select(cuts.expression).tolist() == [3]
    assert counts == (4, 6, 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [("rbb > 1", "did you mean rb"), ("rb > 'a'", "text with a number"), ("rb", "a condition")],
)
def test_a_check_finds_what_would_fail_before_any_list_is_made(text: str, says: str) -> None:
    """One row is enough for it; without any alert nothing is known yet."""
    cuts = Cuts([text])
    with pytest.raises(SelectionError, match=says):
        cuts.check(held_of([made_packet()]))
    cuts.check(Snapshot())
    Cuts("rb > 0.5").check(held_of([made_packet()]))


def test_cuts_filter_alerts_and_dictionaries_of_them() -> None:
    """The candidate's fields, those of the top level, and a flat dictionary will do."""
    cuts = Cuts("rb > 0.65 and startswith(objectId, 'ZTF26')")
    alerts = [decode(made_packet(n, rb=0.3 * n)) for n in range(1, 4)]
    assert [alert.candid for alert in alerts if cuts(alert)] == [3]
    assert cuts(made_alert(1, rb=0.7))
    assert cuts({"rb": 0.7, "objectId": "ZTF26a"})
    assert not cuts({"rb": np.float32(0.65), "objectId": "ZTF26a"})


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("drb > 0", False),
        ("not drb > 0", True),
        ("isnull(drb)", True),
        ("drb == drb", False),
        ("ssnamenr == 'null'", False),
        ("ssnamenr != 'null'", False),
        ("isnull(ssnamenr)", True),
        ("startswith(ssnamenr, '')", False),
        ("nneg < 5 or nneg >= 5", False),
        ("magnr == -999", True),
        ("magnr < 15", True),
    ],
)
def test_what_is_missing_fulfils_no_comparison(text: str, held: bool) -> None:
    """Null and absent alike; the survey's own marker is a number."""
    values = made_alert(1, drb=None, ssnamenr=None, nneg=None, magnr=-999.0)
    assert Cuts([text])(values) is held
    packet = made_packet(1, drb=None, ssnamenr=None, nneg=None, magnr=-999.0)
    assert Cuts([text])(decode(packet)) is held
    assert len(held_of([packet]).select(text)) == held
    if "magnr" not in text:
        short = {name: value for name, value in values["candidate"].items() if value is not None}
        assert Cuts([text])({"candidate": short}) is held


def test_a_field_that_no_alert_has_is_refused() -> None:
    """Names are offered from the alert and from the documentation."""
    with pytest.raises(SelectionError, match="did you mean magpsf"):
        Cuts("magspf < 19")(decode(made_packet()))
    with pytest.raises(SelectionError, match="did you mean score"):
        Cuts("scores > 1")({"score": 3})


@pytest.mark.parametrize("value", [b"bytes", [1], {"a": 1}, 2**70, object()])
def test_a_value_that_no_column_can_hold_is_refused(value: Any) -> None:
    """As in a store, which has no such column."""
    with pytest.raises(SelectionError, match="neither a number nor a text"):
        Cuts("rb > 1")({"rb": value})


# -- The same decision everywhere ----------------------------------------------------------

FLOATS = ("rb", "drb", "magpsf", "magnr", "distnr", "ssdistnr", "jd", "ra", "sgscore1", "exptime")
INTEGERS = ("fid", "nid", "ndethist", "nbad", "candid", "objectidps1", "nmtchps", "tooflag")
TEXTS = ("isdiffpos", "objectId", "ssnamenr", "rbversion", "drbversion", "publisher", "schemavsn")

numbers = st.one_of(
    st.integers(-1000, 3000),
    st.floats(-1000, 3000).map(lambda x: round(x, 2)),
    st.sampled_from((-999, -999.0, 0.65, 0.5, 1, 2, 18.5, 2458000.5)),
).map(str)
values = st.recursive(
    st.one_of(st.sampled_from(FLOATS + INTEGERS), numbers),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("+", "-", "*", "/", "//", "%")), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(st.sampled_from(("abs", "sqrt", "log10", "-")), inner).map(
            lambda parts: f"{parts[0]}({parts[1]})"
        ),
        st.tuples(st.sampled_from(("min", "max")), inner, inner).map(
            lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"
        ),
    ),
    max_leaves=4,
)
comparisons = st.sampled_from(("<", "<=", "==", "!=", ">=", ">"))
words = st.sampled_from(("'t'", "'1'", "'f'", "''", "'null'", "'ZTF'", "'4.02'", "'t17_f5_c3'"))
conditions = st.recursive(
    st.one_of(
        st.tuples(values, comparisons, values).map(" ".join),
        st.tuples(numbers, comparisons, st.sampled_from(FLOATS), comparisons, numbers).map(
            " ".join
        ),
        st.tuples(st.sampled_from(TEXTS), comparisons, words).map(" ".join),
        st.tuples(st.sampled_from(TEXTS), st.lists(words, min_size=1)).map(
            lambda parts: f"{parts[0]} in ({', '.join(parts[1])},)"
        ),
        st.tuples(st.sampled_from(INTEGERS), st.lists(numbers, min_size=1, max_size=4)).map(
            lambda parts: f"{parts[0]} not in [{', '.join(parts[1])}]"
        ),
        st.sampled_from(FLOATS + INTEGERS + TEXTS).map(lambda name: f"isnull({name})"),
        st.tuples(st.sampled_from(TEXTS), words).map(
            lambda parts: f"startswith({parts[0]}, {parts[1]})"
        ),
    ),
    lambda inner: st.one_of(
        inner.map(lambda part: f"not ({part})"),
        st.tuples(inner, st.sampled_from((" and ", " or ")), inner).map(
            lambda parts: f"({''.join(parts)})"
        ),
    ),
    max_leaves=4,
)


@cache
def real_alerts() -> tuple[tuple[Alert, Snapshot], ...]:
    """Real alerts of all schema versions, each with a store of its own."""
    files = real_files("**/*.avro")
    found = []
    for file in files[:: max(1, len(files) // 60)]:
        with suppress(DecodeError, DecodeWarning):
            alert = decode(file.read_bytes())
            found.append((alert, held_of([alert.raw])))
    return tuple(found)


def assert_same_decision(text: str, alert: Alert | Mapping[str, Any], held: Snapshot) -> None:
    try:
        cuts = Cuts(text)
    except SelectionError as error:
        assert "names no field" in str(error) or "too" in str(error)  # noqa: PT017
        return
    if not set(cuts.fields) <= set(held.names):
        return
    chosen = len(held.select(cuts.expression)) == 1
    assert cuts(alert) is chosen
    assert (len(cuts.choose(held).rows) == 1) is chosen


@needs_real_packets
@given(conditions, st.integers(0, 10_000))
def test_an_alert_and_a_store_decide_alike_on_real_packets(text: str, which: int) -> None:
    """Whatever the condition and the schema version, a filter keeps what the table shows."""
    alerts = real_alerts()
    assert len(alerts) > 20
    assert_same_decision(text, *alerts[which % len(alerts)])


null_or_number = st.one_of(st.none(), st.floats(-1000, 3000, width=32), st.just(math.nan))


@given(
    conditions,
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("drb", "magnr", "distnr", "ssdistnr", "sgscore1"), null_or_number),
            **dict.fromkeys(("nbad", "objectidps1", "tooflag"), st.none() | st.integers(-999, 3)),
            "ssnamenr": st.none() | st.sampled_from(("null", "t", "")),
            "rb": st.none() | st.sampled_from((0.65, 0.5, 1.0)),
        },
    ),
)
def test_an_alert_a_dictionary_and_a_store_decide_alike(
    text: str, candidate: dict[str, Any]
) -> None:
    """With any field null as well."""
    packet = made_packet(1, **candidate)
    alert = decode(packet)
    held = held_of([packet])
    assert_same_decision(text, alert, held)
    assert_same_decision(text, alert.as_dict(), held)


# -- As JSON -------------------------------------------------------------------------------


def test_cuts_survive_json() -> None:
    """Each cut stays one cut, with its text."""
    cuts = Cuts(["rb > 0.65 or drb > 0.5", Cut("fid == 1 and nid > 3"), "isdiffpos == 't'"])
    assert Cuts.from_json(json.loads(json.dumps(cuts.to_json()))) == cuts
    assert Cuts.from_json([]) == Cuts()


@pytest.mark.parametrize(
    "value", [None, "rb > 1", {"rb": 1}, [1], ["rb > 1", None], ["rb >"], [""], ["1 > 0"], [["rb"]]]
)
def test_what_is_no_list_of_conditions_is_refused(value: Any) -> None:
    """The file of another person may hold anything."""
    with pytest.raises(ConfigError, match="cuts: "):
        Cuts.from_json(value)
