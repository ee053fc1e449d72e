"""What a bundle has installed: the part of a lock that its filter and the worker need.

The lock is for every platform and Python, and so is the part: hashes and markers stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ztfnb.errors import ExportError
from ztfnb.export.lock import Lock, Pin, read_lock, shipped_lock

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OWN = "ztfnb"
EXTRAS = ("codecs", "worker")
"""Of ztfnb's own extras, what a container has: it decodes whatever a notebook does."""
TESTS = "pytest"
_PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_HEAD = "# Wheels with their hashes; taken from a lock when the filter was exported.\n"


@dataclass(frozen=True, slots=True)
class Differing:
    """A distribution of which the notebook has another version than the bundle will have."""

    name: str
    here: str
    locked: str

    def __str__(self) -> str:
        return f"{self.name} {self.here} (the bundle has {self.locked})"


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a bundle has installed."""

    text: str
    """``requirements.txt``."""
    test_text: str
    """``requirements-test.txt``: what its own tests need beside that."""
    names: tuple[str, ...]
    """The distributions of ``requirements.txt``, without ztfnb itself."""
    differing: tuple[Differing, ...]
    """Where decisions may depend on a version that the notebook has not."""
    unknown: tuple[str, ...]
    """What the lock has for platforms or Pythons other than this: not installed here, so that its
    own dependencies could not be looked up. ``pip`` refuses the bundle if one is missing."""

    @property
    def warning(self) -> str:
        """What has to be said of versions; empty where all are the same."""
        if not self.differing:
            return ""
        every = ", ".join(map(str, self.differing))
        return (
            "the notebook has other versions than the bundle, and decisions may depend on them: "
            f"{every}; prove the bundle with fresh=True, or give a lock of the notebook's versions"
        )


def requirements_of(
    distributions: Iterable[str],
    *,
    lock: Path | None = None,
    places: Mapping[str, str] | None = None,
    wheel: Path | None = None,
) -> Requirements:
    """Return the part of a lock that the worker and a filter's imports need.

    Dependencies are those that the installed distributions declare, for Linux and any Python that
    ztfnb runs on.

    Parameters
    ----------
    distributions
        What the filter's source imports, by the names of distributions.
    lock
        A requirement file with hashes; the one that ztfnb ships unless given.
    places
        Where the source imports each, in words: ``filter.py, line 3: import healpy``.
    wheel
        ztfnb's own, which is listed too, with its hash: see `ztfnb.export.wheel.write_wheel`.

    Raises
    ------
    ExportError
        If the lock lacks one (named with its place, and how to lock it), or is not a lock.
    ImportError
        If ``packaging`` is missing.
    """
    try:
        from packaging.utils import canonicalize_name  # noqa: PLC0415 - of the extra `lab`
    except ImportError:
        raise ImportError("an export needs packaging: pip install 'ztfnb[lab]'") from None
    path = shipped_lock() if lock is None else lock
    locked = read_lock(path)
    said: dict[str, str] = {
        str(canonicalize_name(name)): place for name, place in (places or {}).items()
    }
    imported: list[str] = [canonicalize_name(name) for name in distributions]
    own: list[str] = [canonicalize_name(one.name) for one in own_requirements()]
    roots = [name for name in (*own, *imported) if name != OWN]
    missing = [name for name in roots if name not in locked]
    if missing:
        raise ExportError(_refusal(missing, said, path, roots))
    names, unknown = _closed(roots, locked, path)
    # Of a lock without what tests need, that of ztfnb's is taken.
    tests = {**read_lock(shipped_lock()), **locked}
    return Requirements(
        _text(locked, names, wheel),
        _text(tests, [name for name in _closed([TESTS], tests, path)[0] if name not in names]),
        tuple(names),
        tuple(_differing(names, locked)),
        tuple(unknown),
    )


def own_requirements() -> list[Requirement]:
    """Return what ztfnb itself needs in a container.

    Raises
    ------
    ExportError
        If ztfnb is not installed, but only lies on the path.
    """
    from packaging.requirements import Requirement  # noqa: PLC0415 - of the extra `lab`

    try:
        declared = [Requirement(one) for one in metadata.requires(OWN) or ()]
    except metadata.PackageNotFoundError:
        raise ExportError(
            "ztfnb is imported from a folder and not installed, so that no bundle can hold it; run "
            "there: pip install --no-deps --editable ."
        ) from None
    return [one for one in declared if any(_holds(one, extra) for extra in ("", *EXTRAS))]


def _closed(roots: Iterable[str], locked: Lock, path: Path) -> tuple[list[str], list[str]]:
    """Return the locked names that some need, and those whose own needs nobody knows here."""
    found: dict[str, None] = {}
    unknown = []
    waiting = [(name, "") for name in roots]
    while waiting:
        name, of = waiting.pop()
        if name not in locked:
            raise ExportError(
                f"the lock {path} has {of}, but not {name}, which that needs; write it anew with: "
                "uv pip compile --generate-hashes"
            )
        if name in found:
            continue
        found[name] = None
        needed = _dependencies(name, locked[name])
        if needed is None:
            unknown.append(name)
        waiting += [(one, name) for one in needed or () if one in locked or _is_installed(one)]
    return sorted(found), sorted(unknown)


def _dependencies(name: str, pins: tuple[Pin, ...]) -> set[str] | None:
    from packaging.requirements import Requirement  # noqa: PLC0415 - of the extra `lab`
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    try:
        declared = [Requirement(one) for one in metadata.requires(name) or ()]
    except metadata.PackageNotFoundError:
        return None
    extras = {"", *(extra for pin in pins for extra in pin.requirement.extras)}
    return {
        canonicalize_name(one.name)
        for one in declared
        if any(_holds(one, extra) for extra in extras)
    }


def _holds(requirement: Requirement, extra: str) -> bool:
    """Return whether a dependency is one on Linux, with any Python that a container may have."""
    if requirement.marker is None:
        return not extra
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return any(
        requirement.marker.evaluate(
            {**linux, "extra": extra, "python_version": one, "python_full_version": f"{one}.0"}
        )
        for one in _PYTHONS
    )


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _differing(names: Iterable[str], locked: Lock) -> Iterator[Differing]:
    from packaging.version import Version  # noqa: PLC0415 - of the extra `lab`

    for name in names:
        pin = next((one for one in locked[name] if one.here), None)
        if pin is None:
            continue  # of another platform
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            here = "is not installed"
            yield Differing(name, here, pin.version)
            continue
        if pin.requirement.url or Version(here) != Version(pin.version):
            yield Differing(name, here, pin.version)


def _text(locked: Lock, names: Iterable[str], wheel: Path | None = None) -> str:
    from ztfnb.export.worker.bundle import checksum_of  # noqa: PLC0415

    lines = [str(pin) for name in names for pin in locked[name]]
    if wheel is not None:
        version = wheel.name.split("-")[1]
        lines.append(f"{OWN}=={version} \\\n    --hash=sha256:{checksum_of(wheel)}")
    return "".join([_HEAD, *(f"{line}\n" for line in lines)])


def _refusal(
    missing: list[str], places: Mapping[str, str], path: Path, wanted: Iterable[str]
) -> str:
    """Say what a lock lacks, where that is imported, and how to lock it."""
    name = "the lock that ztfnb ships" if path == shipped_lock() else f"the lock {path}"
    told = [f"{one} ({places.get(one, 'the worker needs it')})" for one in missing]
    every = " ".join(sorted({_exact(one) for one in (*wanted, TESTS)}))
    return (
        f"{name} has no {', no '.join(told)}. Do without, or give a lock that has all of it, "
        "requirements='my-lock.txt', written with:\n"
        f"  printf '%s\\n' {every} |\n"
        "  uv pip compile - --universal --python-version 3.11 --generate-hashes --no-annotate "
        "--no-emit-index-url --output-file my-lock.txt"
    )


def _exact(name: str) -> str:
    """Return a requirement of the version that the notebook has."""
    try:
        return f"{name}=={metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return name
