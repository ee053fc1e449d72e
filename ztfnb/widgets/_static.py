"""The scripts and styles that the widgets bring to the page: plain files, no build step."""

from __future__ import annotations

from importlib.resources import files

_FOLDER = files("ztfnb.widgets") / "static"


def text_of(*names: str) -> str:
    """Return files of ``static/`` as one text: a widget's module is a single script."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)
