"""What a filter needs beside the alert: data files, and what a setup makes of them once."""

from __future__ import annotations

import hashlib
import inspect
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ztfnb.errors import FilterError

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter

Files = Mapping[str, str | Path]
_FILES_KNOWN = 256
_SHOWN = 12
_FRESH = 2 * 10**9
"""Nanoseconds in which a file may change again and keep its time: clocks of disks are coarse."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file of a filter, as it was when the filter was defined."""

    name: str
    """The parameter that takes its path."""
    given: Path
    """As the author wrote it."""
    path: Path
    """Where it was found."""
    checksum: str
    """SHA-256 of its bytes, in hexadecimal digits."""


def provide(made: Filter) -> Mapping[str, Any]:
    """Return what the files and the setup of a filter provide, by parameter; made once.

    Raises
    ------
    FilterError
        If a file is not there or has changed, or the setup fails.
    """
    for part in made.parts:
        provide(part)
    return made.provided.get()


class Provided:
    """What files and setup give to the parameters of one function, made when it is asked for.

    Filters that differ only in thresholds share it, and so may threads. To another process travel
    the files' names and checksums; there the setup runs anew.

    Parameters
    ----------
    function
        The filter's function.
    needs
        Its keyword-only parameters without default.
    files
        Data files by the name of a parameter, of the function or of the setup.
    setup
        Run once, with the files that its parameters name.

    Raises
    ------
    FilterError
        If a file is not there, or a parameter is provided by nobody.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        needs: tuple[str, ...],
        files: Files | None,
        setup: Callable[..., Any] | None,
    ) -> None:
        self._owner = function.__name__
        self._needs = needs
        self.setup = setup
        folders = folders_of(function)
        given = _checked(self._owner, files)
        self._asked = () if setup is None else _asked(self._owner, setup, given)
        self._open = tuple(name for name in needs if name not in given)
        self._check_provided(given)
        self.files: Mapping[str, DataFile] = {
            name: found(self._owner, name, path, folders) for name, path in given.items()
        }
        self._lock = threading.RLock()
        self._made: Mapping[str, Any] | None = None

    def _check_provided(self, given: Mapping[str, Path]) -> None:
        """Refuse a parameter that nobody provides, and a file or setup that nobody takes."""
        owner = self._owner
        if self._open and self.setup is None:
            name = self._open[0]
            raise FilterError(
                f"{owner}: nothing provides {name!r}. Give it a default to make it a threshold "
                f"({name}=0.5), or declare where it comes from: "
                f'@ztfnb.filter(files={{"{name}": "file"}}) or @ztfnb.filter(setup=function)'
            )
        if self.setup is not None and not self._open:
            raise FilterError(
                f"{owner}: nothing takes what the setup returns; name it as a parameter without "
                f"default that is named like no file: def {owner}(alert, *, loaded)"
            )
        idle = [name for name in given if name not in self._needs and name not in self._asked]
        if idle:
            raise FilterError(
                f"{owner}: nothing takes the file {idle[0]!r}; name it as a parameter: "
                f"def {owner}(alert, *, {idle[0]})"
            )

    def get(self) -> Mapping[str, Any]:
        """Return what is provided, by parameter; what was made once is not made again.

        Raises
        ------
        FilterError
            If a file is not there or has changed, or the setup fails.
        """
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = MappingProxyType(self._make())
        return self._made

    def _make(self) -> dict[str, Any]:
        paths = {name: self._unchanged(file) for name, file in self.files.items()}
        given = {name: paths[name] for name in self._needs if name in paths}
        if self.setup is None:
            return given
        try:
            result = self.setup(**{name: paths[name] for name in self._asked})
        except Exception as error:
            raise FilterError(
                f"{self._owner}: its setup failed: {type(error).__name__}: {error}"
            ) from error
        if len(self._open) == 1:
            return given | {self._open[0]: result}
        names = ", ".join(self._open)
        if not isinstance(result, Mapping):
            raise FilterError(
                f"{self._owner}: expected from its setup a mapping with {names}, "
                f"got {type(result).__name__}"
            )
        absent = [name for name in self._open if name not in result]
        if absent:
            raise FilterError(f"{self._owner}: what its setup returned has no {absent[0]!r}")
        return given | {name: result[name] for name in self._open}

    def _unchanged(self, file: DataFile) -> Path:
        """Return where a file is now, if it is the one that the filter was defined with."""
        now = file
        if not file.path.is_file():  # as on another machine
            now = found(self._owner, file.name, file.given, (Path.cwd(),))
        else:
            now = replace(file, checksum=_checksum(self._owner, file.path))
        if now.checksum != file.checksum:
            raise FilterError(
                f"{self._owner}: {now.path} is not the file that the filter was defined with "
                f"(SHA-256 {now.checksum[:_SHOWN]}, expected {file.checksum[:_SHOWN]}); "
                "put that back, or define the filter again"
            )
        return now.path

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_lock": None, "_made": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.RLock())


def folders_of(function: Callable[..., Any]) -> tuple[Path, ...]:
    """Return where a function's files may lie: beside the notebook, beside its own file.

    An imported module finds its own first, whatever lies in the working directory.
    """
    here = Path.cwd()
    code = getattr(function, "__code__", None)
    file = Path(code.co_filename) if code else here
    if not file.is_file():
        return (here,)
    own = file.absolute().parent
    return (here, own) if function.__module__ == "__main__" else (own, here)


def found(owner: str, name: str, given: Path, folders: tuple[Path, ...]) -> DataFile:
    """Find a data file.

    Raises
    ------
    FilterError
        If it is in none of these folders, or cannot be read.
    """
    wanted = given.expanduser()
    for folder in folders:
        path = folder / wanted
        if path.is_file():
            return DataFile(name, given, path, _checksum(owner, path))
        if path.exists():
            raise FilterError(f"{owner}: expected {name!r} to be a file, {path} is none")
    places = " nor in ".join(map(str, dict.fromkeys(folders)))
    where = "is not there" if wanted.is_absolute() else f"is not in {places}"
    raise FilterError(
        f"{owner}: the file {name!r}: {given} {where}; put it there, or name its path"
    )


def _checksum(owner: str, path: Path) -> str:
    try:
        state = path.stat()
        if time.time_ns() - state.st_mtime_ns < _FRESH:
            return _digest.__wrapped__(path)
        return _digest(path, state.st_size, state.st_mtime_ns, state.st_ino)
    except OSError as error:
        raise FilterError(f"{owner}: {path} cannot be read: {error.strerror}") from None


@lru_cache(maxsize=_FILES_KNOWN)
def _digest(path: Path, *_stamp: int) -> str:
    """Return the SHA-256 of a file, read again only when its stamp has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(owner: str, files: Files | None) -> dict[str, Path]:
    if files is not None and not isinstance(files, Mapping):
        raise FilterError(
            f'{owner}: files: expected names and paths, files={{"model": "model.onnx"}}, '
            f"got {files!r}"
        )
    given = {}
    for name, path in (files or {}).items():
        if not isinstance(name, str) or not name.isidentifier():
            raise FilterError(f"{owner}: files: expected the name of a parameter, got {name!r}")
        if not isinstance(path, str | Path):
            raise FilterError(f"{owner}: files: expected the path of {name!r}, got {path!r}")
        given[name] = Path(path)
    return given


def _asked(owner: str, setup: Any, files: Mapping[str, Path]) -> tuple[str, ...]:
    """Return the files that a setup takes, by its parameters."""
    if not callable(setup):
        raise FilterError(f"{owner}: setup: expected a function, got {type(setup).__name__}")
    try:
        parameters = inspect.signature(setup).parameters.values()
    except (TypeError, ValueError):
        raise FilterError(
            f"{owner}: the parameters of {setup!r} are not to be had; write a function with def "
            "that calls it, and give that as setup"
        ) from None
    asked = []
    for one in parameters:
        if one.name in files and one.kind is not one.POSITIONAL_ONLY:
            asked.append(one.name)
        elif one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            raise FilterError(
                f"{owner}: its setup takes {one.name!r}, which is no file; "
                f"files has {', '.join(files) or 'none'}"
            )
    return tuple(asked)
