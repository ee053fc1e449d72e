"""Light curves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import fastavro
import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from packets import needs_real_packets, real_files

from ztfnb.errors import DecodeError, SelectionError
from ztfnb.photometry import LightCurve, photometry

Record = dict[str, Any]


def detection(jd: float, candid: int, **values: Any) -> Record:
    """Return a candidate of 20 mag, or its copy in a history."""
    return {
        "jd": jd,
        "fid": 1,
        "pid": candid // 100,
        "programid": 1,
        "candid": candid,
        "magpsf": 20.0,
        "sigmapsf": 0.1,
        "diffmaglim": 20.5,
        "isdiffpos": "t",
        **values,
    }


def limit(jd: float, pid: int, **values: Any) -> Record:
    """Return an epoch at which nothing was found."""
    return {
        "jd": jd,
        "fid": 1,
        "pid": pid,
        "programid": 1,
        "candid": None,
        "magpsf": None,
        "isdiffpos": None,
        "diffmaglim": 20.2,
        **values,
    }


def forced(jd: float, pid: int, **values: Any) -> Record:
    """Return an epoch of forced photometry: 100 DN at zero point 26."""
    return {
        "jd": jd,
        "fid": 2,
        "pid": pid,
        "programid": 1,
        "forcediffimflux": 100.0,
        "forcediffimfluxunc": 10.0,
        "magzpsci": 26.0,
        "diffmaglim": 20.4,
        **values,
    }


def alert(candidate: Record, *history: Record, fp: list[Record] | None = None) -> Record:
    """Return an alert of the one object that these tests look at."""
    return {
        "objectId": "ZTF18abcdefg",
        "candid": candidate["candid"],
        "candidate": candidate,
        "prv_candidates": list(history) or None,
        "fp_hists": fp,
    }


def assert_same(left: LightCurve, right: LightCurve) -> None:
    """Check that two light curves are equal, NaN being equal to NaN."""
    assert left.object_id == right.object_id
    for name in LightCurve.__slots__[1:]:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


def test_detections_limits_and_forced_fluxes_stand_in_order_of_time() -> None:
    """The alert's own candidate, its history and its forced photometry make one light curve."""
    curve = photometry(
        alert(detection(10.5, 1000), limit(3.5, 3), detection(7.5, 700), fp=[forced(2.5, 2)])
    )
    assert curve.jd.tolist() == [2.5, 3.5, 7.5, 10.5]
    assert curve.kind.tolist() == ["forced", "limit", "detection", "detection"]
    assert curve.candid.tolist() == [0, 0, 700, 1000]
    assert curve.fid.tolist() == [2, 1, 1, 1]
    assert curve.object_id == "ZTF18abcdefg"
    assert repr(curve) == (
        "LightCurve(ZTF18abcdefg: 2 detections, 1 limits, 1 forced, jd 2.50000 to 10.50000)"
    )
    assert curve[curve.kind == "limit"].jd.tolist() == [3.5]


def test_a_limit_is_never_a_magnitude() -> None:
    """At an upper limit there is a limit and neither magnitude nor flux."""
    curve = photometry(alert(detection(10.5, 1000), limit(3.5, 3)))[:1]
    assert curve.limit == pytest.approx(20.2)
    for name in ("mag", "mag_err", "apparent_mag", "apparent_mag_err", "flux", "flux_err"):
        assert np.isnan(getattr(curve, name)).all(), name
    assert not curve.positive[0]


@pytest.mark.parametrize(("isdiffpos", "sign"), [("t", 1), ("1", 1), ("f", -1), ("0", -1)])
def test_difference_flux_follows_from_the_magnitude(isdiffpos: str, sign: int) -> None:
    """20 mag AB are 36.308 microjansky; the sign of the subtraction is that of the flux."""
    curve = photometry(alert(detection(10.5, 1000, isdiffpos=isdiffpos)))
    assert curve.flux[0] == pytest.approx(sign * 36.30780547701)
    assert curve.flux_err[0] == pytest.approx(36.30780547701 * 0.1 * math.log(10) / 2.5)
    assert curve.positive[0] == (sign > 0)
    assert curve.mag[0] == 20.0


def test_apparent_magnitude_adds_the_reference_source() -> None:
    """A doubling of a 20 mag source is 0.7526 mag brighter; its loss of half is as much fainter."""
    near = {"distnr": 0.5, "magnr": 20.0, "sigmagnr": 0.02}
    curve = photometry(alert(detection(10.5, 1000, **near)))
    assert curve.apparent_mag[0] == pytest.approx(20 - 2.5 * math.log10(2))
    assert curve.apparent_mag_err[0] == pytest.approx(math.hypot(0.1, 0.02) / 2)
    half = 20 + 2.5 * math.log10(2)
    curve = photometry(alert(detection(10.5, 1000, **near, isdiffpos="f", magpsf=half)))
    assert curve.apparent_mag[0] == pytest.approx(half)
    assert curve.mag[0] == pytest.approx(half)


@pytest.mark.parametrize(
    "values",
    [
        {"distnr": 1.4, "magnr": 20.0, "sigmagnr": 0.02},
        {"distnr": -999.0, "magnr": -999.0, "sigmagnr": -999.0},
        {"distnr": None, "magnr": None, "sigmagnr": None},
        {},
        {"distnr": 0.5, "magnr": 20.0, "sigmagnr": 0.02, "isdiffpos": "f", "magpsf": 19.0},
    ],
    ids=["far away", "no source", "null", "absent", "more lost than there was"],
)
def test_there_is_no_apparent_magnitude_without_a_reference_source(values: Record) -> None:
    """Beyond 1.4 arcsec, without a source, or below zero, the apparent magnitude is NaN."""
    curve = photometry(alert(detection(10.5, 1000, **values)))
    assert np.isnan(curve.apparent_mag[0])
    assert np.isnan(curve.apparent_mag_err[0])
    assert np.isfinite(curve.mag[0])


def test_forced_flux_uses_the_zero_point_of_its_epoch() -> None:
    """100 DN at zero point 26 are 14.454 microjansky, 21 mag; at 25 they are 2.512 times more."""
    curve = photometry(
        alert(detection(10.5, 1000), fp=[forced(1.5, 1), forced(2.5, 2, magzpsci=25.0)])
    )
    assert curve.flux[:2] == pytest.approx([14.4543977, 36.3078055])
    assert curve.flux_err[:2] == pytest.approx([1.44543977, 3.63078055])
    assert curve.mag[:2] == pytest.approx([21.0, 20.0])
    assert curve.mag_err[:2] == pytest.approx([0.1 * 2.5 / math.log(10)] * 2)


def test_forced_flux_may_be_negative_faint_or_missing() -> None:
    """A negative flux keeps its sign; below three sigma there is no magnitude; -99999 is NaN."""
    fp = [
        forced(1.5, 1, forcediffimflux=-100.0),
        forced(2.5, 2, forcediffimflux=20.0),
        forced(3.5, 3, forcediffimflux=-99999.0, forcediffimfluxunc=-99999.0),
        forced(4.5, 4, magzpsci=None),
    ]
    curve = photometry(alert(detection(10.5, 1000), fp=fp))[:4]
    assert curve.flux[:2] == pytest.approx([-14.4543977, 2.89087954])
    assert np.isnan(curve.flux[2:]).all()
    assert curve.mag[0] == pytest.approx(21.0)
    assert np.isnan(curve.mag[1:]).all()
    assert curve.positive.tolist() == [False, True, False, False]
    assert curve.limit.tolist() == [20.4] * 4


def test_the_newest_alert_has_the_last_word() -> None:
    """Forced photometry that changed, and limits too, are taken from the newest alert."""
    old = alert(detection(10.5, 1000), limit(3.5, 3, diffmaglim=19.0), fp=[forced(2.5, 2)])
    new = alert(
        detection(11.5, 1100),
        limit(3.5, 3, diffmaglim=19.5),
        detection(10.5, 1000, magpsf=20.0001),
        fp=[forced(2.5, 2, forcediffimflux=200.0)],
    )
    for order in ([old, new], [new, old]):
        curve = photometry(order)
        assert len(curve) == 4
        assert curve.flux[0] == pytest.approx(2 * 14.4543977)
        assert curve.limit[1] == 19.5
        # The copy in a history is rounded; the alert itself is not.
        assert curve.mag[2] == 20.0


def test_a_detection_takes_the_place_of_a_limit_of_the_same_exposure() -> None:
    """An exposure is either a detection or a limit, not both."""
    curve = photometry(alert(detection(10.5, 1000), limit(10.5, 10)))
    assert curve.kind.tolist() == ["detection"]


def test_as_of_hides_what_was_not_known() -> None:
    """Later alerts, with what they revise, and later epochs are left out."""
    old = alert(detection(10.5, 1000), limit(3.5, 3), fp=[forced(2.5, 2)])
    new = alert(
        detection(12.5, 1200),
        limit(11.5, 11),
        detection(10.5, 1000),
        fp=[forced(2.5, 2, forcediffimflux=200.0)],
    )
    assert_same(photometry([old, new], as_of=10.5), photometry(old))
    assert_same(photometry([old, new], as_of=12.5), photometry([old, new]))
    assert len(photometry(new, as_of=12.4)) == 0
    assert len(photometry([])) == 0


def test_alerts_of_several_objects_are_refused() -> None:
    """The error names the objects."""
    other = {**alert(detection(10.5, 1000)), "objectId": "ZTF18aaaaaaa"}
    with pytest.raises(SelectionError, match=r"2 objects.*ZTF18aaaaaaa, ZTF18abcdefg"):
        photometry([alert(detection(9.5, 900)), other])


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"objectId": "a"}, "candidate"),
        ({"candidate": {"jd": 1.0}}, "candidate.candid"),
        (alert(detection(math.nan, 1)), "candidate.jd"),
        (alert(detection(1.0, 1, magpsf="bright")), "candidate.magpsf"),
        ({**alert(detection(1.0, 1)), "prv_candidates": {"jd": "[1, 2]"}}, "prv_candidates"),
        ({**alert(detection(1.0, 1)), "fp_hists": ["x"]}, "fp_hists"),
        (alert(detection(1.0, 1), fp=[{"jd": 1.0}]), "fp_hists.fid"),
    ],
)
def test_what_is_not_a_packet_is_refused_with_its_place(broken: Record, place: str) -> None:
    """Only DecodeError comes out, and it says which field was wrong."""
    with pytest.raises(DecodeError) as caught:
        photometry(broken)
    assert caught.value.where == place


epochs = st.integers(1, 12)
days = st.lists(epochs, max_size=6)


@st.composite
def alerts_of_one_object(draw: st.DrawFn) -> list[Record]:
    """Draw alerts whose histories overlap and disagree."""
    drawn = []
    for day in draw(st.lists(epochs, min_size=1, max_size=5, unique=True)):
        version = float(day)
        history = [detection(d + 0.5, d * 100, magpsf=19 + version / 100) for d in draw(days)]
        history += [limit(d + 0.25, d, diffmaglim=20 + version / 100) for d in draw(days)]
        fp = [forced(d + 0.25, d, forcediffimflux=100 * version) for d in draw(days)]
        drawn.append(alert(detection(day + 0.5, day * 100), *history, fp=fp))
    return drawn


@given(alerts_of_one_object(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_alerts_change_nothing(alerts: list[Record], random: Any) -> None:
    """Shuffled and repeated alerts give the same light curve, each epoch once, in order."""
    expected = photometry(alerts)
    again = alerts + random.choices(alerts, k=2)
    random.shuffle(again)
    assert_same(photometry(again), expected)
    assert (np.diff(expected.jd) >= 0).all()
    keys = list(zip(expected.jd, expected.kind, strict=True))
    assert len(set(keys)) == len(keys)
    told = {d["candid"] for a in alerts for d in [a["candidate"], *(a["prv_candidates"] or [])]}
    found = expected.candid[expected.kind == "detection"]
    assert set(found.tolist()) == told - {None}


@given(alerts_of_one_object(), st.floats(0, 14))
def test_nothing_later_than_as_of_is_shown(alerts: list[Record], as_of: float) -> None:
    """The light curve as of a date is the one that the alerts of that date give."""
    curve = photometry(alerts, as_of=as_of)
    assert not (curve.jd > as_of).any()
    known = [a for a in alerts if a["candidate"]["jd"] <= as_of]
    full = photometry(known)
    assert len(curve) == np.count_nonzero(full.jd <= as_of)


def test_snr_is_the_flux_over_its_error_with_its_sign() -> None:
    """10 sigma either way; NaN where there is no flux or an error of zero."""
    fp = [
        forced(1.5, 1),
        forced(2.5, 2, forcediffimflux=-50.0),
        forced(3.5, 3, forcediffimfluxunc=0.0),
    ]
    curve = photometry(alert(detection(10.5, 1000), limit(4.5, 4), fp=fp))
    assert curve.snr[:2] == pytest.approx([10.0, -5.0])
    assert np.isnan(curve.snr[2:4]).all()
    assert curve.snr[4] == pytest.approx(2.5 / math.log(10) / 0.1)


def test_phase_is_zero_at_the_first_detection() -> None:
    """Epochs a whole number of periods away are at phase 0, earlier ones too."""
    curve = photometry(alert(detection(10.5, 1000), detection(8.0, 800), limit(7.0, 7)))
    assert curve.start == 8.0
    assert curve.phase(2.0) == pytest.approx([0.5, 0.0, 0.25])
    assert math.isnan(curve[:0].start)


def test_numbers_of_the_epoch_are_kept() -> None:
    """Real-bogus score, field and programme are those of the packet; unknown is NaN or 0."""
    curve = photometry(
        alert(detection(10.5, 1000, rb=0.75, field=512), limit(3.5, 3, rb=None, programid=2))
    )
    assert curve.rb[1] == 0.75
    assert np.isnan(curve.rb[0])
    assert curve.field.tolist() == [0, 512]
    assert curve.programid.tolist() == [2, 1]


def test_table_has_units_meanings_and_masks(tmp_path: Path) -> None:
    """Each column says what it is; what has no value is masked; ECSV brings all of it back."""
    curve = photometry(alert(detection(10.5, 1000, rb=0.75), limit(3.5, 3), fp=[forced(2.5, 2)]))
    table = curve.table()
    assert len(table) == 3
    assert str(table["flux"].unit) == "uJy"
    assert all(column.description for column in table.itercols())
    assert table["mag"].mask.tolist() == [False, True, False]
    assert table["candid"].mask.tolist() == [True, True, False]
    assert table["positive"].mask.tolist() == [False, True, False]
    table.write(tmp_path / "curve.ecsv")
    again = Table.read(tmp_path / "curve.ecsv")
    assert again.meta["objectId"] == "ZTF18abcdefg"
    assert again["candid"][2] == 1000
    assert again["mag"].description == table["mag"].description
    for name in ("jd", "flux", "snr"):
        np.testing.assert_array_equal(np.ma.filled(again[name], -1), np.ma.filled(table[name], -1))


def real_alerts() -> Iterator[Record]:
    """Yield real packets of schema versions 1.3 to 4.02."""
    for folder in ("legacy", "v1.8", "night-20181128", "v3.3", "v4.01", "v4.02"):
        for path in real_files(f"{folder}/*.avro"):
            with path.open("rb") as file:
                yield from cast("Iterator[Record]", fastavro.reader(file))


@needs_real_packets
def test_every_epoch_of_every_real_packet_is_there_once() -> None:
    """Counts of each kind are those of the distinct epochs that the packet holds."""
    seen = 0
    for packet in real_alerts():
        curve = photometry(packet)
        history = packet["prv_candidates"] or []
        own = packet["candidate"]
        found = [entry for entry in [own, *history] if entry["magpsf"] is not None]
        exposures = {(e["jd"], e["fid"], e["pid"]) for e in found}
        limits = {(e["jd"], e["fid"], e["pid"]) for e in history if e["magpsf"] is None}
        forced_epochs = {(e["jd"], e["pid"]) for e in packet.get("fp_hists") or []}
        kinds = [np.count_nonzero(curve.kind == k) for k in ("detection", "limit", "forced")]
        assert kinds == [
            len({e["candid"] for e in found}),
            len(limits - exposures),
            len(forced_epochs),
        ]
        measured = curve[curve.kind == "detection"]
        assert np.isfinite(measured.flux).all()
        assert ((measured.flux > 0) == measured.positive).all()
        assert own["candid"] in measured.candid
        assert np.nanmax(measured.mag) < 26
        assert not (curve.limit < 0).any()
        assert not (curve.apparent_mag < 5).any()
        seen += 1
    assert seen > 500


@needs_real_packets
def test_forced_photometry_agrees_with_the_detection_of_the_same_exposure() -> None:
    """Where real packets have both for one exposure, the two fluxes are alike.

    They are measured from the same difference image by different fits, in one zero point: a
    wrong conversion would put them apart by a factor.
    """
    ratios = []
    for packet in real_alerts():
        curve = photometry(packet)
        for row in np.flatnonzero(curve.kind == "forced"):
            same = (curve.kind == "detection") & (curve.jd == curve.jd[row])
            if same.sum() == 1 and np.isfinite(curve.flux[row]):
                ratios.append(curve.flux[row] / curve.flux[same][0])
    assert len(ratios) > 20
    assert np.median(ratios) == pytest.approx(1.0, abs=0.1)
