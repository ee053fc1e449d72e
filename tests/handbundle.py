"""A bundle written by hand: its source, and what says of itself what it is."""

from __future__ import annotations

import importlib.util
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
    spec = importlib.util.spec_from_file_location(f"handmade_{name}", folder / SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    bundle = Bundle(folder, name, module.FILTER.hash, files)
    write_bundle(bundle)
    return bundle, load_filter(bundle)
