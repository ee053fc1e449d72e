"""What the files of a bundle say of its filter: the one value that every template is given."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ztfnb.export.worker.bundle import PARAM, VERSION_DIGITS, Bundle, params_in
from ztfnb.filters.threshold import Threshold, Value

_LONGEST = 40
"""Characters of a name to which Kubernetes adds its own, 63 together."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A filter as it is exported."""

    name: str
    """Of the function: ``young_and_real``."""
    title: str
    """The first line of its docstring; its name in words where it has none."""
    hash: str
    thresholds: tuple[Threshold, ...]
    params: Mapping[str, Value]
    distributions: tuple[str, ...]
    """Packages that its source imports."""
    python: str
    """Version of Python that it was proven with: ``3.11``."""
    ztfnb: str
    """Version of this package."""
    created: datetime
    """When it was exported (UTC)."""

    @property
    def slug(self) -> str:
        """The name as images, services and topics have it: ``young-and-real``."""
        return slug_of(self.name)

    @property
    def version(self) -> str:
        """The first digits of `hash`."""
        return self.hash[:VERSION_DIGITS]

    def variable_of(self, threshold: str) -> str:
        """Return the variable that sets a threshold where the filter runs; empty where none can.

        Variables of containers are ASCII, and do not tell small letters from capitals.
        """
        known = threshold.lower()
        if not threshold.isascii() or [one.lower() for one in self.params].count(known) > 1:
            return ""
        bundle = Bundle(Path(), self.name, self.hash)
        names = (threshold, f"{self.name}__{threshold}")
        found = (f"{PARAM}{name.upper()}" for name in names if name.isascii())
        return next((one for one in found if params_in({one: ""}, bundle) == {known: ""}), "")


def slug_of(name: str) -> str:
    """Return a filter's name as images, services and topics have it.

    Python's names may have letters that those may not, and be longer.
    """
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return "-".join(part for part in plain.split("_") if part)[:_LONGEST].strip("-") or "filter"
