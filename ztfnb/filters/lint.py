"""What a careful reader would say of a filter's source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing in the source that may be wrong."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


def lint(made: Filter) -> tuple[Remark, ...]:
    """Return what may be wrong in the source of a filter, by line."""
    del made
    return ()
