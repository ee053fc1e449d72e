"""A form that exports the filter of a lab, and says what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from ztfnb.errors import ConfigError, ExportError, ZtfnbError
from ztfnb.export.exported import Exported
from ztfnb.export.facts import slug_of
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets.save import MOST_BYTES

if TYPE_CHECKING:
    from ztfnb.filters.report import Report

_LONGEST = 4_000
_LONGEST_NAME = 400
_OPTIONS = ("archive", "fresh", "overwrite")
_IDLE: Mapping[str, Any] = {"state": "idle", "words": "", "differing": 0, "folder": "", "zip": ""}


class ExportForm(Part):
    """Writes the filter as a bundle, proven on the alerts of the report that is shown.

    Work is done in a thread, with a word on how far it is. What is refused is told in full, and the
    alerts that the bundle decides otherwise can be looked at.

    Parameters
    ----------
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "exportform.js")
    _css = text_of("exportform.css")
    _offer = traitlets.Dict().tag(sync=True)
    _work = traitlets.Dict().tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        # The notebook's folder: a cell may change the working directory later.
        self.folder = Path.cwd()
        """Where bundles go."""
        self.on_list: Callable[[str, Sequence[int]], None] = lambda _title, _candids: None
        """Called with the alerts that a bundle decided otherwise, and what they are."""
        self.exported: Exported | None = None
        """What was written last."""
        self.refused: Exception | None = None
        """Why the last attempt was refused; None where it was not."""
        self._report: Report | None = None
        self._thread: threading.Thread | None = None
        with self.pump.lock:
            self._work = dict(_IDLE)
            self.offer(None)

    # -- What code may do ------------------------------------------------------------------

    def offer(self, report: Report | None) -> None:
        """Offer the filter of a report, to be proven on its alerts."""
        with self.pump.lock:
            self._report = report
            if report is None:
                self._offer = {"folder": "", "what": "", "home": str(self.folder)}
                return
            self._offer = {
                "folder": slug_of(report.filter.name),
                "what": f"{_called(report)}, to be proven on the {len(report):,} alerts of "
                f"{report.sample.name}",
                "home": str(self.folder),
            }

    def start(
        self,
        folder: str,
        *,
        archive: bool = False,
        fresh: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Begin to export; returns at once. See `ztfnb.export.bundling.export`.

        Nothing happens while another export is under way.

        Raises
        ------
        ConfigError
            If there is no report yet, or no name of a folder.
        """
        with self.pump.lock:
            if self._thread is not None:
                return
            if self._report is None:
                raise ConfigError("the filter has not been evaluated yet")
            if not folder.strip():
                raise ConfigError("name a folder for the bundle")
            work = partial(
                self._report.filter.export,
                self.folder / Path(folder.strip()).expanduser(),
                verify=self._report,
                archive=archive,
                fresh=fresh,
                overwrite=overwrite,
                progress=False,
                say=self._say,
            )
            self._work = {**_IDLE, "state": "running", "words": "beginning"}
            self._thread = threading.Thread(
                target=self._run, args=(work,), name="ztfnb export", daemon=True
            )
            self._thread.start()

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "export":
                options = {name: message.get(name) is True for name in _OPTIONS}
                try:
                    self.start(str(message.get("folder", ""))[:_LONGEST_NAME], **options)
                except ConfigError as error:
                    self._work = {**_IDLE, "state": "failed", "words": str(error)}
            case "differing":
                self._list()
            case "download":
                self._download()

    # -- What is done ----------------------------------------------------------------------

    def _run(self, work: Callable[[], Exported]) -> None:
        found: Exported | Exception
        try:
            found = work()
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            found = error
        self.pump.call(partial(self._ended, found))

    def _say(self, words: str) -> None:
        self.pump.call(partial(self._tell, words))

    def _tell(self, words: str) -> None:
        if self._thread is not None:
            self._work = {**_IDLE, "state": "running", "words": words}

    def _ended(self, found: Exported | Exception) -> None:
        self._thread = None
        if isinstance(found, Exception):
            self.refused = found
            told = str(found) if isinstance(found, ZtfnbError) else repr(found)
            count = len(self._differing)
            self._work = {
                **_IDLE, "state": "failed", "words": told[:_LONGEST], "differing": count
            }  # fmt: skip
            return
        self.exported, self.refused = found, None
        near = found.folder.is_relative_to(self.folder)
        remarks = [*found.remarks]
        if found.before is not None:
            remarks.append(f"What had been changed by hand is kept in {found.before.name}.")
        self._work = {
            **_IDLE,
            "state": "done",
            "words": " ".join([f"Written and proven: {found.proof}.", *remarks])[:_LONGEST],
            # The page finds it in the file browser by this.
            "folder": found.folder.relative_to(self.folder).as_posix() if near else "",
            "path": str(found.folder),
            "zip": "" if found.archive is None else found.archive.name,
        }

    @property
    def _differing(self) -> list[int]:
        error = self.refused
        found = error.differences if isinstance(error, ExportError) else ()
        return [candid for one in found if (candid := getattr(one, "candid", None)) is not None]

    def _list(self) -> None:
        candids = self._differing
        if candids:
            self.on_list("decided otherwise by the bundle", candids)

    def _download(self) -> None:
        archive = None if self.exported is None else self.exported.archive
        if archive is None:
            return
        try:
            content = archive.read_bytes() if archive.stat().st_size <= MOST_BYTES else b""
        except OSError as error:
            content, reason = b"", error.strerror or str(error)
        else:
            reason = "it is too large for a download through this page"
        if content:
            self.hand_over(archive.name, content, "application/zip")
        else:
            self._work = {**self._work, "words": f"{archive.name}: {reason}"}


def _called(report: Report) -> str:
    params = ", ".join(f"{name}={value!r}" for name, value in report.params.items())
    return f"{report.filter.name}({params})"
