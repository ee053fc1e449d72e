"""A bundle as the worker reads it: ``bundle.json``, ``filter.py`` and the data files."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ztfnb.errors import ExportError, ZtfnbError
from ztfnb.filters.filter import Filter
from ztfnb.filters.threshold import Threshold, Value

FILE = "bundle.json"
SOURCE = "filter.py"
VARIABLE = "FILTER"
"""What ``filter.py`` calls the filter, its thresholds set as they were exported."""
FORMAT = 1
VERSION_DIGITS = 12
PARAM = "ZTFNB_PARAM_"
_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle says of itself."""

    folder: Path
    name: str
    """Of the filter."""
    hash: str
    """`Filter.hash` of what was exported."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256, in hexadecimal digits, of each file that decides, by its path in the folder."""

    @property
    def version(self) -> str:
        """The first digits of `hash`: what people see, and the headers of what passed."""
        return self.hash[:VERSION_DIGITS]


def read_bundle(folder: Path) -> Bundle:
    """Read what a bundle says of itself; nothing of it is run.

    Raises
    ------
    ExportError
        If the folder holds no bundle, or one of another format.
    """
    path = folder / FILE
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ExportError(
            f"{folder} is no bundle: {FILE}: {error.strerror}; write one with f.export(folder)"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path} is no JSON ({error}); export the filter again") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        given = found.get("format") if isinstance(found, dict) else None
        raise ExportError(
            f"{path}: expected a bundle of format {FORMAT}, got {given!r}; export the filter again "
            "with this version of ztfnb"
        )
    try:
        files = {str(name): str(checksum) for name, checksum in found["files"].items()}
        return Bundle(folder.absolute(), str(found["name"]), str(found["hash"]), files)
    except (KeyError, AttributeError):
        raise ExportError(f"{path} lacks name, hash or files; export the filter again") from None


def write_bundle(bundle: Bundle) -> None:
    """Write what a bundle says of itself."""
    told = {
        "format": FORMAT,
        "name": bundle.name,
        "hash": bundle.hash,
        "files": dict(sorted(bundle.files.items())),
    }
    (bundle.folder / FILE).write_text(f"{json.dumps(told, indent=2)}\n", "utf-8")


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(bundle: Bundle) -> None:
    """Refuse a bundle of which a file that decides is not the one that was exported.

    Raises
    ------
    ExportError
        Names the file.
    """
    for name, expected in bundle.files.items():
        path = bundle.folder / name
        try:
            found = checksum_of(path)
        except OSError as error:
            raise ExportError(f"{path} cannot be read: {error.strerror}") from None
        if found != expected:
            raise ExportError(
                f"{path} is not what was exported (SHA-256 {found[:VERSION_DIGITS]}, expected "
                f"{expected[:VERSION_DIGITS]}); bring that back, or export the filter again"
            )


def load_filter(bundle: Bundle, params: Mapping[str, str] | None = None) -> Filter:
    """Return the filter of a bundle, checked to be what was exported. Runs its ``filter.py``.

    Parameters
    ----------
    params
        Thresholds to set otherwise, as text: see `params_in`.

    Raises
    ------
    ExportError
        If a file has changed, ``filter.py`` cannot be run, or a threshold cannot be set so.
    """
    check_files(bundle)
    path = bundle.folder / SOURCE
    name = f"ztfnb_bundle_{bundle.name}_{bundle.version}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ExportError(f"{path} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as an import does: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        raise ExportError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    made = getattr(module, VARIABLE, None)
    if not isinstance(made, Filter):
        raise ExportError(f"{path} defines no filter called {VARIABLE}; export it again")
    try:
        set_so = {one: value_of(made.threshold(one), text) for one, text in (params or {}).items()}
        return made.with_params(**set_so)
    except ZtfnbError as error:
        raise ExportError(str(error)) from None


def params_in(environ: Mapping[str, str], bundle: Bundle) -> dict[str, str]:
    """Return the thresholds of a bundle that an environment sets, as text.

    ``ZTFNB_PARAM_RB_MIN=0.8`` sets ``rb_min``; where several filters run in one process,
    ``ZTFNB_PARAM_YOUNG__RB_MIN`` sets that of the filter ``young`` alone.
    """
    own, every = f"{PARAM}{bundle.name.upper()}__", {}
    special = {}
    for variable, text in environ.items():
        if variable.startswith(own):
            special[variable.removeprefix(own).lower()] = text
        elif variable.startswith(PARAM) and "__" not in variable:
            every[variable.removeprefix(PARAM).lower()] = text
    return every | special


def value_of(threshold: Threshold, text: str) -> Value:
    """Read the value of a threshold from text, as its default tells of what kind it is.

    Raises
    ------
    ExportError
        If it is none.
    """
    default: Any = threshold.default
    try:
        if isinstance(default, bool):
            return _WORDS[text.strip().lower()]
        if isinstance(default, int | float):
            number = float(text)
            whole = isinstance(default, int) and number.is_integer()
            return int(number) if whole else number
    except (ValueError, KeyError):
        kind = "true or false" if isinstance(default, bool) else "a number"
        raise ExportError(f"{threshold.name}: expected {kind}, got {text!r}") from None
    return text
