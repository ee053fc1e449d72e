"""One thing that is being saved, away from the page's messages: it may take long."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal, get_args

from ztfnb.alert import Alert
from ztfnb.drawing import picture
from ztfnb.errors import NotHeldError
from ztfnb.saving import save

Kind = Literal["avro", "parquet", "csv", "ecsv", "png", "pdf", "state"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PICTURES = ("png", "pdf")

_NEWS = 0.2
"""Seconds between two words on how far it is."""
_LONGEST_NAME = 40


class Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """Somebody has changed their mind."""


@dataclass(slots=True)
class Job:
    """What is to be saved, and how far that is."""

    kind: Kind
    candids: tuple[int, ...] = ()
    """The alerts; of a picture the one that is drawn."""
    fetch: Callable[[int], Alert] | None = None
    """Returns an alert; it may take time and fail."""
    others_of: Callable[[Alert], Iterable[Alert]] = lambda _alert: ()
    """Returns more alerts of the object whose picture is drawn."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of `ztfnb.picture`."""
    state: str = ""
    """The browser's state."""
    tell: Callable[[str], None] = lambda _words: None
    """Takes a word on how far it is."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    lost: int = 0
    """Alerts that could not be fetched."""
    reason: str = ""
    """Why the last of them could not be."""

    def write(self, folder: Path) -> Path:
        """Write the file, under a name that is free in a folder, and return its path.

        Raises
        ------
        Cancelled
            If it was cancelled before the end; then there is no file.
        ZtfnbError
            If it cannot be written, or no alert could be fetched.
        """
        if self.kind == "state":
            path = _free(folder, f"browser-{_now()}", "json")
            path.write_text(self.state, encoding="utf-8")
            return path
        if self.kind in PICTURES:
            return self._write_picture(folder)
        if len(self.candids) == 1:
            # Fetched first, since it gives the name.
            alerts = list(self._fetched())
            path = _free(folder, _name(alerts[0]), self.kind)
            return save(alerts, path, progress=False)
        end = "tar.gz" if self.kind == "avro" else self.kind
        return save(self._fetched(), _free(folder, f"alerts-{_now()}", end), progress=False)

    def _write_picture(self, folder: Path) -> Path:
        (alert,) = self._fetched()
        self.tell("drawing")
        path = _free(folder, _name(alert), self.kind)
        picture(alert, path, alerts=self.others_of(alert), **self.options)
        return path

    def _fetched(self) -> Iterator[Alert]:
        """Yield the alerts; those that cannot be fetched are counted."""
        if self.fetch is None:
            return
        last = time.monotonic()
        total = len(self.candids)
        for done, candid in enumerate(self.candids, 1):
            if self.cancelled.is_set():
                raise Cancelled
            try:
                alert = self.fetch(candid)
            except Exception as error:  # noqa: BLE001 - told when all is done
                self.lost += 1
                self.reason = str(error)
            else:
                yield alert
            if time.monotonic() - last > _NEWS:
                last = time.monotonic()
                self.tell(f"{done:,} of {total:,} alerts")
        if self.cancelled.is_set():
            raise Cancelled
        if self.lost == total:
            raise NotHeldError(f"no packet could be fetched: {self.reason}")


def _name(alert: Alert) -> str:
    """Return a file's name, safe wherever it is saved."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', alert.object_id)[:_LONGEST_NAME]}_{alert.candid}"


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _free(folder: Path, name: str, end: str) -> Path:
    """Return a path that does not exist yet."""
    names = chain([f"{name}.{end}"], (f"{name}-{number}.{end}" for number in count(2)))
    return next(folder / one for one in names if not (folder / one).exists())
