"""Saving: alerts, a picture and the state of the browser, as downloads or beside the notebook."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import traitlets

from ztfnb.alert import Alert
from ztfnb.errors import ConfigError
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._savejob import KINDS, PICTURES, Cancelled, Job, Kind
from ztfnb.widgets._static import text_of

Where = Literal["download", "folder"]
WHERE: tuple[Where, ...] = get_args(Where)
MOST_BYTES = 128 * 1024 * 1024
"""The largest download: it travels through the notebook's connection in one piece."""

_MEDIA: dict[Kind, str] = {
    "avro": "application/octet-stream",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "ecsv": "text/plain",
    "png": "image/png",
    "pdf": "application/pdf",
    "state": "application/json",
}


class Save(Part):
    """Buttons that save: what is marked, else the alert in view; its picture; the browser's state.

    Packets are saved as they came, or as a table of the detections. Work is done in a thread, with
    a word on how far it is, and can be cancelled.

    Parameters
    ----------
    alerts
        Alerts to offer. In a browser they are those that `alerts_of` names.
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "save.js")
    _css = text_of("choice.css", "save.css")
    _offer = traitlets.Dict().tag(sync=True)
    _work = traitlets.Dict().tag(sync=True)

    def __init__(self, alerts: Alert | Iterable[Alert] = (), *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        several = [alerts] if isinstance(alerts, Alert) else alerts
        held = {alert.candid: alert for alert in several}
        self.alerts_of: Callable[[], Sequence[int]] = lambda: tuple(held)
        """Returns the candids to be saved now."""
        self.in_view: Callable[[], int | None] = lambda: next(iter(self.alerts_of()), None)
        """Returns the candid of which a picture is made."""
        self.fetch: Callable[[int], Alert] = held.__getitem__
        """Returns an alert; called in a thread, it may take time."""
        self.others_of: Callable[[Alert], Iterable[Alert]] = lambda _alert: ()
        """Returns more alerts of an alert's object, for its light curve; called in a thread."""
        self.picture_options: Callable[[], Mapping[str, Any]] = dict
        """Returns options of `ztfnb.picture`: ``look`` and ``view``."""
        self.state_of: Callable[[], str] | None = None
        """Returns the browser's state as text; without a browser there is none."""
        # The notebook's folder: a cell may change the working directory later.
        self.folder = Path.cwd()
        """Where files go that are not downloaded."""
        self._where: Where = "download"
        self._thread: threading.Thread | None = None
        self._job = Job("state")
        with self.pump.lock:
            self._say("idle", "")
            self.refresh()

    # -- What code may do ------------------------------------------------------------------

    def start(self, kind: Any) -> None:
        """Begin to save: ``avro``, ``parquet``, ``csv``, ``ecsv``; ``png``, ``pdf``; or ``state``.

        Nothing happens while something else is being saved.

        Raises
        ------
        ConfigError
            If there is no such kind, or nothing to be saved.
        """
        if kind not in KINDS:
            raise ConfigError(f"kind: expected {', '.join(KINDS)}, got {str(kind)[:40]!r}")
        with self.pump.lock:
            if self._thread is not None:
                return
            self._job = self._job_of(kind)
            self._say("running", "")
            self._thread = threading.Thread(
                target=self._run, args=(self._job, self._where), name="ztfnb save", daemon=True
            )
            self._thread.start()

    def cancel(self) -> None:
        """Give up what is being saved."""
        self._job.cancelled.set()

    def refresh(self) -> None:
        """Show how many alerts would be saved now."""
        with self.pump.lock:
            self._offer = {
                "count": len(self.alerts_of()),
                "picture": self.in_view() is not None,
                "state": self.state_of is not None,
                "where": self._where,
                "folder": str(self.folder),
            }

    @property
    def settings(self) -> dict[str, Any]:
        """Where files go: ``download``, or the notebook's ``folder``."""
        return {"where": self._where}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        wanted = settings.get("where", self._where)
        where = next((one for one in WHERE if one == wanted), None)
        if set(settings) - {"where"} or where is None:
            raise ConfigError(
                f"expected the setting where, {' or '.join(WHERE)}, got {settings!r:.60}"
            )
        with self.pump.lock:
            self._where = where
            self.refresh()

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        try:
            match message.get("kind"):
                case "save":
                    self.start(message.get("what"))
                case "cancel":
                    self.cancel()
                case "where":
                    self.settings = {"where": message.get("value")}
        except ConfigError as error:
            self._say("failed", str(error))

    def beat(self) -> bool:
        """Show how many alerts would be saved, if that has changed."""
        before = self._offer
        self.refresh()
        if self._offer == before:
            return False
        self.send({"kind": "told"})
        return True

    # -- What is done ----------------------------------------------------------------------

    def _job_of(self, kind: Kind) -> Job:
        if kind == "state":
            if self.state_of is None:
                raise ConfigError("there is no browser here whose state could be saved")
            return Job(kind, state=self.state_of())
        shown = self.in_view()
        candids = tuple(self.alerts_of())
        if kind in PICTURES:
            candids = () if shown is None else (shown,)
        if not candids:
            raise ConfigError("there is no alert to save: select one, or mark some")
        return Job(
            kind,
            candids,
            self.fetch,
            self.others_of,
            dict(self.picture_options()) if kind in PICTURES else {},
            tell=lambda words: self.pump.call(partial(self._tell, words)),
        )

    def _run(self, job: Job, where: Where) -> None:
        state, handed = "done", b""
        try:
            if where == "folder":
                name = job.write(self.folder).name
                said = f"saved in the notebook's folder as {name}"
            else:
                with tempfile.TemporaryDirectory(prefix="ztfnb-") as folder:
                    made = job.write(Path(folder))
                    handed, name = _read(made), made.name
                said = f"downloaded {name}"
            if job.lost:
                said += f", without {job.lost:,} that could not be fetched: {job.reason}"
        except Cancelled:
            state, said, name = "done", "cancelled", ""
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            state, said, name = "failed", f"not saved: {error}", ""
        self.pump.call(partial(self._ended, state, said, name, handed))

    def _tell(self, words: str) -> None:
        if self._thread is not None:
            self._say("running", words)

    def _ended(self, state: str, said: str, name: str, content: bytes) -> None:
        self._thread = None
        if content:
            self.hand_over(name, content, _MEDIA[self._job.kind])
        self._say(state, said)

    def _say(self, state: str, words: str) -> None:
        self._work = {"state": state, "words": words}


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ConfigError(
            f"{size / 1e6:,.0f} MB are too many for a download: let it go to the notebook's folder"
        )
    return path.read_bytes()
