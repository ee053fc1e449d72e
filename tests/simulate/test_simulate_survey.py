from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from datetime import date

import numpy as np
import pytest

import ztfnb
from ztfnb.errors import ConfigError
from ztfnb.simulate import Survey, truth_table
from ztfnb.simulate.schedule import unix_time

NIGHT = "2026-01-15"
SURVEY = Survey(seed=5, alerts_per_night=20_000)
_DIGEST = """
import hashlib
from ztfnb.simulate import Survey
digest = hashlib.sha256()
for alert in Survey(seed=5, alerts_per_night=20_000).night("2026-01-15", limit=60):
    digest.update(alert.packet)
    digest.update(repr(alert.truth).encode())
print(digest.hexdigest())
"""


def test_same_bytes_in_another_process() -> None:
    """The same seed gives the same bytes and truths, also where hashing is seeded differently."""
    digest = hashlib.sha256()
    for alert in SURVEY.night(NIGHT, limit=60):
        digest.update(alert.packet)
        digest.update(repr(alert.truth).encode())
    for hash_seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=290,
        )
        assert run.stdout.strip() == digest.hexdigest()


def test_prefix() -> None:
    """How many are taken, and what was looked at before, does not change what comes first."""
    ten = [alert.packet for alert in SURVEY.night(NIGHT, limit=10)]
    list(SURVEY.night("2025-06-01", limit=5))
    list(Survey(seed=6).night(NIGHT, limit=5))
    twenty = [alert.packet for alert in SURVEY.night(NIGHT, limit=20)]
    assert len(ten) == 10
    assert twenty[:10] == ten


def test_seeds_differ() -> None:
    """Another seed gives other alerts."""
    one = {alert.truth.candid for alert in Survey(seed=1).night(NIGHT, limit=30)}
    two = {alert.truth.candid for alert in Survey(seed=2).night(NIGHT, limit=30)}
    assert not one & two


def test_in_order_of_time_and_unique() -> None:
    """Alerts come in order of jd, on the night's date, and no candid comes twice."""
    small = Survey(seed=5, alerts_per_night=1_000)
    table = truth_table(alert.truth for alert in small.night(NIGHT))
    jd = table["jd"].astype(float)
    assert np.all(np.diff(jd) >= 0.0)
    assert len(np.unique(table["candid"])) == len(jd)
    # About as many as were asked for: nights differ.
    assert 300 < len(jd) < 3_000
    start = 2461055.5  # 2026-01-15, 0 h UTC
    assert start < jd[0] < jd[-1] < start + 1.0


def test_packets_of_a_topic() -> None:
    """Packets carry topic, offset and the time at which they were sent, some 40 s after jd."""
    packets = list(SURVEY.packets(NIGHT, limit=40))
    alerts = list(SURVEY.night(NIGHT, limit=40, programid=1))
    assert [packet.value for packet in packets] == [alert.packet for alert in alerts]
    assert {packet.topic for packet in packets} == {"ztf_20260115_programid1"}
    assert [packet.offset for packet in packets] == list(range(40))
    assert {packet.key for packet in packets} == {None}
    for packet, alert in zip(packets, alerts, strict=True):
        delay = packet.timestamp - unix_time(alert.truth.jd)
        # 30 s of exposure and about 10 s of processing.
        assert 35.0 < delay < 50.0
        assert alert.alert["candidate"]["programid"] == 1
    times = [packet.timestamp for packet in packets]
    assert times == sorted(times)


def test_partnership_has_its_own() -> None:
    """The partnership's exposures go to its own topic, and the two are the whole night."""
    packets = list(itertools.islice(SURVEY.packets(NIGHT, programid=2), 5))
    assert {packet.topic for packet in packets} == {"ztf_20260115_programid2"}
    assert {ztfnb.decode(packet.value).programid for packet in packets} == {2}
    small = Survey(seed=5, alerts_per_night=1_000)
    both = list(small.night(NIGHT, limit=150))
    assert {alert.alert["candidate"]["programid"] for alert in both} == {1, 2}
    for programid in (1, 2):
        own = [a for a in both if a.alert["candidate"]["programid"] == programid]
        assert list(small.night(NIGHT, limit=len(own), programid=programid)) == own


def test_dates() -> None:
    """A date can be given as such; what is no night of the survey is refused."""
    by_date = next(iter(SURVEY.night(date(2026, 1, 15))))
    assert by_date == next(iter(SURVEY.night(NIGHT)))
    with pytest.raises(ConfigError, match="expected a UTC date"):
        SURVEY.night("15 January")
    with pytest.raises(ConfigError, match="began on 2018-03-18"):
        SURVEY.packets("2017-01-01")
    with pytest.raises(ConfigError, match="alerts_per_night"):
        Survey(alerts_per_night=10)
