"""A folder that appears when it is whole, in place of none or of an earlier bundle."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ztfnb.errors import ExportError
from ztfnb.export.worker.bundle import FILE, checksum_of, read_bundle

PROVENANCE = "provenance.json"
_CACHES = ("__pycache__", ".pytest_cache")
"""What tests leave behind."""


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Refuse to write a bundle where something else is.

    Raises
    ------
    ExportError
        If there is something that is no bundle, or a bundle that is not to be replaced.
    """
    if not os.path.lexists(folder):
        parent = folder.parent
        if not parent.is_dir():
            raise ExportError(f"there is no folder {parent} to write {folder.name} in; make it")
        return
    if not folder.is_dir() or folder.is_symlink():
        raise ExportError(f"{folder} is there and no folder; name another")
    if not any(folder.iterdir()):
        return
    if not (folder / FILE).exists():
        raise ExportError(
            f"{folder} is there and holds no bundle, so it is left alone; name another folder"
        )
    try:
        old = read_bundle(folder)
    except ExportError:
        raise ExportError(
            f"{folder} is there and holds no bundle that this version of ztfnb reads, so it is "
            "left alone; move it away, or name another folder"
        ) from None
    if not overwrite:
        raise ExportError(
            f"{folder} holds a bundle of {old.name} {old.version}; replace it with "
            "overwrite=True (--overwrite), or name another folder"
        )


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """Make a folder beside another, on the same disk; it is gone afterwards, if still there."""
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        try:
            partial.mkdir()
        except OSError as error:
            raise ExportError(
                f"{folder} cannot be written: {error.strerror}; allow writing in {folder.parent}, "
                "or name another folder"
            ) from None
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def place(partial: Path, folder: Path) -> Path | None:
    """Give a whole folder its name, in one step.

    Of an earlier bundle, what its export did not write goes over to the new one, such as the
    history of a repository; what was changed by hand since is kept beside.

    Returns
    -------
    Path or None
        Where the earlier bundle is kept; None where nothing of it would be lost.
    """
    if not os.path.lexists(folder):
        partial.rename(folder)
        return None
    if not any(folder.iterdir()):
        folder.rmdir()
        partial.rename(folder)
        return None
    now = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    before = folder.with_name(f"{folder.name}.before-{now}")
    folder.rename(before)
    try:
        partial.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    written = files_written(before)
    _carry_over(before, folder, written)
    if _unchanged(before, written):
        shutil.rmtree(before)
        return None
    return before


def files_in(folder: Path) -> tuple[str, ...]:
    """Return the paths of all files in a folder, in order."""
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


def files_written(folder: Path) -> Mapping[str, str]:
    """Return the SHA-256 of each file that an export wrote, by path; the provenance's is empty."""
    try:
        told = json.loads((folder / PROVENANCE).read_bytes())
        found = {str(name): str(checksum) for name, checksum in told["files"].items()}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}  # then nothing of it is known to be replaceable
    return {**found, PROVENANCE: ""}


def _carry_over(before: Path, folder: Path, written: Mapping[str, str]) -> None:
    """Move what the export of the earlier bundle did not write, where nothing stands now."""
    for entry in sorted(before.iterdir()):
        _carry(entry, before, folder, written)


def _carry(entry: Path, before: Path, folder: Path, written: Mapping[str, str]) -> None:
    name = entry.relative_to(before).as_posix()
    to = folder / name
    if entry.is_dir() and not entry.is_symlink():
        if entry.name in _CACHES:
            shutil.rmtree(entry)
        elif any(one.startswith(f"{name}/") for one in written) or to.is_dir():
            for inner in sorted(entry.iterdir()):
                _carry(inner, before, folder, written)
            return
    if os.path.lexists(entry) and name not in written and not os.path.lexists(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        entry.rename(to)


def _unchanged(before: Path, written: Mapping[str, str]) -> bool:
    """Return whether all files that are left are as their export wrote them."""
    return all(
        name in written and (not written[name] or checksum_of(before / name) == written[name])
        for name in files_in(before)
    )
