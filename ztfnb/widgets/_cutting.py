"""The cuts of a table as its page edits them: chips, what is searched for, and what went wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ztfnb.cuts import Cut, Cuts, Held, check, search_cut
from ztfnb.errors import SelectionError
from ztfnb.ranges import Range
from ztfnb.selection import parse

_LONGEST_ID = 40


class CutBox:
    """Cuts that messages of a page change, one at a time; a refused one changes nothing.

    It writes no trait and sends nothing: the table that it belongs to tells the page its `state`.
    """

    def __init__(self) -> None:
        self.cuts = Cuts()
        """Those shown as chips."""
        self.search = ""
        """What stands in the search box."""
        self._sought: Cut | None = None
        self._error: dict[str, Any] | None = None
        self._answered = ""
        self._counts: dict[Cut, int] = {}
        self._held = 0

    @property
    def every(self) -> Cuts:
        """All that listed alerts fulfil: the cuts, and that of the search."""
        return self.cuts if self._sought is None else self.cuts.with_(self._sought)

    def set(self, cuts: Cuts, search: str = "") -> None:
        """Take other cuts, and search for something else or for nothing.

        Raises
        ------
        SelectionError
            If what is searched for can be no name; then nothing changes.
        """
        self._sought = search_cut(search)
        self.search = search.strip()
        self.cuts = cuts
        self._error = None

    def receive(self, message: Mapping[str, Any], held: Held) -> bool:
        """Act on a message of the page.

        Parameters
        ----------
        message
            ``act`` is ``"add"`` or ``"remove"`` with a ``text``; ``"replace"`` with ``old`` and
            ``text``; ``"clear"``; ``"search"`` with a ``text``; or ``"range"`` with a ``field``,
            ``low``, ``high`` and ``whole``.
        held
            The alerts that the cuts are for.

        Returns
        -------
        bool
            Whether other alerts are to be listed now.
        """
        before = self.every
        self._answered = str(message.get("id", ""))[:_LONGEST_ID]
        text = str(message.get("text", ""))
        searching = message.get("act") == "search"
        try:
            self.set(
                *(
                    (self.cuts, text)
                    if searching
                    else (self._edited(message, text, held), self.search)
                )
            )
        except SelectionError as error:
            self.refuse(error, box="search" if searching else "cut", text=text)
        return self.every != before

    def _edited(self, message: Mapping[str, Any], text: str, held: Held) -> Cuts:
        match message.get("act"):
            case "add" | "replace" if text.strip():
                # Read as a whole first: the place of an error counts in what was typed.
                check(parse(text), held)
                old = str(message.get("old", ""))
                return self.cuts.replaced(old, text) if old else self.cuts.with_(text)
            case "remove":
                return Cuts([cut for cut in self.cuts if cut.text != text])
            case "clear":
                return Cuts()
            case "range":
                return self._ranged(message, held)
        return self.cuts

    def _ranged(self, message: Mapping[str, Any], held: Held) -> Cuts:
        name = str(message.get("field", ""))
        ends = [message.get("low"), message.get("high")]
        low, high = (float(end) if isinstance(end, int | float) else None for end in ends)
        cuts = self.cuts.with_range(name, low, high, whole=bool(message.get("whole")))
        for cut in cuts:
            if cut not in self.cuts:
                check(cut.selection, held)
        return cuts

    def refuse(self, error: SelectionError, *, box: str = "cut", text: str = "") -> None:
        """Show an error under one of the boxes.

        Parameters
        ----------
        error
            What is wrong.
        box
            ``"cut"`` or ``"search"``.
        text
            What was typed there, if anything.
        """
        self._error = {
            "box": box,
            "typed": text,
            "text": error.text,
            "position": error.position,
            "length": error.length,
            "reason": error.reason,
            "close": list(error.close),
        }

    def counted(self, cuts: Cuts, counts: Sequence[int], held: int) -> None:
        """Take note how many of the alerts held fulfil each cut, to be shown beside it."""
        self._counts = dict(zip(cuts, counts, strict=True))
        self._held = held

    def state(self) -> dict[str, Any]:
        """Return what the page shows, as JSON."""
        return {
            "chips": [{"text": cut.text, "kept": self._counts.get(cut)} for cut in self.cuts],
            "held": self._held,
            "search": self.search,
            "ranges": {name: _ends(found) for name, found in self.cuts.ranges.items()},
            "error": self._error,
            "answered": self._answered,
        }


def _ends(found: Range) -> list[float | None]:
    return [end if math.isfinite(end) else None for end in found]
