"""Files of a bundle that are the same for every filter, but for a few words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files as resources


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return the text of a template, with values in place of their names: ``«name»``.

    Parameters
    ----------
    template
        Its path in the folder of templates.
    values
        All that it names.
    """
    text = resources("ztfnb.export").joinpath("templates", *template.split("/")).read_text("utf-8")
    return re.sub("«([a-z_]+)»", lambda place: values[place[1]], text)
