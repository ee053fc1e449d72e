"""Nothing in a bundle is a secret, or a place, of the machine that it was exported on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ztfnb.errors import ExportError
from ztfnb.export.collecting.credentials import secret_in
from ztfnb.export.environment import WHEELS
from ztfnb.export.placing import files_in

_SHORTEST = 8
_FOLDERS = ("PWD", "OLDPWD")
"""Variables that sound like a password, and are folders."""


def check_leaks(folder: Path, environ: Mapping[str, str]) -> None:
    """Refuse a bundle that holds what the environment holds as a secret.

    Such texts in the source are refused by name when that is collected; here is looked at what
    else could bring one along: messages of failures, notes of pins, values of constants.

    Raises
    ------
    ExportError
        Names the variable and the file, not the secret.
    """
    secrets = list(_secrets(environ))
    if not secrets:
        return
    for name in files_in(folder):
        if name.startswith(f"{WHEELS}/"):
            continue  # of this package and others, which know nothing of this machine
        data = (folder / name).read_bytes()
        for variable, secret in secrets:
            if secret in data:
                raise ExportError(
                    f"{name} of the bundle would hold the value of the variable {variable}, which "
                    "looks like a secret; take it out of what the filter says, uses or raises"
                )


def _secrets(environ: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for variable, value in environ.items():
        # A word such as "password" stands in many a file.
        tells = len(value) >= _SHORTEST and not value.isalpha()
        if tells and variable not in _FOLDERS and secret_in(variable, value, {}):
            yield variable, value.encode("utf-8", "surrogateescape")


def without_places(text: str) -> str:
    """Return a text of JSON that names no folder of this machine, as messages of failures may."""
    for place, name in ((Path.cwd(), "."), (Path.home(), "~")):
        if place != place.parent:  # not the root of all
            text = text.replace(json.dumps(str(place), ensure_ascii=False)[1:-1], name)
    return text
