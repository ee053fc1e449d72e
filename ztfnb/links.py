"""Where else an object can be looked up: addresses of public pages about it.

The forms are the public ones of each service in 2026. Nothing here asks any of them: an address is
made from the packet alone, for a person to open or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from ztfnb.alert import UNIX_EPOCH_JD, finite
from ztfnb.sky import sexagesimal

_ZTF_NAME = re.compile(r"ZTF[0-9]{2}[a-z]{7}")
_BODY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 /.'()-]{0,39}")
_MJD_ZERO = 2400000.5
_FIRST_DAY, _LAST_DAY = UNIX_EPOCH_JD, 2488069.5
"""Julian dates between which the Minor Planet Center is asked: the years 1970 to 2099."""
_RADIUS = 5
"""Within which a position is the same object [arcsec]."""
_SOLAR_SYSTEM_RADIUS = 30.0
"""Within which the survey names a Solar System object [arcsec]."""
_PS1_LIMIT = -29.5
"""South of which Pan-STARRS1 has no pictures [deg]."""


@dataclass(frozen=True, slots=True)
class Link:
    """A page of a public service about an object or its place."""

    name: str
    """Of the service."""
    url: str
    """Always https, every value of the packet percent-encoded."""
    title: str
    """What it shows, in a sentence piece."""


def links(alert: Mapping[str, Any]) -> tuple[Link, ...]:
    """Return where to look an alert's object up: brokers, TNS, SIMBAD, Aladin, Minor Planet Center.

    Parameters
    ----------
    alert
        An alert of ZTF or Rubin, or the dictionary of one. What it does not tell, or tells in a
        form that no name or position has, gets no link: names come from outside.
    """
    core = alert.get("candidate") or alert.get("diaSource")
    if not isinstance(core, Mapping):
        return ()
    ra, dec = finite(core.get("ra")), finite(core.get("dec"))
    found = list(_pages(alert, core))
    if ra is not None and dec is not None and 0 <= ra <= 360 and -90 <= dec <= 90:
        found += _places(ra, dec)
        found += _minor_planets(core, ra, dec)
    return tuple(found)


def _pages(alert: Mapping[str, Any], core: Mapping[str, Any]) -> Iterator[Link]:
    """Yield the pages of brokers that know an object by its name."""
    name, number = alert.get("objectId"), core.get("diaObjectId")
    if isinstance(name, str) and _ZTF_NAME.fullmatch(name):
        yield Link("ALeRCE", f"https://alerce.online/object/{name}", f"{name} at ALeRCE")
        yield Link("Fink", f"https://ztf.fink-portal.org/{name}", f"{name} at Fink")
        yield Link("Lasair", f"https://lasair-ztf.lsst.ac.uk/objects/{name}/", f"{name} at Lasair")
    elif isinstance(number, int) and number > 0:
        yield Link(
            "ALeRCE", f"https://lsst.alerce.online/object/{number}?survey=lsst", "Object at ALeRCE"
        )
        yield Link("Fink", f"https://lsst.fink-portal.org/{number}", "Object at Fink")
        yield Link("Lasair", f"https://lasair.lsst.ac.uk/objects/{number}/", "Object at Lasair")


def _places(ra: float, dec: float) -> Iterator[Link]:
    """Yield the pages that search around a position."""
    place = f"{ra:.6f} {dec:+.6f}"
    cone = {
        "type": "sky_distance",
        "field": {
            "distance": f"{_RADIUS / 3600:.6f} degree",
            "htm16": {"center": f"{ra:.6f} {dec:.6f}"},
        },
        "text": f"Cone search {_RADIUS} arcsec",
    }
    query = json.dumps({"filters": [cone]})
    yield Link(
        "ANTARES",
        _address("https://antares.noirlab.edu/loci", query=query),
        f"Objects within {_RADIUS} arcsec at ANTARES",
    )
    yield Link(
        "TNS",
        _address(
            "https://www.wis-tns.org/search",
            ra=f"{ra:.6f}",
            decl=f"{dec:.6f}",
            radius=str(_RADIUS),
            coords_unit="arcsec",
        ),
        f"Reported transients within {_RADIUS} arcsec at the Transient Name Server",
    )
    simbad = {"Coord": place, "Radius": str(_RADIUS), "Radius.unit": "arcsec"}
    yield Link(
        "SIMBAD",
        _address("https://simbad.cds.unistra.fr/simbad/sim-coo", **simbad),
        f"Known objects within {_RADIUS} arcsec at SIMBAD",
    )
    survey = {"survey": "CDS/P/PanSTARRS/DR1/color-z-zg-g"} if dec > _PS1_LIMIT else {}
    yield Link(
        "Aladin",
        _address("https://aladin.cds.unistra.fr/AladinLite/", target=place, fov="0.05", **survey),
        "Pictures of the place in Aladin Lite",
    )


def _minor_planets(core: Mapping[str, Any], ra: float, dec: float) -> Iterator[Link]:
    """Yield the Minor Planet Center's page of the body nearby, or its search at place and time."""
    name, distance = core.get("ssnamenr"), finite(core.get("ssdistnr"))
    near = distance is not None and 0 <= distance <= _SOLAR_SYSTEM_RADIUS
    if near and isinstance(name, str) and name != "null" and _BODY_NAME.fullmatch(name):
        yield Link(
            "Minor Planet Center",
            _address("https://minorplanetcenter.net/db_search/show_object", object_id=name),
            f"Solar System object {name}, {distance:.1f} arcsec away",
        )
        return
    jd = finite(core.get("jd"))
    if jd is None and (mjd := finite(core.get("midpointMjdTai"))) is not None:
        jd = mjd + _MJD_ZERO  # the leap seconds do not matter: nothing moves far in half a minute
    if jd is None or not _FIRST_DAY <= jd < _LAST_DAY:
        return
    # In steps of 9 s, rounded as a whole so that no day is the 32nd.
    days, fraction = divmod(round((jd - UNIX_EPOCH_JD) * 10_000), 10_000)
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)
    yield Link(
        "Minor Planet Center",
        _address(
            "https://minorplanetcenter.net/cgi-bin/mpcheck.cgi",
            year=str(date.year),
            month=f"{date.month:02d}",
            day=f"{date.day:02d}.{fraction:04d}",
            which="pos",
            ra=sexagesimal(ra / 15, 2),
            decl=f"{'-' if dec < 0 else '+'}{sexagesimal(dec, 1)}",
            TextArea="",
            radius="2",
            limit="24.0",
            oc="I41" if "jd" in core else "X05",
            sort="d",
            mot="h",
            tmot="s",
            pdes="u",
            needed="f",
            ps="n",
            type="p",
        ),
        "Solar System objects within 2 arcmin at that time, by MPChecker",
    )


def _address(page: str, **values: str) -> str:
    return f"{page}?{urlencode(values, quote_via=quote, safe='')}"
