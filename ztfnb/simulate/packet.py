"""One alert as a dictionary, in the order of schema 4.02."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ztfnb.simulate.measure import Columns

SCHEMA_VERSION = "4.02"
PUBLISHER = "ZTF (www.ztf.caltech.edu)"

_SHARED = (
    "jd fid pid diffmaglim pdiffimfilename programpi programid candid isdiffpos tblid nid rcid "
    "field xpos ypos ra dec magpsf sigmapsf chipsf magap sigmagap distnr magnr sigmagnr chinr "
    "sharpnr sky magdiff fwhm classtar mindtoedge magfromlim seeratio aimage bimage aimagerat "
    "bimagerat elong nneg nbad rb ssdistnr ssmagnr ssnamenr sumrat magapbig sigmagapbig ranr decnr"
).split()
CANDIDATE_FIELDS = tuple(
    _SHARED
    + (
        "sgmag1 srmag1 simag1 szmag1 sgscore1 distpsnr1 ndethist ncovhist jdstarthist jdendhist "
        "scorr tooflag objectidps1 objectidps2 sgmag2 srmag2 simag2 szmag2 sgscore2 distpsnr2 "
        "objectidps3 sgmag3 srmag3 simag3 szmag3 sgscore3 distpsnr3 nmtchps rfid jdstartref "
        "jdendref nframesref rbversion dsnrms ssnrms dsdiff magzpsci magzpsciunc magzpscirms "
        "nmatches clrcoeff clrcounc zpclrcov zpmed clrmed clrrms neargaia neargaiabright maggaia "
        "maggaiabright exptime drb drbversion"
    ).split()
)
HISTORY_FIELDS = tuple(
    [
        *_SHARED,
        *"scorr magzpsci magzpsciunc magzpscirms clrcoeff clrcounc rbversion".split(),
    ]
)
FORCED_FIELDS = tuple(
    (
        "field rcid fid pid rfid sciinpseeing scibckgnd scisigpix magzpsci magzpsciunc "
        "magzpscirms clrcoeff clrcounc exptime adpctdif1 adpctdif2 diffmaglim programid jd "
        "forcediffimflux forcediffimfluxunc procstatus distnr ranr decnr magnr sigmagnr chinr "
        "sharpnr"
    ).split()
)


def records(columns: Columns, names: Iterable[str], count: int) -> list[dict[str, Any]]:
    """Return columns as ``count`` dictionaries; a column that is missing is null."""
    names = tuple(names)
    values = [columns[name] if name in columns else repeat(None, count) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def alert(
    object_id: str,
    candidate: dict[str, Any],
    history: list[dict[str, Any]],
    forced: list[dict[str, Any]],
    stamps: tuple[bytes, bytes, bytes],
) -> dict[str, Any]:
    """Return the whole alert."""
    candid, pid = candidate["candid"], candidate["pid"]
    positive = candidate["isdiffpos"] == "t"
    target = f"candid{candid}_pid{pid}_targ"
    names = (
        f"{target}_sci.fits.gz",
        f"candid{candid}_ref.fits.gz",
        f"{target}_{'scimref' if positive else 'refmsci'}.fits.gz",
    )
    science, template, difference = (
        {"fileName": name, "stampData": stamp} for name, stamp in zip(names, stamps, strict=True)
    )
    return {
        "schemavsn": SCHEMA_VERSION,
        "publisher": PUBLISHER,
        "objectId": object_id,
        "candid": candid,
        "candidate": candidate,
        "prv_candidates": history or None,
        "fp_hists": forced or None,
        "cutoutScience": science,
        "cutoutTemplate": template,
        "cutoutDifference": difference,
    }
