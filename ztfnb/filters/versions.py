"""Versions of a filter: what was evaluated under its name, and what came of it.

They are kept beside the notebook in a file ``<name>.versions.jsonl``: one line of JSON for each
evaluation, appended and on the disk at once. A text is written once, and named by its checksum
where it comes again.
"""

from __future__ import annotations

import difflib
import json
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ztfnb.errors import FilterError, FilterWarning, SourceError
from ztfnb.filters.threshold import Value
from ztfnb.lines import append

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter

SUFFIX = ".versions.jsonl"
"""What follows a filter's name in that of its file."""
SHOWN = 12
"""Digits of a hash that are shown."""
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Version:
    """A filter as it was evaluated once."""

    hash: str
    """`Filter.hash`: of its source and all that this uses."""
    source: str
    """Its text, and that of its helpers and constants."""
    params: Mapping[str, Value]
    """What the thresholds were set to."""
    time: str
    """When it was evaluated: UTC, ISO 8601."""
    sample: str
    """What it was evaluated on."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many passed, were rejected, failed."""
    green: int = 0
    """Pinned alerts that it decided as it must."""
    red: int = 0
    """Pinned alerts that it did not."""

    @property
    def worked(self) -> bool:
        """Whether there were pinned alerts, and all were green."""
        return self.green > 0 and self.red == 0

    def __str__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        pins = f"; pins: {self.green} green, {self.red} red" if self.green or self.red else ""
        return f"{self.time} {self.hash[:SHOWN]} ({params}) on {self.sample}: {counts}{pins}"


class Versions(Sequence[Version]):
    """The versions in a file, oldest first.

    Threads and programs may share the file.

    Parameters
    ----------
    path
        It need not exist; the first version makes it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()

    @overload
    def __getitem__(self, place: int) -> Version: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Version]: ...
    def __getitem__(self, place: int | slice) -> Version | Sequence[Version]:
        return self._read()[0][place]

    def __len__(self) -> int:
        return len(self._read()[0])

    def __iter__(self) -> Iterator[Version]:
        return iter(self._read()[0])

    def __repr__(self) -> str:
        every = self._read()[0]
        listed = [f"  {one}" for one in every[-_LISTED:]]
        if len(every) > _LISTED:
            listed = [f"  ... {len(every) - _LISTED:,} before", *listed]
        return "\n".join([f"<Versions in {self.path.name}: {len(every)}>", *listed])

    @property
    def problems(self) -> tuple[str, ...]:
        """The lines of the file that cannot be read, with number and reason; they stay in it."""
        return self._read()[1]

    def add(self, version: Version) -> None:
        """Append a version.

        Raises
        ------
        SourceError
            If it cannot be written.
        """
        with _writing:
            text = sha256(version.source.encode()).hexdigest()
            known = {sha256(one.source.encode()).hexdigest() for one in self}
            record: dict[str, Any] = {
                "time": version.time,
                "hash": version.hash,
                "params": dict(version.params),
                "sample": version.sample,
                "counts": {name: int(count) for name, count in version.counts.items()},
                "green": version.green,
                "red": version.red,
                "text": text,
            }
            if text not in known:
                record["source"] = version.source
            try:
                append(self.path, f"{json.dumps(record, ensure_ascii=False)}\n".encode())
            except OSError as error:
                raise SourceError(
                    f"the version cannot be kept in {self.path}: {error.strerror or error}; "
                    "name a file elsewhere: versions='~/filter.versions.jsonl'"
                ) from None

    def last_green(self) -> Version | None:
        """Return the newest version of which all pinned alerts were green; None without one."""
        return next((one for one in reversed(self._read()[0]) if one.worked), None)

    def changed(self, a: Version | int, b: Version | int = -1) -> str:
        """Return what differs between two versions, as a unified diff of texts and thresholds.

        Parameters
        ----------
        a, b
            Versions, or their places; by default the second is the newest.
        """
        before = self[a] if isinstance(a, int) else a
        after = self[b] if isinstance(b, int) else b
        return "\n".join(
            difflib.unified_diff(
                _lines(before), _lines(after), _title(before), _title(after), lineterm=""
            )
        )

    def since_green(self) -> str:
        """Return what changed since all pinned alerts were green; empty where nothing did.

        Raises
        ------
        FilterError
            If they never were.
        """
        before = self.last_green()
        if before is None:
            raise FilterError(
                f"no version in {self.path.name} has all its pinned alerts green; "
                "pin one (f.pin(alert)) and evaluate"
            )
        return self.changed(before)

    def _read(self) -> tuple[list[Version], tuple[str, ...]]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return [], ()
        except OSError as error:
            raise SourceError(f"cannot read {self.path}: {error.strerror}") from None
        versions: list[Version] = []
        problems = []
        texts: dict[str, str] = {}
        for number, line in enumerate(data.split(b"\n"), 1):
            try:
                if line.strip():
                    versions.append(_version(json.loads(line), texts))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                problems.append(f"line {number:,}: {type(error).__name__}: {error}")
        return versions, tuple(problems)


_writing = threading.Lock()


def versions_of(made: Filter) -> Versions:
    """Return the versions of a filter's name: beside the notebook that it was defined in."""
    return Versions(made.home / f"{made.name}{SUFFIX}")


def keep(
    made: Filter, counts: Mapping[str, int], sample: str, path: str | Path | None = None
) -> Version | None:
    """Note an evaluation; return None where nothing is to be noted.

    A filter of a notebook or program keeps its versions; one of an imported module only where a
    path is given. What cannot be written is told as a `FilterWarning`: the evaluation stands.
    """
    if path is None and not made.local:
        return None
    version = version_of(made, counts, sample)
    try:
        (made.versions if path is None else Versions(path)).add(version)
    except SourceError as error:
        warnings.warn(str(error), FilterWarning, stacklevel=4)
    return version


def version_of(made: Filter, counts: Mapping[str, int], sample: str) -> Version:
    """Return what a filter is now, with what came of its evaluation and its pins."""
    found = made.dependencies
    helpers = [f"# {name}\n{text}\n" for name, text in sorted(found.helpers.items())]
    constants = [f"{name} = {text}\n" for name, text in sorted(found.constants.items())]
    pins = made.check_pins()
    green = sum(one.green for one in pins)
    return Version(
        found.hash,
        "\n".join([made.source, *helpers, "".join(constants)]).rstrip() + "\n",
        dict(made.params),
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        sample,
        dict(counts),
        green,
        len(pins) - green,
    )


def _version(record: dict[str, Any], texts: dict[str, str]) -> Version:
    """Return what a line says."""
    if "source" in record:
        texts[record["text"]] = str(record["source"])
    return Version(
        str(record["hash"]),
        texts.get(record["text"], ""),
        dict(record["params"]),
        str(record["time"]),
        str(record["sample"]),
        {str(name): int(count) for name, count in record["counts"].items()},
        int(record["green"]),
        int(record["red"]),
    )


def _title(version: Version) -> str:
    return f"{version.hash[:SHOWN]} {version.time}"


def _lines(version: Version) -> list[str]:
    settings = [f"{name} = {value!r}" for name, value in version.params.items()]
    return [*version.source.splitlines(), "", *settings]
