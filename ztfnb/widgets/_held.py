"""What views of all that is held look at."""

from __future__ import annotations

from typing import Protocol

from ztfnb.snapshot import Snapshot


class Held(Protocol):
    """What is shown: `ztfnb.store.Store`, or anything that gives snapshots."""

    @property
    def revision(self) -> int:
        """A number that grows with every change."""

    def snapshot(self) -> Snapshot:
        """Return what is held now."""
