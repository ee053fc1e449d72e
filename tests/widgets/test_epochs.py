"""What is told of an epoch is every number that there is, and no other."""

from __future__ import annotations

from made import NIGHT_JD, made_alert

from ztfnb import photometry
from ztfnb.widgets._epochs import HEADERS, TEXTS, rows_of, told_of

LIMIT = {"jd": NIGHT_JD - 2, "fid": 1, "pid": 5, "diffmaglim": 20.5, "programid": 1,
         "candid": None, "magpsf": None}  # fmt: skip


def test_every_number_of_an_epoch_is_in_its_row() -> None:
    """A detection has all but what is unknown; a limit has a limit and a date; in order of time."""
    alert = made_alert(1, isdiffpos="f", diffmaglim=20.123, field=500)
    alert["prv_candidates"] = [LIMIT]
    limit, found = rows_of(photometry(alert))
    names = [name for name, _meaning in HEADERS]
    assert len(names) == len(limit) == len(found)
    told = dict(zip(names, found, strict=True))
    assert told["UTC"] == "2026-01-15 06:00:00"
    assert told["MJD"] == f"{NIGHT_JD + 1e-5 - 2400000.5:.5f}"
    assert (told["band"], told["kind"], told["+/\N{MINUS SIGN}"]) == (
        "r", "detection", "\N{MINUS SIGN}",
    )  # fmt: skip
    assert told["diff. mag"] == "18.500"
    assert told["limit"] == "20.12"
    assert told["flux µJy"] == "\N{MINUS SIGN}144.5"
    assert (told["rb"], told["candid"], told["field"], told["prog."]) == ("0.80", "1", "500", "1")
    assert [text for text in limit if text] == [
        "2026-01-13 06:00:00", "61053.25000", "g", "limit", "20.50", "1",
    ]  # fmt: skip
    assert names.index("+/\N{MINUS SIGN}") + 1 == TEXTS


def test_the_hover_tells_the_same() -> None:
    """In lines, without those that have nothing to tell."""
    alert = made_alert(1, diffmaglim=20.123)
    alert["prv_candidates"] = [LIMIT]
    limit, found = told_of(rows_of(photometry(alert)))
    assert limit == (
        "g 5-sigma limit\nlimit 20.50 mag\n2026-01-13 06:00:00 UTC, MJD 61053.25000\nprogramme 1"
    )
    lines = found.split("\n")
    assert lines[0] == "r detection, brighter than the reference"
    assert lines[1] == "difference 18.500 ± 0.100 mag"
    assert lines[3] == "flux 144.5 ± 13.3 µJy, SNR 10.9"
    assert lines[-1] == "rb 0.80, candid 1, programme 1"


def test_a_date_that_no_calendar_has_is_left_out() -> None:
    """Dates from a broken packet are told as MJD alone."""
    alert = made_alert(1, jd=1e9)
    (row,) = rows_of(photometry(alert))
    assert row[0] == ""
    assert "UTC" not in told_of([row])[0]
