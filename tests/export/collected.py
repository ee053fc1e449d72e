"""Filters of cells, collected into bundles and loaded again, here or in a clean process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cells import Notebook

from ztfnb.export.collecting.collect import Collected, collect
from ztfnb.export.worker.bundle import (
    SOURCE,
    Bundle,
    checksum_of,
    load_filter,
    read_bundle,
    write_bundle,
)
from ztfnb.filters.filter import Filter

IMPORTS = "import numpy as np\nimport ztfnb\n"
ALERTS: list[dict[str, Any]] = [
    {
        "objectId": f"ZTF26aaaaaa{letter}",
        "candid": 10_000 + number,
        "candidate": {
            "rb": rb, "drb": rb / 2, "magpsf": mag, "fid": 1 + number % 2, "jd": 2461000.5 + number,
            "ra": 10.0 * number, "dec": -5.0 + number, "nbad": number % 3, "fwhm": 2.0 + rb,
        },
        "prv_candidates": [{"jd": 2460999.5, "magpsf": mag + 0.5, "fid": 1}] * (number % 3),
    }
    for number, (letter, rb, mag) in enumerate(
        (("a", 0.1, 17.5), ("b", 0.4, 18.2), ("c", 0.66, 19.0), ("d", 0.9, 19.7), ("e", 0.99, 20.4))
    )
]  # fmt: skip
_RUN = """
import json, sys
from pathlib import Path
from ztfnb.export.worker.bundle import load_filter, read_bundle
given = json.loads(Path(sys.argv[1]).read_text())
told = {}
for name, folder in given["bundles"].items():
    made = load_filter(read_bundle(Path(folder)))
    decisions = []
    for alert in given["alerts"]:
        try:
            decisions.append(repr(made(alert)))
        except Exception as error:
            decisions.append(type(error).__name__)
    told[name] = {"hash": made.hash, "name": made.name, "decisions": decisions,
                  "params": dict(made.params)}
told["modules"] = sorted(sys.modules)
print(json.dumps(told))
"""


def filter_of(*cells: str, name: str = "f") -> Filter:
    """Run cells in a notebook of their own, and return the filter that they define."""
    notebook = Notebook()
    for cell in (IMPORTS, *cells):
        notebook.run(cell)
    made = notebook[name]
    assert isinstance(made, Filter)
    return made


def written(made: Filter, folder: Path) -> Collected:
    """Write as much of a bundle as loading it takes."""
    folder.mkdir(parents=True, exist_ok=True)
    found = collect(made)
    (folder / SOURCE).write_text(found.text, "utf-8")
    for path, text in found.modules.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    for path, file in found.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / path)
    paths = [SOURCE, *found.modules, *found.files]
    checksums = {path: checksum_of(folder / path) for path in paths}
    write_bundle(Bundle(folder, made.name, made.hash, checksums))
    return found


def loaded(folder: Path) -> Filter:
    """Load the filter of a bundle in this process."""
    return load_filter(read_bundle(folder))


def decisions_of(made: Filter) -> list[str]:
    """Return what a filter says of each alert, or which error it raises."""
    found = []
    for alert in ALERTS:
        try:
            found.append(repr(made(alert)))
        except Exception as error:  # noqa: BLE001 - whatever it raises
            found.append(type(error).__name__)
    return found


def alone(folders: Mapping[str, Path], work: Path) -> dict[str, Any]:
    """Load bundles in a process that knows nothing of this one, and run their filters."""
    given = work / "given.json"
    bundles = {name: str(folder) for name, folder in folders.items()}
    given.write_text(json.dumps({"bundles": bundles, "alerts": ALERTS}))
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _RUN, str(given)],
        capture_output=True, encoding="utf-8", cwd=work, timeout=240, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found
