"""The neighbours of a detection are those that its packet names, and no others."""

from __future__ import annotations

import math
from typing import Any

import pytest
from made import made_alert
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.neighbours import Neighbour, neighbours

NOTHING = {"distnr": None, "magnr": None, "ranr": None, "decnr": None}


def found(**candidate: Any) -> tuple[Neighbour, ...]:
    return neighbours(made_alert(1, **(NOTHING | candidate)))


def words(**candidate: Any) -> list[str]:
    return [neighbour.words for neighbour in found(**candidate)]


def test_each_catalogue_in_words() -> None:
    """Stars, galaxies, Gaia, asteroids and the reference source are told with their distance."""
    assert words(
        objectidps1=141232345678901234, distpsnr1=0.12, sgscore1=0.981, srmag1=16.24, sgmag1=17.0,
        objectidps2=5, distpsnr2=4.4, sgscore2=0.02, srmag2=-999.0, simag2=20.11,
        distpsnr3=7.0, sgscore3=0.5,
        neargaia=0.2, maggaia=16.04, neargaiabright=40.0, maggaiabright=11.5,
        ssdistnr=2.13, ssmagnr=18.2, ssnamenr="1234",
        distnr=0.3, magnr=17.1,
    ) == [
        "star 0.1 arcsec, r 16.2 (PS1, sgscore 0.98)",
        "Gaia source 0.2 arcsec, G 16.0",
        "reference image source 0.3 arcsec, 17.1",
        "asteroid 1234 at 2.1 arcsec, V 18.2",
        "galaxy 4.4 arcsec, i 20.1 (PS1, sgscore 0.02)",
        "source 7.0 arcsec (PS1, sgscore 0.50)",
        "bright Gaia source 40.0 arcsec, G 11.5",
    ]  # fmt: skip


def test_values_of_a_star() -> None:
    """Name, distance, magnitude with its band and score are there as values, too."""
    (star,) = found(objectidps1=141232345678901234, distpsnr1=0.5, sgscore1=0.9, srmag1=16.0)
    assert (star.catalogue, star.name) == ("PS1", "141232345678901234")
    assert (star.distance, star.mag, star.band, star.score) == (0.5, 16.0, "r", 0.9)
    assert (star.ra, star.dec) == (None, None)


def test_reference_distance_is_in_pixels() -> None:
    """The packet tells the reference source's distance in pixels of 1.012 arcsec."""
    (reference,) = found(distnr=10.0, magnr=18.0, ranr=150.01, decnr=-20.5, fid=2)
    assert reference.distance == pytest.approx(10.12)
    assert (reference.ra, reference.dec, reference.band) == (150.01, -20.5, "r")


def test_missing_is_nothing() -> None:
    """Nulls, NaN, -999 and absent fields are no neighbours."""
    for nothing in (None, math.nan, -999.0):
        assert not found(
            distpsnr1=nothing, sgscore1=nothing, neargaia=nothing, maggaia=nothing,
            ssdistnr=nothing, distnr=nothing,
        )  # fmt: skip
    assert neighbours({"candidate": {}}) == ()


def test_no_solar_system_object() -> None:
    """A distance without a name means that none was found where it is beyond the search's end."""
    assert not found(ssdistnr=60.0, ssmagnr=-999.0, ssnamenr="null")
    assert words(ssdistnr=1.0, ssnamenr=None) == ["unnamed asteroid at 1.0 arcsec"]


@pytest.mark.parametrize("name", ["C/2019 Y4", "29P", "73P-B", "P/2011 NO1", "3I/ATLAS"])
def test_comets_are_named_as_such(name: str) -> None:
    """Designations of comets and interstellar objects are told from those of asteroids."""
    assert words(ssdistnr=1.0, ssnamenr=name) == [f"comet {name} at 1.0 arcsec"]


@pytest.mark.parametrize("name", ["1234", "2019 PD4", "(99942) Apophis", "2008 ID"])
def test_asteroids_are_no_comets(name: str) -> None:
    """Numbers and provisional designations are asteroids."""
    assert words(ssdistnr=1.0, ssnamenr=name) == [f"asteroid {name} at 1.0 arcsec"]


def test_a_bright_gaia_source_is_told_once() -> None:
    """The nearest source of Gaia that is also the nearest bright one is one source."""
    (only,) = found(neargaia=3.0, maggaia=12.0, neargaiabright=3.0, maggaiabright=12.0)
    assert (only.catalogue, only.distance, only.mag, only.band) == ("Gaia", 3.0, 12.0, "G")


def test_scores_out_of_range_say_nothing() -> None:
    """A score that is none makes neither star nor galaxy."""
    (source,) = found(distpsnr1=1.0, sgscore1=-999.0)
    assert (source.score, source.words) == (None, "source 1.0 arcsec (PS1)")


def test_values_of_other_kinds_are_not_read() -> None:
    """Text, truth values and lists where numbers belong are no neighbours."""
    core = {
        "distpsnr1": "1", "neargaia": True, "ssdistnr": [1], "distnr": 1.0, "fid": [2],
        "magnr": "<b>17</b>", "ranr": 400.0, "decnr": 0.0,
    }  # fmt: skip
    (reference,) = neighbours({"candidate": core})
    assert (reference.mag, reference.band, reference.ra, reference.dec) == (None, "", None, None)
    (asteroid,) = neighbours({"candidate": {"ssdistnr": 1.0, "ssnamenr": "x" * 1000}})
    assert len(asteroid.name) == 64


def test_other_surveys_name_none() -> None:
    """A packet without a candidate has no neighbours that this module knows of."""
    assert neighbours({"diaSource": {"diaSourceId": 1}}) == ()
    assert neighbours({"candidate": None}) == ()


@needs_real_packets
def test_real_packets() -> None:
    """Every version of real packets is read, alerts and dictionaries alike, nearest first."""
    catalogues: dict[str, int] = {}
    for folder in ("legacy", "v1.8", "v3.3", "v4.01", "v4.02", "night-20181128", "v4.02-no-fp-*"):
        for file in real_files(f"{folder}/*.avro"):
            alert = ztfnb.decode(file.read_bytes())
            near = neighbours(alert)
            assert near == neighbours(alert.as_dict())
            assert [one.distance for one in near] == sorted(one.distance for one in near)
            for one in near:
                catalogues[one.catalogue] = catalogues.get(one.catalogue, 0) + 1
                # PS1 is searched within 30 arcsec, Gaia within 90; some packets are edited.
                edited = one.catalogue == "reference" or "no-fp" in folder
                assert 0 <= one.distance <= 90 or edited
                assert one.mag is None or 0 < one.mag < 30
                assert "-999" not in one.words
    assert catalogues.keys() == {"PS1", "Gaia", "Solar System", "reference"}
