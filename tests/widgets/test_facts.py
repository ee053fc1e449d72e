"""The line of facts says what is known, and leaves out what is not."""

from __future__ import annotations

from typing import Any

import pytest
from made import NIGHT_JD, made_packet
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.widgets import Facts
from ztfnb.widgets.facts import Fact, facts_of


def told(**candidate: Any) -> list[Fact]:
    return facts_of(ztfnb.decode(made_packet(1, **candidate)))


def values(**candidate: Any) -> dict[str, str]:
    return {fact.label: fact.value for fact in told(**candidate) if fact.label}


def test_what_is_told() -> None:
    """Magnitude with its error, time, age, scores, neighbour, position: in this order."""
    facts = told(
        jd=NIGHT_JD, jdstarthist=NIGHT_JD - 3.2, rb=0.871, ra=150.0, dec=-2.5,
        distpsnr1=0.42, sgscore1=0.98, srmag1=18.23, neargaia=0.41, maggaia=18.0,
    )  # fmt: skip
    assert [(fact.label, fact.value) for fact in facts] == [
        ("r", "18.50 ± 0.10"),
        ("", "2026-01-15 06:00 UTC"),
        ("age", "3.2 d"),
        ("rb", "0.87"),
        ("star", "0.4″, r 18.2"),
        ("", "150.0000 -2.5000"),
        ("candid", ""),
    ]


def test_what_the_page_needs() -> None:
    """A time brings its Julian date, position and candid bring what is copied."""
    facts = told(jd=NIGHT_JD, ra=150.0, dec=20.0)
    assert [fact.jd for fact in facts if fact.jd is not None] == [NIGHT_JD]
    assert [fact.copy for fact in facts if fact.copy] == ["150.0000000 +20.0000000", "1"]


def test_negative_subtraction_and_asteroid() -> None:
    """A source fainter than the reference and a known asteroid are named as such."""
    facts = values(isdiffpos="f", ssdistnr=1.23, ssnamenr="1234")
    assert facts["r"] == "18.50 ± 0.10 negative"
    assert facts["asteroid"] == "1234 1.2″"
    assert values(ssdistnr=1.23, ssnamenr="C/2019 Y4")["comet"] == "C/2019 Y4 1.2″"


@pytest.mark.parametrize(
    ("days", "text"),
    [(0.0, "new"), (0.05, "1.2 h"), (1.99, "47.8 h"), (3.25, "3.2 d"), (831.4, "831 d")],
)
def test_age(days: float, text: str) -> None:
    """The age is told as new, in hours, in days with a decimal, or in whole days."""
    assert values(jd=NIGHT_JD, jdstarthist=NIGHT_JD - days)["age"] == text


def test_gaia_where_pan_starrs_is_silent() -> None:
    """South of Pan-STARRS the nearest source is Gaia's."""
    assert values(neargaia=3.04, maggaia=16.0)["Gaia source"] == "3.0″, G 16.0"


def test_missing_is_left_out() -> None:
    """The survey's -999 and nulls are no facts."""
    facts = values(
        rb=None, distpsnr1=-999.0, sgscore1=-999.0, ssdistnr=-999.0, jdstarthist=None, magpsf=20.0
    )
    assert facts.keys() == {"r", "candid"}


@needs_real_packets
def test_real_packets() -> None:
    """Packets of all versions and of Rubin have facts, and none of them says nan or -999."""
    for folder in ("legacy", "v1.8", "v3.3", "v4.02", "lsst/ocf", "lsst/fink-ocf"):
        for file in real_files(f"{folder}/*.avro"):
            facts = facts_of(ztfnb.decode(file.read_bytes()))
            assert len(facts) >= 2
            assert not [fact for fact in facts if "nan" in fact.value or "-999" in fact.value]


def test_shows_and_clears() -> None:
    """Setting an alert shows it; without one it says so."""
    alert = ztfnb.decode(made_packet(7))
    facts = Facts(alert)
    assert facts.alert is alert
    assert (facts._shown["candid"], facts._shown["object"]) == ("7", "ZTF260000007")
    facts.alert = None
    assert (facts._shown["candid"], facts._shown["object"]) == ("", "No alert selected")
    assert facts._shown["facts"] == []
