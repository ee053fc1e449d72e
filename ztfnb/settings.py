"""What a setting may be, checked: it may come from a file that somebody made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ztfnb.errors import ConfigError


def flag(name: str, value: Any) -> bool:
    """Return a setting that is true or false.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{name}: expected true or false, got {value!r:.60}")
    return value


def one_of(options: tuple[str, ...]) -> Callable[[str, Any], str]:
    """Return a check of a setting that is one of several words, which raises `ConfigError`."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in options:
            raise ConfigError(f"{name}: expected {', '.join(options)}, got {value!r:.60}")
        return value

    return check
