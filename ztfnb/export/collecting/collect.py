"""From a filter, often of a notebook's cell, to one file that stands alone: ``filter.py``."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from ztfnb.errors import ExportError
from ztfnb.export.collecting.credentials import forms_in, secret_in, told_of
from ztfnb.export.collecting.filterpieces import filter_definition
from ztfnb.export.collecting.gathering import CollisionError, Gathering
from ztfnb.export.collecting.pieces import Piece, ordered
from ztfnb.export.worker.bundle import VARIABLE
from ztfnb.filters.filter import Filter

_MOST_MODULES = 20
_SECONDS = 120
_WIDTH = 96
_LAST = (sys.maxsize, "", 0)


@dataclass(frozen=True, slots=True)
class Collected:
    """A filter as text, with all that it needs."""

    text: str
    """The whole of ``filter.py``."""
    distributions: tuple[str, ...] = ()
    """Installed packages whose modules it imports; neither Python's own nor ztfnb."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Where each data file lies now, by its path in the bundle."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """The text of each of the author's own modules, by its path in the bundle."""
    imported: Mapping[str, str] = field(default_factory=dict)
    """Where each of the distributions is imported first: ``young, line 3: scipy.stats``."""


def collect(made: Filter) -> Collected:
    """Collect the source of a filter and all that it needs: helpers, constants, imports, files.

    What is taken is what the names mean now; comments and layout are the author's, brought into
    form by ruff.

    Raises
    ------
    ExportError
        If something cannot be taken: names each with its line and a way out, one on a line.
    """
    found, root = _gathered(made)
    for name, value in made.params.items():
        if kind := secret_in(name, value, os.environ):
            found.refuse(made.name, told_of(name, kind))
    _check(found)
    text = _text(made, found, root)
    for kind in forms_in(text):
        found.refuse(made.name, told_of("a comment", kind))
    _check(found)
    return Collected(
        formatted(text),
        tuple(sorted(found.modules.imported)),
        dict(found.files),
        dict(found.modules.texts),
        dict(found.modules.imported),
    )


def _check(found: Gathering) -> None:
    if found.refusals:
        raise ExportError("\n".join(found.refusals))


def _gathered(made: Filter) -> tuple[Gathering, Piece]:
    """Gather all pieces; modules whose names collide with others are brought whole."""
    whole: frozenset[str] = frozenset()
    for _ in range(_MOST_MODULES):
        found = Gathering(whole)
        try:
            return found, filter_definition(found, made)
        except CollisionError as error:
            whole |= {error.module}
    raise ExportError(f"{made.name}: names in {', '.join(sorted(whole))} collide")


def _text(made: Filter, found: Gathering, root: Piece) -> str:
    found.name_pieces()
    root.place = _LAST
    pieces, tangled = ordered(found.pieces.values())
    if tangled:
        names = ", ".join(one.name for one in tangled)
        found.refuse(
            made.name,
            f"{names} need each other before they can be defined, so that none of them can stand "
            "first; do not keep a class in what its own definition reads or fills, ask for it in "
            "a function instead",
        )
        _check(found)
    constants = [one.text for one in pieces if one.constant]
    definitions = [one.text for one in pieces if not one.constant]
    set_so = ", ".join(f"{name}={value!r}" for name, value in made.params.items())
    last = f"{VARIABLE} = {root.name}" + (f".with_params({set_so})" if set_so else "")
    parts = [_header(made), "from __future__ import annotations", found.imports.text]
    return "\n\n".join([*parts, "\n".join(constants), *definitions, last, ""])


def _header(made: Filter) -> str:
    doc = (made.function.__doc__ or "").strip().partition("\n")[0].strip()
    told = f"{made.name}: {doc}" if doc else f"The filter {made.name}."
    told = textwrap.fill(told.replace("\\", "\\\\").replace('"""', "'''"), _WIDTH)
    return (
        f'"""{told}\n\n'
        f"Exported by ztfnb {version('ztfnb')} as version {made.hash[:12]}, with all that it "
        "needs.\nThresholds are set in the last line; ZTFNB_PARAM_<NAME> sets them where it runs.\n"
        '"""'
    )


def formatted(text: str) -> str:
    """Return source as ruff formats it.

    Raises
    ------
    ExportError
        If ruff is not installed, or cannot read it.
    """
    if importlib.util.find_spec("ruff") is None:
        raise ExportError(
            "an export needs ruff, which brings the source into form: install ztfnb[lab]"
        )
    command = [
        sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--line-length=100",
        "--target-version=py311", "--stdin-filename=filter.py", "-",
    ]  # fmt: skip
    try:
        ran = subprocess.run(  # noqa: S603 - a tool of this environment, on text alone
            command, input=text, capture_output=True, encoding="utf-8", timeout=_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ExportError(
            f"ruff did not bring the source into form within {_SECONDS} s; is the machine at its "
            "limit? export again"
        ) from None
    if ran.returncode:
        raise ExportError(f"the source that was collected is no Python: {ran.stderr.strip()}")
    return ran.stdout
