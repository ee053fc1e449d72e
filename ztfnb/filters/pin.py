"""One pinned alert, and how a filter decides on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.errors import SourceError
from ztfnb.filters.decision import Verdict


@dataclass(frozen=True, slots=True)
class Pin:
    """One alert of which it is known how a filter must decide."""

    candid: int
    object_id: str
    passes: bool
    """Whether it must pass."""
    note: str
    time: str
    """When it was pinned: UTC, ISO 8601."""
    checksum: str
    """SHA-256 of its packet, in hexadecimal digits."""
    file: Path = field(compare=False)

    @property
    def packet(self) -> bytes:
        """The packet, byte for byte as it was pinned.

        Raises
        ------
        SourceError
            If it is no longer there, or no longer the same.
        """
        try:
            packet = self.file.read_bytes()
        except OSError as error:
            raise SourceError(f"cannot read {self.file}: {error.strerror}; pin it again") from None
        if sha256(packet).hexdigest() != self.checksum:
            raise SourceError(f"{self.file} is not what was pinned; pin the alert again")
        return packet

    @property
    def alert(self) -> Alert:
        """The alert, decoded now."""
        return decode(self.packet)


@dataclass(frozen=True, slots=True)
class PinResult:
    """How a filter decides on a pinned alert."""

    candid: int
    expected: bool
    """Whether it must pass."""
    verdict: Verdict
    error: str = ""
    """Why it failed; empty where it did not."""
    note: str = ""

    @property
    def green(self) -> bool:
        """Whether it is decided as it must be; a failure never is."""
        return self.verdict == (Verdict.PASSED if self.expected else Verdict.REJECTED)

    def __repr__(self) -> str:
        return f"<PinResult {self}>"

    def __str__(self) -> str:
        expected = "must pass" if self.expected else "must be rejected"
        came = "" if self.green else f", {self.verdict.name.lower()}"
        why = f" ({self.error})" if self.error else ""
        note = f": {self.note}" if self.note else ""
        return f"{'green' if self.green else 'red'}: {self.candid} {expected}{came}{why}{note}"
