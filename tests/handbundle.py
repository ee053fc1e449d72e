"""A bundle written by hand: its source, and what says of itself what it is."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from ztfnb.export.worker.bundle import SOURCE, Bundle, checksum_of, load_filter, write_bundle
from ztfnb.filters.filter import Filter

BRIGHT = """
    import ztfnb


    @ztfnb.filter
    def bright(alert, *, mag_max=18.0):
        if alert["candidate"]["rb"] is None:
            raise ValueError("no score")
        if alert["candidate"]["magpsf"] < 14:
            return {"mag": alert["candidate"]["magpsf"], "odd": float("nan")}
        return alert["candidate"]["magpsf"] < mag_max


    FILTER = bright.with_params(mag_max=19.0)
"""


def bundle_of(folder: Path, source: str = BRIGHT, name: str = "bright") -> tuple[Bundle, Filter]:
    """Write a bundle of some source; return what it says of itself, and its filter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SOURCE).write_text(dedent(source).lstrip("\n"), "utf-8")
    files = {SOURCE: checksum_of(folder / SOURCE)}
    made = load_filter(Bundle(folder, name, "0" * 64, files))
    bundle = Bundle(folder, name, made.hash, files)
    write_bundle(bundle)
    return bundle, made
