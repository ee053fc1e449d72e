"""Links lead to the pages of public services about an object, and to nowhere else."""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import made_alert
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.links import Link, links

HOSTS = {
    "alerce.online", "lsst.alerce.online", "ztf.fink-portal.org", "lsst.fink-portal.org",
    "lasair-ztf.lsst.ac.uk", "lasair.lsst.ac.uk", "antares.noirlab.edu", "www.wis-tns.org",
    "simbad.cds.unistra.fr", "aladin.cds.unistra.fr", "minorplanetcenter.net",
}  # fmt: skip
SERVICES = [
    "ALeRCE", "Fink", "Lasair", "ANTARES", "TNS", "SIMBAD", "Aladin", "Minor Planet Center"
]  # fmt: skip


def alert(name: Any = "ZTF18abcfcoo", **candidate: Any) -> dict[str, Any]:
    return made_alert(1, **candidate) | {"objectId": name}


def found(name: Any = "ZTF18abcfcoo", **candidate: Any) -> dict[str, Link]:
    return {link.name: link for link in links(alert(name, **candidate))}


def asked(link: Link) -> dict[str, str]:
    """What an address asks for, by name."""
    asked = parse_qs(urlsplit(link.url).query, keep_blank_values=True, strict_parsing=True)
    return {name: value for name, (value,) in asked.items()}


def test_every_service() -> None:
    """All eight services are linked, in one order."""
    assert list(found()) == SERVICES


def test_pages_of_the_object() -> None:
    """Brokers are asked for the object by its name."""
    pages = found()
    assert pages["ALeRCE"].url == "https://alerce.online/object/ZTF18abcfcoo"
    assert pages["Fink"].url == "https://ztf.fink-portal.org/ZTF18abcfcoo"
    assert pages["Lasair"].url == "https://lasair-ztf.lsst.ac.uk/objects/ZTF18abcfcoo/"


def test_pages_of_the_place() -> None:
    """The others are asked for the position, in degrees."""
    pages = found(ra=123.456789, dec=-4.5)
    assert pages["TNS"].url == (
        "https://www.wis-tns.org/search?ra=123.456789&decl=-4.500000&radius=5&coords_unit=arcsec"
    )
    assert pages["SIMBAD"].url == (
        "https://simbad.cds.unistra.fr/simbad/sim-coo"
        "?Coord=123.456789%20-4.500000&Radius=5&Radius.unit=arcsec"
    )
    assert pages["Aladin"].url == (
        "https://aladin.cds.unistra.fr/AladinLite/?target=123.456789%20-4.500000&fov=0.05"
        "&survey=CDS%2FP%2FPanSTARRS%2FDR1%2Fcolor-z-zg-g"
    )
    (cone,) = json.loads(asked(pages["ANTARES"])["query"])["filters"]
    assert cone["type"] == "sky_distance"
    assert cone["field"]["htm16"] == {"center": "123.456789 -4.500000"}
    assert float(cone["field"]["distance"].split()[0]) * 3600 == pytest.approx(5, rel=1e-3)


def test_plus_is_encoded() -> None:
    """A northern declination keeps its sign: a bare + would be read as a space."""
    assert "%20%2B20.000000" in found(dec=20.0)["SIMBAD"].url
    assert asked(found(dec=20.0)["SIMBAD"])["Coord"].endswith(" +20.000000")


def test_a_known_body() -> None:
    """A Solar System object that the packet names has its own page."""
    page = found(ssdistnr=2.1, ssnamenr="2019 PD4")["Minor Planet Center"]
    assert page.url == ("https://minorplanetcenter.net/db_search/show_object?object_id=2019%20PD4")
    assert page.title == "Solar System object 2019 PD4, 2.1 arcsec away"


@pytest.mark.parametrize(
    ("ra", "dec", "words"),
    [
        (150.0, -0.5, ("10 00 00.00", "-00 30 00.0")),
        (359.9999999, 89.99999, ("24 00 00.00", "+90 00 00.0")),
        (187.70593, 12.39112, ("12 30 49.42", "+12 23 28.0")),
    ],
)
def test_bodies_near_a_place(ra: float, dec: float, words: tuple[str, str]) -> None:
    """Without one, MPChecker is asked for the place and the time as it wants them."""
    page = found(ra=ra, dec=dec, jd=2461055.75, ssdistnr=-999.0)["Minor Planet Center"]
    values = asked(page)
    assert (values["ra"], values["decl"]) == words
    assert (values["year"], values["month"], values["day"]) == ("2026", "01", "15.2500")
    assert (values["which"], values["oc"], values["type"]) == ("pos", "I41", "p")


def test_no_day_is_the_32nd() -> None:
    """The last second of a month is rounded into the next one."""
    values = asked(found(jd=2461072.499999, ssdistnr=-999.0)["Minor Planet Center"])
    assert (values["month"], values["day"]) == ("02", "01.0000")


@pytest.mark.parametrize(
    "name",
    [
        "", "ZTF18", "javascript:alert(1)", "ZTF18abcfcoo/../x", "ZTF18abcfcoo\n", "ZTF18ABCFCOO",
        'ZTF18abcfcoo"><script>', "../ZTF18abcfcoo", 5, None, "ZTF১৮abcfcoo",
    ],
)  # fmt: skip
def test_names_that_are_none(name: Any) -> None:
    """What is no name of ZTF's form gets no page of an object; its place is still linked."""
    assert list(found(name)) == SERVICES[3:]


@pytest.mark.parametrize(
    "name", ["null", "", "<b>", "1&x=2", "a" * 41, "1234\n", "//evil.example", None, 3]
)
def test_bodies_without_a_name(name: Any) -> None:
    """A name that no body has is not asked for."""
    page = found(ssdistnr=1.0, ssnamenr=name)["Minor Planet Center"]
    assert "mpcheck.cgi" in page.url


def test_nothing_to_link() -> None:
    """No position, no time and no name: no link."""
    assert links({}) == ()
    assert links({"candidate": {"candid": 1}}) == ()
    assert list(found(ra=math.nan)) == SERVICES[:3]
    assert list(found(dec=-999.0)) == SERVICES[:3]
    assert list(found(jd=1e300)) == SERVICES[:7]


def test_rubin() -> None:
    """An object of Rubin has its pages at the same brokers."""
    source = {
        "diaSourceId": 1, "diaObjectId": 169298432598474839, "ra": 10.0, "dec": -40.0,
        "midpointMjdTai": 61055.25,
    }  # fmt: skip
    pages = {link.name: link for link in links({"diaSource": source})}
    assert list(pages) == SERVICES
    assert pages["ALeRCE"].url == (
        "https://lsst.alerce.online/object/169298432598474839?survey=lsst"
    )
    assert pages["Fink"].url == "https://lsst.fink-portal.org/169298432598474839"
    assert pages["Lasair"].url == "https://lasair.lsst.ac.uk/objects/169298432598474839/"
    assert asked(pages["Minor Planet Center"])["day"] == "15.2500"
    assert asked(pages["Minor Planet Center"])["oc"] == "X05"
    assert "survey" not in asked(pages["Aladin"])  # Pan-STARRS does not reach so far south


@given(name=st.text(), body=st.text(), ra=st.floats(), dec=st.floats(), jd=st.floats())
def test_addresses_are_plain(name: str, body: str, ra: float, dec: float, jd: float) -> None:
    """Whatever a packet says, links are https to these hosts, in letters that need no escaping."""
    for link in links(alert(name, ra=ra, dec=dec, jd=jd, ssdistnr=1.0, ssnamenr=body)):
        parts = urlsplit(link.url)
        assert parts.scheme == "https"
        assert parts.netloc in HOSTS
        assert parts.fragment == ""
        assert link.url.isascii()
        assert not set(link.url) & set(" +\"'<>\\`{}|^\r\n\t")


@needs_real_packets
def test_real_packets() -> None:
    """Alerts and their dictionaries have the same links; a ZTF alert of any version has all."""
    for folder in ("legacy", "v1.8", "v3.3", "v4.02", "lsst/**"):
        for file in real_files(f"{folder}/*.avro"):
            try:
                real = ztfnb.decode(file.read_bytes())
            except ztfnb.errors.DecodeError:
                continue
            assert links(real) == links(real.as_dict())
            if folder != "lsst/**":
                assert [link.name for link in links(real)] == SERVICES
