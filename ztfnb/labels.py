"""What a person says of alerts: labels and notes, kept in a file that survives a crash.

One line of JSON for each change, appended and on the disk at once; later lines win, and a removal
is a line too. A line that cannot be read, as a crash may leave one, is reported and stays in the
file. Several programs may write to one file: they take turns, and each reads what the others add.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.errors import ConfigError, SourceError
from ztfnb.label import (
    COLUMNS,
    Label,
    candid_of,
    name_of,
    note_of,
    read_line,
    record_of,
    word_of,
)
from ztfnb.lines import Follower, append

if TYPE_CHECKING:
    from astropy.table import Table

FILE = "labels.jsonl"
"""Where labels are kept unless another place is named: in the working directory."""
USUAL = ("good", "bad", "maybe")
"""The labels that are always offered; any other word is as good."""


class Labels(Mapping[int, Label]):
    """Labels and notes by candid, kept in a file of JSON lines.

    Threads may share it. What cannot be written stays in memory, and is written with the next
    change, or by `save`.

    Parameters
    ----------
    path
        The file; it need not exist yet. By default ``labels.jsonl`` in the working directory: in
        a kernel, the notebook's folder.
    by
        Who labels; written with each label.

    Raises
    ------
    SourceError
        If there is a file that cannot be read.
    """

    def __init__(self, path: str | Path = FILE, *, by: str = "") -> None:
        # Absolute, since a cell may change the working directory.
        self.path = Path(path).expanduser().absolute()
        self.by = name_of(by)
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        # Replaced, never changed in place: whoever reads it meanwhile is not disturbed.
        self._labels: dict[int, Label] = {}
        self._pending: list[Label] = []
        self._follower = Follower(self.path)
        self._problems: list[str] = []
        self._torn: list[str] = []
        self._revision = 0
        self._counted: tuple[dict[int, Label], dict[str, int]] = ({}, {})
        self.refresh()

    def __getitem__(self, candid: int) -> Label:
        return self._labels[candid]

    def __iter__(self) -> Iterator[int]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {word}" for word, count in self.counts.items())
        return f"<Labels in {self.path.name}: {told or 'none yet'}>"

    # -- Reading ---------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """A number that grows with every change."""
        return self._revision

    @property
    def words(self) -> dict[int, str]:
        """The label of each alert that has one, by candid; without those that have only a note."""
        return {candid: told.label for candid, told in self._labels.items() if told.label}

    @property
    def counts(self) -> dict[str, int]:
        """How many alerts have each label: good, bad and maybe first, then as they first came."""
        held = self._labels
        if self._counted[0] is not held:
            counts = dict.fromkeys(USUAL, 0)
            for told in held.values():
                if told.label:
                    counts[told.label] = counts.get(told.label, 0) + 1
            self._counted = (held, {word: count for word, count in counts.items() if count})
        return dict(self._counted[1])

    def of(self, candids: Iterable[int]) -> list[str]:
        """Return the label of each of some alerts, ``""`` where there is none: a column of them."""
        held = self._labels
        return [told.label if (told := held.get(candid)) else "" for candid in candids]

    def progress(self, candids: Iterable[int]) -> tuple[int, int]:
        """Return how many of some alerts have a label, and how many there are."""
        wanted = set(candids)
        held = self._labels
        return sum(candid in held and held[candid].label != "" for candid in wanted), len(wanted)

    @property
    def problems(self) -> tuple[str, ...]:
        """The lines of the file that cannot be read, with number and reason; they stay in it."""
        with self._lock:
            return (*self._problems, *self._torn)

    @property
    def unsaved(self) -> int:
        """Number of changes that are not on the disk yet."""
        return len(self._pending)

    def csv(self) -> str:
        """Return the labels as CSV, with a line of names."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(told) for told in self._labels.values())
        return file.getvalue()

    def to_csv(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the labels as CSV.

        Raises
        ------
        SourceError
            If there is a file already, unless it may be overwritten; or it cannot be written.
        """
        path = Path(path).expanduser()
        try:
            with path.open("w" if overwrite else "x", encoding="utf-8", newline="") as file:
                file.write(self.csv())
        except FileExistsError:
            raise SourceError(
                f"{path} exists; choose another name, or allow overwrite=True"
            ) from None
        except OSError as error:
            raise SourceError(f"cannot write {path}: {error.strerror}") from None

    def table(self) -> Table:
        """Return the labels as an astropy Table."""
        try:
            from astropy.table import Table  # noqa: PLC0415 - of the extra `lab`
        except ImportError:
            raise ImportError("tables need astropy: pip install 'ztfnb[lab]'") from None
        rows = [astuple(told) for told in self._labels.values()]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
        types = ["i8", *["U"] * (len(COLUMNS) - 1)]
        return Table(columns, names=COLUMNS, dtype=types)

    # -- Changing --------------------------------------------------------------------------

    def set(
        self,
        candid: int | np.integer[Any],
        label: str,
        *,
        note: str | None = None,
        object_id: str = "",
        wait: bool = True,
    ) -> None:
        """Label an alert, or with ``""`` take its label away and leave its note.

        Parameters
        ----------
        candid
            The alert.
        label
            A word or a few, of up to 40 characters; spaces around it are dropped.
        note
            A note; where None, the one that there is stays.
        object_id
            Its object; where empty, what is known of it stays.
        wait
            Whether to write it now. Otherwise `save` does, or the next change that waits.

        Raises
        ------
        ConfigError
            If the label or note is none.
        SourceError
            If it cannot be written now. It is kept in memory and written later.
        """
        word, number = word_of(label), candid_of(candid)
        with self._lock:
            before = self._labels.get(number) or Label(number, "", "", "", "")
            told = Label(
                number,
                name_of(object_id) or before.object_id,
                word,
                before.note if note is None else note_of(note),
                f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
                self.by,
            )
            if astuple(told)[:4] != astuple(before)[:4]:
                self._put(told)
        if wait:
            self.save()

    def note(
        self,
        candid: int | np.integer[Any],
        note: str,
        *,
        object_id: str = "",
        wait: bool = True,
    ) -> None:
        """Write a note to an alert, whether it has a label or not; see `set`."""
        with self._lock:
            before = self._labels.get(candid_of(candid))
            label = "" if before is None else before.label
            self.set(candid, label, note=note, object_id=object_id, wait=False)
        if wait:
            self.save()

    def remove(self, candid: int | np.integer[Any], *, wait: bool = True) -> None:
        """Take away label and note of an alert; see `set`."""
        self.set(candid, "", note="", wait=wait)

    def _put(self, told: Label) -> None:
        self._pending.append(told)
        changed = dict(self._labels)
        _say(changed, told)
        self._labels = changed
        self._revision += 1

    def save(self) -> None:
        """Write what is not on the disk yet.

        Raises
        ------
        SourceError
            If it cannot be written. It stays in memory, to be written later.
        """
        with self._writing:
            with self._lock:
                waiting = list(self._pending)
            if not waiting:
                return
            text = "".join(
                f"{json.dumps(record_of(told), ensure_ascii=False)}\n" for told in waiting
            ).encode()
            try:
                begin = append(self.path, text)
            except OSError as error:
                count = len(waiting)
                raise SourceError(
                    f"{count:,} change{'s' if count > 1 else ''} of labels cannot be written to "
                    f"{self.path}: {_advice(error)}. Nothing is lost as long as this runs: "
                    "it is tried again."
                ) from None
            with self._lock:
                del self._pending[: len(waiting)]
                self._follower.pass_over(begin, text)
        self.refresh()

    def refresh(self) -> bool:
        """Read what other programs have added; return whether there was anything.

        Raises
        ------
        SourceError
            If the file cannot be read; what was known stays.
        """
        with self._lock:
            try:
                news = self._follower.read()
            except OSError as error:
                raise SourceError(f"cannot read {self.path}: {_advice(error)}") from None
            if news is None:
                return False
            before = self._labels
            labels = {} if news.anew else dict(before)
            if news.anew:
                self._problems = []
            touched = {
                candid
                for number, line in enumerate(news.lines, news.first)
                if (candid := _read(labels, line, number, self._problems)) is not None
            }
            self._torn = []
            touched.add(_read(labels, news.rest, news.first + len(news.lines), self._torn) or 0)
            for told in self._pending:
                _say(labels, told)
            self._labels = labels
            if news.anew:
                changed = labels != before
            else:
                changed = any(labels.get(candid) != before.get(candid) for candid in touched)
            self._revision += changed
            return changed


def _say(labels: dict[int, Label], told: Label) -> None:
    if told.label or told.note:
        labels[told.candid] = told
    else:
        labels.pop(told.candid, None)


def _read(labels: dict[int, Label], line: bytes, number: int, problems: list[str]) -> int | None:
    """Do what a line says; return the alert of which it says something."""
    try:
        told = read_line(line)
    except ConfigError as error:
        problems.append(f"line {number:,}: {error}")
        return None
    if told is None:
        return None
    _say(labels, told)
    return told.candid


def _advice(error: OSError) -> str:
    """Return what went wrong, and what to do about it."""
    if isinstance(error, TimeoutError):
        return f"{error.strerror}; close the other notebook, or name another file"
    todo = {
        errno.ENOSPC: "make room on it",
        errno.EDQUOT: "make room",
        errno.EACCES: "allow it, or name a file elsewhere, as in labels='~/labels.jsonl'",
        errno.EROFS: "name a file elsewhere, as in labels='~/labels.jsonl'",
        errno.ENOENT: "make the folder anew, or name another",
        errno.ENOTDIR: "name another folder",
        errno.EISDIR: "name a file, not a folder",
    }
    words = (error.strerror or str(error)).lower()
    found = todo.get(error.errno or 0)
    return f"{words}; {found}" if found else words
