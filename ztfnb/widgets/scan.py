"""Scanning: an alert after the other is labelled, with a key or a click each."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import traitlets

from ztfnb.errors import ConfigError, SourceError
from ztfnb.label import MAX_NOTE, MAX_WORD, Label, word_of
from ztfnb.labels import USUAL, Labels
from ztfnb.settings import flag
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

KEYS = dict(zip("gbm", USUAL, strict=True))
"""Keys of the usual labels. Those of other words are the digits from 1 on."""
_CLEAR = ("x", "0")
_UNDO, _NOTE = "u", "n"
_MOST_WORDS = 9
_MOST_UNDONE = 1_000
_RETRY = 5.0
"""Seconds until what could not be written is tried again."""
_LOOK = 1.0
"""Seconds between looks at what other programs have added."""


class Scan(Part):
    """Labels and a note for the alert in view, saved at once, and how far one has come.

    Keys: g good, b bad, m maybe, 1 to 9 words of one's own, x or 0 clears, u undoes, n goes to
    the note.

    Parameters
    ----------
    labels
        Where they are kept; ``Labels()``, the file ``labels.jsonl`` in the notebook's folder,
        where None.
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "scan.js")
    _css = text_of("scan.css")
    _shown = traitlets.Dict().tag(sync=True)
    _saved = traitlets.Dict().tag(sync=True)

    def __init__(self, labels: Labels | None = None, *, pump: Pump | None = None) -> None:
        # First: a widget that is given up half made is closed, too.
        held = Labels() if labels is None else labels
        super().__init__(pump=pump)
        self.labels = held
        """What was said so far."""
        self.on_change: Callable[[int], None] = lambda _candid: None
        """Called with a candid of which something else is said now."""
        self.on_labelled: Callable[[int], None] = lambda _candid: None
        """Called with a candid that got a label, where one wants to go on to the next."""
        self.on_select: Callable[[int], None] = lambda _candid: None
        """Called with the candid of an alert to be shown: the one that `undo` went back to."""
        self._candid: int | None = None
        self._object_id = ""
        self._set: tuple[int, ...] = ()
        self._auto = False
        self._words: list[str] = []
        self._undoable: list[tuple[int, Label | None, bool]] = []
        """Candid, what was said of it before, and whether only the note changed."""
        self._trouble = ""
        self._writer: threading.Thread | None = None
        self._retry_at = 0.0
        self._look_at = 0.0
        self._told = -1
        self._progress: tuple[int, tuple[int, int]] = (-1, (0, 0))
        with self.pump.lock:
            self._show_saved()
            self._show()

    # -- What code may do ------------------------------------------------------------------

    @property
    def candid(self) -> int | None:
        """The alert in view; setting it shows what is said of it."""
        return self._candid

    @candid.setter
    def candid(self, candid: int | None) -> None:
        self.look_at(candid)

    @property
    def object_id(self) -> str:
        """The object of the alert in view, which is kept with its label."""
        return self._object_id

    @object_id.setter
    def object_id(self, object_id: str) -> None:
        self.look_at(self._candid, object_id)

    def look_at(self, candid: int | None, object_id: str = "") -> None:
        """Show what is said of an alert of an object, or of none."""
        with self.pump.lock:
            self._candid, self._object_id = candid, object_id
            self._show()

    @property
    def words(self) -> tuple[str, ...]:
        """Words of one's own, of which the first nine have the keys 1 to 9; settable."""
        return tuple(self._words)

    @words.setter
    def words(self, words: Iterable[str]) -> None:
        self.settings = {"words": list(words)}

    @property
    def auto(self) -> bool:
        """Whether a label goes on to the next alert, by `on_labelled`."""
        return self._auto

    @auto.setter
    def auto(self, on: bool) -> None:
        self.settings = {"auto": on}

    def set_of(self, candids: Iterable[int]) -> None:
        """Show progress through these alerts; none: of all labels there are."""
        with self.pump.lock:
            self._set = tuple(dict.fromkeys(int(candid) for candid in candids))
            self._progress = (-1, (0, 0))
            self._show()

    @property
    def next_of_set(self) -> int | None:
        """The next alert of the set, after the one in view, that has no label yet."""
        words = self.labels.words
        start = self._set.index(self._candid) + 1 if self._candid in self._set else 0
        turned = self._set[start:] + self._set[:start]
        return next((candid for candid in turned if candid not in words), None)

    def label(self, word: str) -> None:
        """Label the alert in view; ``""`` takes its label away and leaves the note.

        Raises
        ------
        ConfigError
            If no alert is in view, or this is no word.
        """
        with self.pump.lock:
            if self._candid is None:
                raise ConfigError("no alert is in view: select one to label it")
            candid, word = self._candid, word_of(word)
            before, revision = self.labels.get(candid), self.labels.revision
            self.labels.set(candid, word, object_id=self._object_id, wait=False)
            self._said(candid, before, revision, is_note=False)
            if word and self._auto:
                self.on_labelled(candid)

    def note(self, text: str) -> None:
        """Write a note to the alert in view; ``""`` takes it away.

        Raises
        ------
        ConfigError
            If no alert is in view, or this is no note.
        """
        with self.pump.lock:
            if self._candid is None:
                raise ConfigError("no alert is in view: select one to write a note to it")
            self._note(self._candid, text, self._object_id)

    def undo(self) -> None:
        """Take back the last label or note that was given here, and show that alert."""
        with self.pump.lock:
            if not self._undoable:
                return
            candid, before, _ = self._undoable.pop()
            told = before or Label(candid, "", "", "", "")
            self.labels.set(
                candid, told.label, note=told.note, object_id=told.object_id, wait=False
            )
            self._changed(candid)
            if candid != self._candid:
                self.on_select(candid)

    def press(self, key: str) -> bool:
        """Do what a key means here; return whether it means anything."""
        own = self._words[int(key) - 1 : int(key)] if key in "123456789" and len(key) == 1 else []
        word = KEYS.get(key) or (own[0] if own else None)
        with self.pump.lock:
            if key == _UNDO:
                self.undo()
            elif self._candid is None or (word is None and key not in (*_CLEAR, _NOTE)):
                return False
            elif key == _NOTE:
                self.send({"kind": "note"})
            else:
                self.label(word or "")
            return True

    @property
    def settings(self) -> dict[str, Any]:
        """Words of one's own, and whether a label goes on to the next alert."""
        return {"words": list(self._words), "auto": self._auto}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        words = _words(settings.get("words", self._words))
        auto = flag("auto", settings.get("auto", self._auto))
        unknown = [name for name in settings if name not in ("words", "auto")]
        if unknown:
            raise ConfigError(f"expected the settings words and auto, got {str(unknown[0])[:40]!r}")
        with self.pump.lock:
            self._words, self._auto = words, auto
            self._show()

    def close(self) -> None:
        """Take the part off the page; what is not on the disk yet is written, or warned of."""
        if self.comm is not None and self.labels.unsaved:
            try:
                self.labels.save()
            except SourceError as error:
                warnings.warn(
                    f"{error} Now nothing here does so: call save() of its Labels.", stacklevel=2
                )
        super().close()

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        try:
            match message.get("kind"):
                case "press":
                    self.press(str(message["key"]))
                case "label":
                    self.label(str(message["word"]))
                case "note":
                    # What was typed belongs to the alert that was in view then.
                    self._note(int(message["candid"]), str(message["text"])[:MAX_NOTE],
                               str(message["object"]))  # fmt: skip
                case "undo":
                    self.undo()
                case "auto":
                    self.auto = bool(message["on"])
                case "csv":
                    self.hand_over("labels.csv", self.labels.csv().encode(), "text/csv")
                case "retry":
                    self._write()
        except ConfigError as error:
            self._trouble = str(error)
            self._show_saved()

    # -- Saying and saving -----------------------------------------------------------------

    def _note(self, candid: int, text: str, object_id: str) -> None:
        before, revision = self.labels.get(candid), self.labels.revision
        self.labels.note(candid, text, object_id=object_id, wait=False)
        self._said(candid, before, revision, is_note=True)

    def _said(self, candid: int, before: Label | None, revision: int, *, is_note: bool) -> None:
        self._trouble = ""
        if self.labels.revision == revision:
            self._show_saved()
            return
        # A note is sent while it is being typed; undone, it is taken back as a whole.
        if not (is_note and self._undoable and self._undoable[-1][::2] == (candid, True)):
            self._undoable = [*self._undoable[1 - _MOST_UNDONE :], (candid, before, is_note)]
        self._changed(candid)

    def _changed(self, candid: int) -> None:
        # In one message: what is shown is never said to be saved before it is.
        with self.hold_sync():
            self._show()
            self._write()
        self.on_change(candid)

    def _write(self) -> None:
        """Write to the disk, away from the page's messages: a disk may be slow."""
        with self.pump.lock:
            if self._writer is None:
                writer = threading.Thread(target=self._save, name="ztfnb labels")
                writer.start()
                # Afterwards: where the system has no more threads, the next beat tries again.
                self._writer = writer
            self._show_saved()

    def _save(self) -> None:
        while True:
            trouble = ""
            try:
                self.labels.save()
            except Exception as error:  # noqa: BLE001 - shown, and what is unsaved tried again
                trouble = str(error)
            with self.pump.lock:
                if self.labels.unsaved and not trouble:
                    continue
                self._writer = None
                self._trouble = trouble
                self._retry_at = time.monotonic() + _RETRY
            self.pump.call(self._show_saved)
            return

    def beat(self) -> bool:
        """Show what others have said, and try again to write what could not be."""
        now = time.monotonic()
        if self.labels.unsaved and self._writer is None and now >= self._retry_at:
            self._write()
        if now >= self._look_at:
            self._look_at = now + _LOOK
            try:
                self.labels.refresh()
            except (SourceError, ConfigError) as error:
                self._trouble = str(error)
                self._show_saved()
        if self.labels.revision == self._told:
            return False
        self._show()
        self.send({"kind": "told"})
        return True

    # -- What the page is told -------------------------------------------------------------

    def _show(self) -> None:
        told = None if self._candid is None else self.labels.get(self._candid)
        counts = self.labels.counts
        known = [*USUAL, *self._words]
        self._words += [word for word in counts if word not in known][: max(0, 50 - len(known))]
        self._told = self.labels.revision
        if self._progress[0] != self._told:
            self._progress = (self._told, self.labels.progress(self._set))
        done, total = self._progress[1]
        self._shown = {
            "candid": "" if self._candid is None else str(self._candid),
            "object": self._object_id or ("" if told is None else told.object_id),
            "label": "" if told is None else told.label,
            "note": "" if told is None else told.note,
            "words": [[word, key] for key, word in KEYS.items()]
            + [
                [word, str(place) if place <= _MOST_WORDS else ""]
                for place, word in enumerate(self._words, 1)
            ],
            "counts": [[word, count] for word, count in counts.items()],
            "done": done,
            "total": total,
            "auto": self._auto,
            "undo": len(self._undoable),
            "longest": [MAX_WORD, MAX_NOTE],
        }

    def _show_saved(self) -> None:
        labels = self.labels
        state = "trouble" if self._trouble else "saving" if labels.unsaved else "saved"
        problems = len(labels.problems)
        self._saved = {
            "state": state,
            "file": labels.path.name,
            "path": str(labels.path),
            "trouble": self._trouble,
            "unsaved": labels.unsaved,
            "any": len(labels) > 0,
            "note": f"{problems:,} lines of the file cannot be read (labels.problems)"
            if problems > 1
            else f"{labels.problems[0]} (it stays in the file)"
            if problems
            else "",
        }


def _words(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or len(value) > 50:
        raise ConfigError(f"words: expected a list of up to 50 words, got {str(value)[:40]!r}")
    words = [word_of(word) for word in value]
    return [word for word in dict.fromkeys(words) if word and word not in USUAL]
