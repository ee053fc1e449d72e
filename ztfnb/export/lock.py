"""A hash-locked requirement file, as ``uv pip compile --generate-hashes`` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ztfnb.errors import ExportError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_HASH = re.compile(r"--hash=\S+")
_COMMENT = re.compile(r"(^|\s)#.*$")
_CREDENTIALS = re.compile(r"://[^/\s]*@")


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a lock: what is installed, where its marker holds."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version, or the address, that it is pinned to."""
        return self.requirement.url or str(self.requirement.specifier).removeprefix("==")

    @property
    def here(self) -> bool:
        """Whether its marker holds for this interpreter."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()

    def __str__(self) -> str:
        one = self.requirement
        extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
        name = f"{one.name}{extras}"
        pinned = f"{name} @ {one.url}" if one.url else f"{name}=={self.version}"
        marker = f" ; {one.marker}" if one.marker else ""
        return " \\\n".join([f"{pinned}{marker}", *(f"    {one}" for one in self.hashes)])


Lock = Mapping[str, tuple[Pin, ...]]
"""The lines of each distribution, by its normalised name."""


def shipped_lock() -> Path:
    """Return the lock that ztfnb ships: in a wheel inside the package, in a checkout beside it."""
    inside = Path(__file__).with_name("lock.txt")
    return inside if inside.is_file() else Path(__file__).parents[2] / "requirements/imported.txt"


def read_lock(path: Path) -> Lock:
    """Read a lock.

    Raises
    ------
    ExportError
        If a line is not pinned to one version with hashes, or holds a credential.
    """
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - of the extra `lab`

    found: dict[str, list[Pin]] = {}
    for number, line in _lines(path):
        pin = _pin(line, f"{path}, line {number:,}")
        found.setdefault(canonicalize_name(pin.requirement.name), []).append(pin)
    return {name: tuple(pins) for name, pins in found.items()}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line of a file that goes on behind backslashes as one, with its number."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ExportError(f"the lock {path} cannot be read: {reason}") from None
    parts: list[str] = []
    begun = 1
    for number, raw in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", raw).rstrip()
        begun = begun if parts else number
        if line.endswith("\\"):
            parts.append(line[:-1].strip())
            continue
        whole = " ".join([*parts, line.strip()]).strip()
        parts = []
        if whole:
            yield begun, whole
    if parts:
        yield begun, " ".join(parts).strip()


def _pin(line: str, where: str) -> Pin:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - as above

    if _CREDENTIALS.search(line):
        # Not repeated: a bundle and a log are for others to read.
        raise ExportError(
            f"{where}: an address with a credential; leave that to the settings of pip"
        )
    if line.startswith("-"):
        raise ExportError(
            f"{where}: expected name==version with hashes, got {line.split(maxsplit=1)[0]}; "
            "leave indexes to the settings of pip, and write one file: uv pip compile "
            "--no-emit-index-url --no-emit-find-links"
        )
    try:
        requirement = Requirement(_HASH.sub("", line).strip())
    except InvalidRequirement as error:
        raise ExportError(f"{where}: expected name==version with hashes: {error}") from None
    exact = [one.operator for one in requirement.specifier] == ["=="]
    hashes = tuple(_HASH.findall(line))
    if not hashes or not (requirement.url or exact):
        raise ExportError(
            f"{where}: {requirement.name} is not locked: expected one version with hashes; write "
            "the file with: uv pip compile --generate-hashes"
        )
    return Pin(requirement, hashes)
