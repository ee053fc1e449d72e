"""Alerts made by hand, for tests that need to know every value."""

from __future__ import annotations

import gzip
from typing import Any

from numpy.typing import NDArray

from ztfnb.codec import encode

NIGHT_JD = 2461055.75
"""2026-01-15 06:00 UTC."""


def made_alert(candid: int = 1, **candidate: Any) -> dict[str, Any]:
    """A complete alert of schema 4.02 without history or stamps."""
    values = {
        "jd": NIGHT_JD + candid * 1e-5,
        "fid": 1 + candid % 2,
        "pid": 3_000_000_000_000 + candid,
        "programid": 1,
        "candid": candid,
        "isdiffpos": "t",
        "ra": 150.0 + candid * 1e-3,
        "dec": 20.0,
        "magpsf": 18.5,
        "sigmapsf": 0.1,
        "rb": 0.8,
        "magnr": 20.0,
        "distnr": 0.5,
        "sigmagnr": 0.05,
        "chinr": 0.5,
        "sharpnr": 0.0,
        "ranr": 150.0,
        "decnr": 20.0,
        "rbversion": "t17_f5_c3",
        "ndethist": 1,
        "ncovhist": 10,
        "nmtchps": 0,
        "rfid": 600_120_150,
        "jdstartref": 2458200.5,
        "jdendref": 2458800.5,
        "nframesref": 15,
        "nmatches": 100,
        "drbversion": "d6_m7",
    } | candidate
    return {
        "schemavsn": "4.02",
        "publisher": "ztfnb tests",
        "objectId": f"ZTF26{candid:07d}",
        "candid": candid,
        "candidate": values,
    }


def made_packet(candid: int = 1, **candidate: Any) -> bytes:
    """The packet of `made_alert`."""
    return encode(made_alert(candid, **candidate))


def fits(pixels: NDArray[Any]) -> bytes:
    """A stamp as packets hold it: a compressed FITS file."""
    cards = [
        "SIMPLE  =                    T", "BITPIX  =                  -32",
        "NAXIS   =                    2", f"NAXIS1  = {pixels.shape[1]:>20}",
        f"NAXIS2  = {pixels.shape[0]:>20}", "END",
    ]  # fmt: skip
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    data = pixels.astype(">f4").tobytes()
    return gzip.compress(header + data.ljust(-(-len(data) // 2880) * 2880, b"\0"))
