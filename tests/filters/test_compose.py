"""A filter written from cuts decides as the cuts do, and reads as a person would write it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import made_packet
from packets import needs_real_packets, real_files

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.cuts import Cuts
from ztfnb.errors import DecodeError, DecodeWarning, FilterError, SelectionError
from ztfnb.filters.compose import filter_from, source_of
from ztfnb.filters.lint import lint


def test_it_reads_as_a_person_would_write_it() -> None:
    """Ready for a cell: thresholds in front, fields by name, one condition in a line."""
    assert source_of("rb > 0.65 and magpsf < 19 and isdiffpos in ('t', '1')", "bright") == (
        "@ztfnb.filter\n"
        "def bright(alert, *, rb_min=0.65, magpsf_max=19.0):\n"
        """    \"\"\"Pass where rb > 0.65 and magpsf < 19 and isdiffpos in ('t', '1').\"\"\"\n"""
        '    candidate = alert["candidate"]\n'
        '    rb = candidate.get("rb")\n'
        '    magpsf = candidate["magpsf"]\n'
        '    isdiffpos = candidate["isdiffpos"]\n'
        "    return (\n"
        "        rb is not None and rb > rb_min\n"
        "        and magpsf < magpsf_max\n"
        '        and isdiffpos in ("t", "1")\n'
        "    )\n"
    )


@pytest.mark.parametrize(
    ("cuts", "thresholds"),
    [
        ("rb > 0.65", {"rb_min": 0.65}),
        ("0.65 < rb", {"rb_min": 0.65}),
        ("magpsf <= 19", {"magpsf_max": 19.0}),
        ("15 < magpsf < 19", {"magpsf_min": 15.0, "magpsf_max": 19.0}),
        ("not drb > 0.5", {"drb_max": 0.5}),
        ("not (rb < 0.5 or not nbad < 2)", {"rb_min": 0.5, "nbad_max": 2}),
        ("ndethist >= 2", {"ndethist_min": 2}),
        ("abs(magdiff) < 0.1", {"abs_magdiff_max": 0.1}),
        ("jd - jdstarthist < 5", {"age_max": 5.0}),
        ("magnr - magpsf > 1", {"magnr_minus_magpsf_min": 1.0}),
        ("rb > 0.65 or rb > 0.9 and fid == 2", {"rb_min": 0.65, "rb_min_2": 0.9}),
        ("fid == 1 and nbad == 0", {}),
        ("ssdistnr < 0 or ssdistnr > 5", {"ssdistnr_min": 5.0}),
        ("not 0 <= ssdistnr <= 5", {"ssdistnr_min": 5.0}),
        ("magnr != -999", {}),
        ("magpsf < diffmaglim", {}),
        ("rb < 1e999", {}),
        ("abs(min(rb, drb, classtar, sumrat) * seeratio - magdiff + fwhm) < 2", {"limit_max": 2.0}),
        ("", {}),
    ],
)
def test_limits_become_thresholds(cuts: str, thresholds: dict[str, Any]) -> None:
    """A number that a field is compared with; not what is asked for by equality, nor a marker."""
    made = filter_from(cuts, "f")
    assert dict(made.params) == thresholds
    assert [type(value) for value in made.params.values()] == list(map(type, thresholds.values()))


def test_alternatives_stand_in_lines_of_their_own() -> None:
    """As conditions that all have to hold do."""
    assert source_of("rb > 0.5 or not drb > 0.9 and fid == 1").endswith(
        "    return (\n"
        "        rb is not None and rb > rb_min\n"
        "        or not (drb is not None and drb > drb_max) and fid == 1\n"
        "    )\n"
    )


def test_a_condition_that_is_negated_twice_is_itself() -> None:
    """As a form writes the opposite of an opposite."""
    assert "return rb is not None and rb > rb_min" in source_of("not (not rb > 0.5)")


def test_a_threshold_moves_the_cut() -> None:
    """It takes the place of the number."""
    made = filter_from("rb > 0.65", "f")
    alert = decode(made_packet(1, rb=0.8))
    assert made(alert) is True
    assert made.with_params(rb_min=0.9)(alert) is False


def test_its_source_is_to_be_had() -> None:
    """As that of a function in a cell: the funnel and the explanation read it."""
    made = filter_from(Cuts(["rb > 0.65", "fid == 1 or fid == 2"]), "mine")
    assert made.name == "mine"
    assert inspect.getsource(made.function) == source_of(
        "rb > 0.65 and (fid == 1 or fid == 2)", "mine"
    )
    assert made.source.startswith("def mine(alert, *, rb_min=0.65):")
    assert Cuts("rb > 0.65").to_filter("mine").params == {"rb_min": 0.65}


@pytest.mark.parametrize(
    "cuts",
    ["rb > 0.65", "drb > 0.5 and not drb > 0.9", "abs(magdiff) < 0.1", "isnull(drb) or drb > 0.5",
     "not 0 <= ssdistnr <= 5", "jd - jdstarthist >= 5", "startswith(objectId, 'ZTF18')",
     "rb > 0.6 and 0.1 < rb < 0.9 and fid in (1, 2)"],
)  # fmt: skip
def test_nothing_is_to_be_said_of_it(cuts: str) -> None:
    """Missing values are looked after."""
    assert lint(filter_from(cuts)) == ()


@pytest.mark.parametrize("text", ["rbb > 1", "rb > 'a'", "isdiffpos > 1", "magpsf", "rb >"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    """When it is written, not when it runs."""
    with pytest.raises(SelectionError):
        source_of(text)


@pytest.mark.parametrize("name", ["", "my filter", "class", "f(x)", "1f", "f\n", "ﬁx", "ztfnb"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """It would be no function, or other code."""
    with pytest.raises(FilterError, match="expected a name"):
        source_of("rb > 1", name)


def test_texts_in_a_cut_stay_texts() -> None:
    """Whatever they hold."""
    for text in ('"""', "a\\'b", "{x}", "\\n", "é", '" + open("x") + "'):
        cuts = Cuts(f"publisher == {text!r}")
        alert = {"publisher": text, "candidate": {"fid": 1}}
        assert filter_from(cuts)(alert) is cuts(alert) is True


# -- The same decision ---------------------------------------------------------------------

FLOATS = ("rb", "drb", "magpsf", "magnr", "distnr", "ssdistnr", "jd", "ra", "sgscore1", "exptime")
INTEGERS = ("fid", "nid", "ndethist", "nbad", "nmtchps", "tooflag")
TEXTS = ("isdiffpos", "objectId", "ssnamenr", "rbversion", "drbversion", "schemavsn")

numbers = st.one_of(
    st.integers(-1000, 3000),
    st.floats(-1000, 3000).map(lambda x: round(x, 2)),
    st.sampled_from((-999, -999.0, 0.65, 0.5, 0, 1, 2, 18.5, 2458000.5)),
).map(str)
values = st.recursive(
    st.one_of(st.sampled_from(FLOATS + INTEGERS), numbers),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("+", "-", "*", "/", "//", "%")), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, st.integers(0, 3)).map(lambda parts: f"({parts[0]} ** {parts[1]})"),
        st.tuples(st.sampled_from(("abs", "sqrt", "exp", "log", "log10", "-")), inner).map(
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
        st.tuples(st.sampled_from(TEXTS), st.lists(words, min_size=1, max_size=3)).map(
            lambda parts: f"{parts[0]} in ({', '.join(parts[1])},)"
        ),
        st.tuples(values, st.lists(numbers, min_size=1, max_size=4)).map(
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
    max_leaves=5,
)


def assert_same_decision(text: str, *alerts: Alert | Mapping[str, Any]) -> None:
    try:
        cuts = Cuts(text)
    except SelectionError as error:
        assert "names no field" in str(error) or "too" in str(error)  # noqa: PT017
        return
    made = filter_from(cuts)
    for alert in alerts:
        assert made(alert) is cuts(alert), made.source


@cache
def real_alerts() -> tuple[Alert, ...]:
    files = real_files("**/*.avro")
    found = []
    for file in files[:: max(1, len(files) // 80)]:
        with suppress(DecodeError, DecodeWarning):
            alert = decode(file.read_bytes())
            if "candidate" in alert:
                found.append(alert)
    return tuple(found)


@pytest.mark.parametrize(
    "text", ["magnr ** 0 != 0", "max(magnr, 1) > 0", "min(magnr, 1) > 0", "exp(magnr) > 0",
             "log(magnr - magnr) < 0", "magnr / 0 != 1", "magnr // (nbad - nbad) == 0",
             "exp(800) > magnr"],
)  # fmt: skip
@pytest.mark.parametrize("magnr", [math.nan, math.inf, None, 0.0, -1.0, 900.0])
def test_numbers_at_the_edge(text: str, magnr: float | None) -> None:
    """NaN, infinity, nothing to divide by."""
    assert_same_decision(text, decode(made_packet(1, magnr=magnr, nbad=1)))


@needs_real_packets
@given(conditions)
def test_it_decides_as_the_cuts_do_on_real_packets(text: str) -> None:
    """Whatever the condition, and whichever fields a schema version has."""
    alerts = real_alerts()
    assert len(alerts) > 20
    assert_same_decision(text, *alerts)


null_or_number = st.one_of(st.none(), st.floats(-1000, 3000, width=32), st.just(math.nan))


@given(
    conditions,
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("drb", "magnr", "distnr", "ssdistnr", "sgscore1"), null_or_number),
            **dict.fromkeys(("nbad", "tooflag"), st.none() | st.integers(-999, 3)),
            "ssnamenr": st.none() | st.sampled_from(("null", "t", "")),
            "rb": st.none() | st.sampled_from((0.65, 0.5, 1.0, 0.0)),
            "magpsf": st.sampled_from((18.5, math.nan)),
        },
    ),
)
def test_it_decides_as_the_cuts_do_where_values_are_missing(
    text: str, candidate: dict[str, Any]
) -> None:
    """Null, NaN, undefined: of an alert and of a dictionary."""
    alert = decode(made_packet(1, **candidate))
    assert_same_decision(text, alert, alert.as_dict())
