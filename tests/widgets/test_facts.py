"""The line of facts says what is known, and leaves out what is not."""

from __future__ import annotations

from typing import Any

from made import NIGHT_JD, made_packet

import ztfnb
from ztfnb.widgets import Facts
from ztfnb.widgets.facts import facts_of


def told(**candidate: Any) -> dict[str, str]:
    return {fact.label: fact.value for fact in facts_of(ztfnb.decode(made_packet(1, **candidate)))}


def test_what_is_told() -> None:
    """Time, magnitude with its error, age, scores, neighbour, position."""
    facts = told(
        jd=NIGHT_JD,
        jdstarthist=NIGHT_JD - 3.2,
        distpsnr1=0.42,
        sgscore1=0.98,
        srmag1=18.23,
        rb=0.871,
    )
    assert facts[""] == "2026-01-15 06:00:00 UTC"
    assert facts["r"] == "18.50 ± 0.10"
    assert facts["age"] == "3.2 d"
    assert facts["rb"] == "0.87"
    assert facts["nearest"] == "star 0.4″, r 18.2"
    assert "solar system" not in facts


def test_negative_subtraction_and_asteroid() -> None:
    """A source fainter than the reference and a known asteroid are named as such."""
    facts = told(isdiffpos="f", ssdistnr=1.23, ssnamenr="1234")
    assert facts["r"].endswith("fainter than reference")
    assert facts["solar system"] == "1234 1.2″"


def test_missing_is_left_out() -> None:
    """The survey's -999 and nulls are no facts."""
    facts = told(rb=None, distpsnr1=-999.0, sgscore1=-999.0, ssdistnr=-999.0)
    assert not {"rb", "drb", "nearest", "solar system"} & facts.keys()


def test_nothing_selected() -> None:
    """Without an alert it says so."""
    assert Facts()._shown["object"] == "No alert selected"
