"""Bundles made of a text, and what a cell makes of packets."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

from ztfnb.export.worker.bundle import SOURCE, Bundle, checksum_of, write_bundle
from ztfnb.export.worker.cell import Cell
from ztfnb.export.worker.judged import Judged


def bundle_of(folder: Path, text: str) -> Path:
    """A bundle of one file; the filter is the function of ``alert`` that stands last in it."""
    folder.mkdir(parents=True, exist_ok=True)
    source = dedent(text)
    name = re.findall(r"^def (\w+)\(alert", source, re.MULTILINE)[-1]
    (folder / SOURCE).write_text(f"{source}\nFILTER = {name}\n", "utf-8")
    write_bundle(Bundle(folder, name, "0" * 64, {SOURCE: checksum_of(folder / SOURCE)}))
    return folder


def judge_all(cell: Cell, values: Sequence[bytes], *, within: float = 120.0) -> Judged:
    """Have one batch judged."""
    cell.submit(values)
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = cell.poll(1.0)
        if found is not None:
            return found
    raise TimeoutError("the batch was not judged")
