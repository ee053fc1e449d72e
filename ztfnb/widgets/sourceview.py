"""The source of a filter, with what a careful reader would say at each line."""

from __future__ import annotations

from typing import Any

import traitlets

from ztfnb.filters.filter import Filter
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_MOST = 2_000
_LONGEST = 500


class SourceView(Part):
    """The text of a filter with line numbers, and each remark below its line.

    Parameters
    ----------
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "copy.js", "sourceview.js")
    _css = text_of("copy.css", "sourceview.css")
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.show(None)

    def show(self, made: Filter | None) -> None:
        """Show the source of a filter."""
        with self.pump.lock:
            self._shown = {"lines": [], "text": "", "note": ""} if made is None else _packed(made)


def _packed(made: Filter) -> dict[str, Any]:
    remarks: dict[int, list[str]] = {}
    first = made.code.line
    for remark in made.remarks:
        remarks.setdefault(remark.line, []).append(remark.text[:_LONGEST])
    lines = [
        {"number": number, "text": text[:_LONGEST], "remarks": remarks.pop(number, [])}
        for number, text in enumerate(made.source.splitlines()[:_MOST], first)
    ]
    # Of lines that are not shown, such as decorators'.
    others = [f"line {line}: {text}" for line, texts in remarks.items() for text in texts]
    count = len(made.remarks)
    told = f"{count:,} {'remark' if count == 1 else 'remarks'}" if count else "No remarks"
    return {"lines": lines, "text": made.source, "note": " ".join([f"{told}.", *others])}
