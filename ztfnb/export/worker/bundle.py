"""A bundle as the worker reads it: ``bundle.json``, ``filter.py`` and the data files."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ztfnb.errors import ExportError, ZtfnbError
from ztfnb.export.worker.ownmodules import OwnModules
from ztfnb.filters.filter import Filter
from ztfnb.filters.libraries import BUNDLED
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
    given = found.get("format") if isinstance(found, dict) else None
    if given is True or given != FORMAT:
        raise ExportError(
            f"{path}: expected a bundle of format {FORMAT}, got {given!r}; export the filter again "
            "with this version of ztfnb"
        )
    name, version, files = (found.get(one) for one in ("name", "hash", "files"))
    if not (isinstance(name, str) and name.isidentifier() and isinstance(files, dict)):
        raise ExportError(f"{path} lacks name or files; export the filter again")
    if not (isinstance(version, str) and _is_checksum(version)):
        raise ExportError(f"{path}: expected a hash of 64 digits, got {version!r}; export it again")
    for file, checksum in files.items():
        if not _is_inside(file) or not _is_checksum(checksum):
            raise ExportError(
                f"{path}: expected files of the bundle with their SHA-256, got {file!r}: "
                f"{checksum!r}; export the filter again"
            )
    if SOURCE not in files:
        raise ExportError(f"{path} says nothing of {SOURCE}; export the filter again")
    return Bundle(folder.absolute(), name, version, files)


def _is_checksum(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef")


def _is_inside(file: str) -> bool:
    """Return whether a path leads to something in the folder itself."""
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in file


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
    name = f"{BUNDLED}{bundle.name}_{bundle.version}"
    own = [one for one in bundle.files if one.endswith(".py") and one != SOURCE]
    try:
        module = OwnModules(name, bundle.folder, own).load_main(SOURCE)
    except ZtfnbError as error:
        raise ExportError(f"{path} cannot be run: {error}") from error
    except (Exception, SystemExit) as error:
        raise ExportError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    made = getattr(module, VARIABLE, None)
    if not isinstance(made, Filter):
        sys.modules.pop(name, None)
        raise ExportError(f"{path} defines no filter called {VARIABLE}; export it again")
    try:
        known = {one.name.lower(): one for one in made.thresholds}
        set_so = {}
        for name, text in (params or {}).items():
            # An environment knows capitals only.
            one = known.get(name.lower()) or made.threshold(name)
            set_so[one.name] = value_of(one, text)
        return made.with_params(**set_so)
    except ZtfnbError as error:
        raise ExportError(f"{bundle.name}: {error}") from None


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


def check_params(environ: Mapping[str, str], bundles: Sequence[Bundle]) -> None:
    """Refuse an environment that sets a threshold of a filter that none of the bundles is.

    Raises
    ------
    ExportError
        Names the variable.
    """
    own = [f"{PARAM}{one.name.upper()}__" for one in bundles]
    for variable in environ:
        if variable.startswith(PARAM) and "__" in variable and not variable.startswith((*own,)):
            raise ExportError(
                f"{variable} sets a threshold of a filter that is not here; expected "
                f"{' or '.join(f'{one}<NAME>' for one in own)}"
            )


def value_of(threshold: Threshold, text: str) -> Value:
    """Read the value of a threshold from text, as its default tells of what kind it is.

    Raises
    ------
    ExportError
        If it is none.
    """
    said = text.strip()
    try:
        match threshold.kind:
            case "bool":
                return _WORDS[said.lower()]
            case "choice":
                return _choice(threshold, said)
            case "int" | "float":
                return _number(threshold, said)
    except (ValueError, KeyError, OverflowError):
        kinds = {"bool": "true or false", "int": "a whole number", "float": "a number"}
        choices = ", ".join(map(str, threshold.choices))
        expected = kinds.get(threshold.kind, f"one of {choices}")
        raise ExportError(f"{threshold.name}: expected {expected}, got {text!r}") from None
    return text


def _number(threshold: Threshold, text: str) -> float:
    whole = isinstance(threshold.default, int)
    with suppress(ValueError):
        return int(text) if whole else float(text)
    number = float(text)
    if threshold.kind == "int" and not number.is_integer():
        raise ValueError(text)
    return int(number) if number.is_integer() else number


def _choice(threshold: Threshold, text: str) -> Value:
    as_written = {str(one): one for one in threshold.choices}
    if text in as_written:
        return as_written[text]
    if text.lower() in _WORDS and any(isinstance(one, bool) for one in threshold.choices):
        return _WORDS[text.lower()]
    return float(text)
