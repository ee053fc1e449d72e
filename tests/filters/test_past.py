"""Alerts as they were: histories without what came later."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import NIGHT_JD, made_alert
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.alert import Alert
from ztfnb.errors import ConfigError
from ztfnb.filters.past import HISTORIES, Cut, as_of, jd_of, moment_jd

EPOCH = {"fid": 1, "pid": 1, "programid": 1, "diffmaglim": 20.0, "rbversion": ""}


def with_history(jd: list[float], own: float = NIGHT_JD) -> dict[str, Any]:
    """An alert whose history has these epochs."""
    alert = made_alert(1, jd=own)
    return {**alert, "prv_candidates": [{**EPOCH, "jd": one} for one in jd]}


@given(st.lists(st.integers(-30, 30), max_size=8), st.integers(-30, 30))
def test_what_came_later_is_cut_and_the_rest_stays_in_order(days: list[int], moment: int) -> None:
    """A cut history holds just the epochs up to the moment; dictionaries and Alerts alike."""
    plain = with_history([NIGHT_JD + day for day in days])
    alert = ztfnb.decode(ztfnb.encode(plain))
    left = [NIGHT_JD + day for day in days if day <= moment]
    for one in (plain, alert):
        history = as_of(one, NIGHT_JD + moment)["prv_candidates"]
        assert [entry["jd"] for entry in history or ()] == left


def test_the_moment_is_the_alerts_own_where_none_is_given() -> None:
    """The epoch of the alert itself stays; one a second later does not."""
    alert = ztfnb.decode(ztfnb.encode(with_history([NIGHT_JD, NIGHT_JD + 1 / 86400])))
    assert [one["jd"] for one in as_of(alert)["prv_candidates"]] == [NIGHT_JD]


def test_a_history_of_which_nothing_is_left_is_none() -> None:
    """As in a packet without history: a filter must not see that there was one."""
    alert = ztfnb.decode(ztfnb.encode(with_history([NIGHT_JD + 1])))
    assert as_of(alert)["prv_candidates"] is None
    assert as_of(with_history([NIGHT_JD + 1]))["prv_candidates"] is None
    assert as_of({**made_alert(), "prv_candidates": []})["prv_candidates"] == []


def test_an_epoch_without_a_time_is_not_shown() -> None:
    """It cannot be shown to be of the past."""
    odd = {**made_alert(), "prv_candidates": [{"jd": None}, {"jd": math.nan}, {}, {"jd": 1.0}]}
    assert as_of(odd)["prv_candidates"] == [{"jd": 1.0}]


@needs_real_packets
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_a_real_alert_that_ends_with_itself_stays_the_same() -> None:
    """Packets as they were sent know no future: nothing in them changes, whatever the schema."""
    kinds = 0
    for path in [*real_files("v4.0*/*.avro")[:20], *real_files("v3.3/*.avro")[:20]]:
        alert = ztfnb.decode(path.read_bytes())
        past = as_of(alert)
        late = [
            entry["jd"]
            for name in HISTORIES
            for entry in alert.get(name) or ()
            if entry["jd"] > alert.jd
        ]
        if not late:
            kinds += 1
            assert list(past) == list(alert)
            assert past == alert
            assert isinstance(past, Alert)
            assert (past.candid, past.object_id, past.jd) == (
                alert.candid,
                alert.object_id,
                alert.jd,
            )
            assert (past.raw, past.schema) == (alert.raw, alert.schema)
            assert past.as_dict().keys() == alert.as_dict().keys()
    assert kinds


@needs_real_packets
def test_rubins_histories_are_cut_by_their_own_times() -> None:
    """Sources and forced photometry after the alert's exposure are gone."""
    [*files] = real_files("lsst/ocf/*.avro")
    seen = 0
    for path in files:
        for alert in ztfnb.read(path):
            past = as_of(alert, -math.inf)
            for name in HISTORIES:
                if alert.get(name):
                    seen += 1
                    assert past[name] is None
            assert as_of(alert, math.inf) == alert
    assert seen


def test_a_past_alert_travels_and_compares_by_what_it_shows() -> None:
    """A pickled one is equal; one that was cut is not equal to the whole."""
    alert = ztfnb.decode(ztfnb.encode(with_history([NIGHT_JD - 1, NIGHT_JD + 1])))
    past = as_of(alert)
    again = pickle.loads(pickle.dumps(past))  # noqa: S301 - its own
    assert again == past
    assert hash(again) == hash(past)
    assert past != alert
    assert "candid 1" in repr(past)
    assert len(past["prv_candidates"]) == 1
    assert past.candidate is alert.candidate
    assert Cut(None)(alert) == past


@pytest.mark.parametrize(
    ("alert", "jd"),
    [
        (made_alert(1, jd=NIGHT_JD), NIGHT_JD),
        ({"diaSource": {"midpointMjdTai": 60000.0}}, 2460000.5 - 37 / 86400),
        ({"candidate": {"jd": None}}, math.nan),
        ({"candid": 1}, math.nan),
    ],
)
def test_the_time_of_a_dictionary(alert: Mapping[str, Any], jd: float) -> None:
    """It is what `Alert.jd` says of the packet."""
    assert jd_of(alert) == pytest.approx(jd, nan_ok=True, abs=1e-9)


def test_moments_are_written_in_several_ways() -> None:
    """Julian date, ISO text in UTC and datetime mean the same; anything else is refused."""
    noon = datetime(2018, 11, 28, 12, tzinfo=UTC)
    assert moment_jd(2458451.0) == 2458451.0
    assert moment_jd("2018-11-28T12:00") == pytest.approx(2458451.0)
    assert moment_jd(noon) == pytest.approx(2458451.0)
    with pytest.raises(ConfigError, match="ISO time"):
        moment_jd("yesterday")
