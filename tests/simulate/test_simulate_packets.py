from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import fastavro
import numpy as np
import pytest
from packets import needs_real_packets, real_files
from simulate.nights import Made

import ztfnb
from ztfnb.schema import schema_files
from ztfnb.simulate import KINDS, SimulatedAlert, Survey


@pytest.fixture(scope="module")
def few() -> list[SimulatedAlert]:
    return list(Survey(seed=4).night("2025-03-10", limit=40))


def field_list(record: str) -> list[str]:
    text = (schema_files() / "ztf" / "4.02" / f"{record}.avsc").read_text()
    return [field["name"] for field in json.loads(text)["fields"]]


def test_read_by_fastavro(few: list[SimulatedAlert]) -> None:
    """fastavro reads one record from each packet, equal to the dictionary that came with it."""
    for made in few:
        (record,) = fastavro.reader(io.BytesIO(made.packet))
        assert record == made.alert
        assert ztfnb.decode(made.packet) == made.alert


def test_public_field_list(few: list[SimulatedAlert]) -> None:
    """Every record has exactly the fields of schema 4.02, in its order."""
    for made in few:
        assert list(made.alert) == field_list("alert")
        assert list(made.alert["candidate"]) == field_list("candidate")
        for entry in made.alert["prv_candidates"] or []:
            assert list(entry) == field_list("prv_candidate")
        for entry in made.alert["fp_hists"] or []:
            assert list(entry) == field_list("fp_hist")


def test_truth_is_not_inside(few: list[SimulatedAlert]) -> None:
    """Neither class names nor true parameters stand in a packet."""
    names = [name.encode() for name in KINDS]
    for made in few:
        body = made.packet[made.packet.index(made.alert["objectId"].encode()) :]
        stamps = [
            made.alert[f"cutout{which}"]["stampData"]
            for which in ("Science", "Template", "Difference")
        ]
        for stamp in stamps:
            body = body.replace(stamp, b"")
        assert not any(name in body for name in names)
        assert str(made.truth.source).encode() not in body


def test_numbers_and_names(sample: list[Made]) -> None:
    """candid, pid, rfid, file names and tblid are made of night, time, channel and sign."""
    for made in sample:
        candidate = made.candidate
        night = int(candidate["jd"] - 2457754.5)
        channel = candidate["rcid"]
        sign = "15" if candidate["isdiffpos"] == "t" else "10"
        fraction = f"{candidate['jd'] - 2457754.5 - night:.7f}"[2:7]
        assert candidate["nid"] == night
        assert str(candidate["pid"]) == f"{night}{fraction}{channel:02d}15"
        assert str(candidate["candid"])[:13] == str(candidate["pid"])
        assert str(candidate["candid"])[13:15] == f"0{sign}"[:2]
        assert candidate["candid"] % 5000 == candidate["tblid"]
        band = "gri"[candidate["fid"] - 1]
        detector, quadrant = channel // 4 + 1, channel % 4 + 1
        assert re.fullmatch(
            rf"ztf_\d{{14}}_{candidate['field']:06d}_z{band}_c{detector:02d}_o_q{quadrant}"
            r"_scimrefdiffimg\.fits",
            candidate["pdiffimfilename"],
        )
        assert candidate["rfid"] == candidate["field"] * 10**6 + 120000 + (
            candidate["fid"] * 100 + channel
        )
        assert re.fullmatch(r"ZTF(1[89]|2\d)[a-z]{7}", made.alert["objectId"])
        assert made.alert["cutoutScience"]["fileName"] == (
            f"candid{candidate['candid']}_pid{candidate['pid']}_targ_sci.fits.gz"
        )


def test_candid_unique(sample: list[Made]) -> None:
    """No two alerts share a candid; an objectId belongs to one object."""
    candids = [made.truth.candid for made in sample]
    assert len(set(candids)) == len(candids)
    owner: dict[str, int] = {}
    for made in sample:
        assert owner.setdefault(made.alert["objectId"], made.truth.source) == made.truth.source


def consistent(candidate: dict[str, Any]) -> None:
    """Assert what holds between the numbers of one detection."""
    assert candidate["magdiff"] == pytest.approx(candidate["magap"] - candidate["magpsf"], abs=2e-4)
    assert candidate["magfromlim"] == pytest.approx(
        candidate["diffmaglim"] - candidate["magap"], abs=2e-4
    )
    assert candidate["elong"] == pytest.approx(candidate["aimage"] / candidate["bimage"], rel=5e-3)
    assert candidate["aimagerat"] == pytest.approx(
        candidate["aimage"] / candidate["fwhm"], rel=1e-2
    )
    x, y = candidate["xpos"], candidate["ypos"]
    assert candidate["mindtoedge"] == pytest.approx(min(x, 3072 - x, y, 3080 - y), abs=1e-3)
    assert candidate["sigmapsf"] <= 0.2172
    assert candidate["scorr"] >= 5.0
    assert 0.0 <= candidate["rb"] <= 1.0


def test_numbers_agree(sample: list[Made]) -> None:
    """Magnitudes, shapes, positions and significances of one detection fit one another."""
    for made in sample:
        candidate = made.candidate
        consistent(candidate)
        assert candidate["dsdiff"] == pytest.approx(
            candidate["dsnrms"] - candidate["ssnrms"], abs=1e-3
        )
        assert 0.0 <= candidate["drb"] <= 1.0
        assert candidate["exptime"] == 30.0
        east = (candidate["ranr"] - candidate["ra"]) * np.cos(np.radians(candidate["dec"]))
        north = candidate["decnr"] - candidate["dec"]
        distance = np.hypot(east, north) * 3600.0 / 1.0125
        assert candidate["distnr"] == pytest.approx(distance, abs=0.02 + 0.001 * distance)


def test_noise_follows_depth(sample: list[Made]) -> None:
    """sigmapsf follows from the depth: alerts at the limit have 0.15-0.22 mag, 2 mag above 0.1."""
    above = np.array([m.candidate["diffmaglim"] - m.candidate["magpsf"] for m in sample])
    sigma = np.array([m.candidate["sigmapsf"] for m in sample])
    free = np.array([m.candidate["distnr"] > 3.0 for m in sample])
    at_limit = free & (np.abs(above - 0.2) < 0.2)
    assert 0.15 < np.median(sigma[at_limit]) < 0.217
    bright = free & (np.abs(above - 2.0) < 0.3)
    assert 0.05 < np.median(sigma[bright]) < 0.11


def test_catalogues_sorted_and_missing(sample: list[Made]) -> None:
    """PS1 neighbours are sorted by distance within 30 arcsec; -999 is missing, for all together."""
    for made in sample:
        candidate = made.candidate
        distances = [candidate[f"distpsnr{rank}"] for rank in (1, 2, 3)]
        there = [distance for distance in distances if distance != -999.0]
        assert distances[: len(there)] == there
        assert all(first <= second for first, second in pairwise(there))
        assert all(0.0 <= distance < 30.0 for distance in there)
        for rank, distance in enumerate(distances, start=1):
            assert (candidate[f"sgscore{rank}"] == -999.0) == (distance == -999.0)
            assert (candidate[f"objectidps{rank}"] == -999) == (distance == -999.0)
        assert candidate["nmtchps"] >= len(there)
        if candidate["neargaiabright"] != -999.0:
            assert candidate["maggaiabright"] <= 14.0
            assert 0.0 <= candidate["neargaia"] <= candidate["neargaiabright"]


def test_objects_have_fitting_neighbours(sample: list[Made]) -> None:
    """A star lies on a star, a supernova near a galaxy, an asteroid on a known body."""
    stars = [m for m in sample if m.truth.kind in {"RR Lyrae", "eclipsing binary"}]
    assert np.mean([m.candidate["sgscore1"] > 0.5 for m in stars]) > 0.95
    assert np.median([m.candidate["distnr"] for m in stars]) < 0.6
    supernovae = [m for m in sample if m.truth.kind.startswith("SN")]
    assert np.mean([0.0 <= m.candidate["sgscore1"] <= 0.5 for m in supernovae]) > 0.75
    asteroids = [m for m in sample if m.truth.kind == "asteroid"]
    known = [m for m in asteroids if m.candidate["ssdistnr"] >= 0.0]
    assert 0.8 < len(known) / len(asteroids) < 0.97
    for made in known:
        assert made.candidate["ssnamenr"].isdigit()
        assert abs(made.candidate["ssmagnr"] - made.truth.magnitude) < 1.5
    others = [m for m in sample if m.truth.kind != "asteroid"]
    assert {m.candidate["ssnamenr"] for m in others} == {"null"}
    assert {m.candidate["ssdistnr"] for m in others} == {-999.0}


def test_detections_lie_where_the_truth_is(sample: list[Made]) -> None:
    """Measured positions scatter around the true ones by less than the association radius."""
    for made in sample:
        east = (made.candidate["ra"] - made.truth.ra) * np.cos(np.radians(made.truth.dec))
        north = made.candidate["dec"] - made.truth.dec
        assert np.hypot(east, north) * 3600.0 < 1.5


def same_types(real: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    assert {name: type(value) for name, value in real.items()} == {
        name: type(value) for name, value in made.items()
    }


@needs_real_packets
def test_same_types_as_real_packets(few: list[SimulatedAlert]) -> None:
    """Where a real 4.02 packet has a string, number or null, so have simulated ones."""
    ours = [made.alert for made in few]
    entries = [entry for alert in ours for entry in alert["prv_candidates"] or []]
    forced = [entry for alert in ours for entry in alert["fp_hists"] or []]
    for alert in (one for path in real_files("v4.02/*.avro") for one in ztfnb.read(path)):
        same_types(alert["candidate"], ours[0]["candidate"])
        for is_limit in (True, False):
            real = next(e for e in alert["prv_candidates"] if (e["candid"] is None) == is_limit)
            same_types(real, next(e for e in entries if (e["candid"] is None) == is_limit))
        same_types(alert["fp_hists"][0], forced[0])
