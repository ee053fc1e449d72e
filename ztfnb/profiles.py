"""Profiles: the places that a user's alerts come from, by name.

``~/.config/ztfnb/profiles.toml`` (or the file that ``ZTFNB_CONFIG`` names) holds one table for
each place that alerts come from::

    [uw]
    bootstrap = "alerts.example.org:9092"
    topics = "ztf_{date}_programid{programid}"   # or a list of names
    programids = [1]                             # with {programid}; 1 unless given
    nights = 2                                   # with {date}; tonight and the one before
    start = "latest"                             # as `ztfnb.source.parse_start` reads it
    insecure = false                             # true allows plaintext to another machine

    [uw.settings]                                # anything that librdkafka knows
    "sasl.username" = "me"
    "sasl.password" = "env:UW_PASSWORD"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ztfnb.errors import ConfigError
from ztfnb.kafka_config import Properties, Settings, addresses


@dataclass(frozen=True)
class Profile:
    """One table of the profiles file; its keys are in the docstring of this module."""

    name: str
    bootstrap: str
    topics: str | tuple[str, ...]
    programids: tuple[int, ...] = (1,)
    nights: int = 2
    start: str = "latest"
    insecure: bool = False
    settings: Settings = field(default_factory=dict)


def profile(name: str, environ: Mapping[str, str] | None = None) -> Profile:
    """Return the profile of this name from the user's profiles file.

    Raises
    ------
    ConfigError
        If there is no such file or profile, or it does not say what it must.
    """
    path = profiles_path(environ)
    tables = _tables(path)
    if name not in tables:
        known = ", ".join(sorted(tables)) or "none"
        raise ConfigError(
            f"no profile {name!r} in {path} (there: {known}); "
            f"add a table [{name}] with bootstrap and topics"
        )
    return _profile(name, tables[name], path)


def profile_names(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the names of all profiles; none where there is no file."""
    return tuple(_tables(profiles_path(environ)))


def profiles_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the profiles file is looked for."""
    environ = os.environ if environ is None else environ
    if environ.get("ZTFNB_CONFIG"):
        return Path(environ["ZTFNB_CONFIG"]).expanduser()
    home = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "ztfnb" / "profiles.toml"


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read profiles from {path}: {error}") from None
    wrong = [name for name, table in content.items() if not isinstance(table, dict)]
    if wrong:
        raise ConfigError(f"{path}: expected tables such as [uw], got {', '.join(wrong)}")
    return content


def _profile(name: str, table: Mapping[str, Any], path: Path) -> Profile:
    where = f"{path}, [{name}]"
    kinds: dict[str, type | tuple[type, ...]] = {
        "bootstrap": str,
        "topics": (str, list),
        "programids": list,
        "nights": int,
        "start": str,
        "insecure": bool,
        "settings": dict,
    }
    unknown = sorted(set(table) - set(kinds))
    if unknown:
        raise ConfigError(f"{where}: expected {', '.join(kinds)}; got {', '.join(unknown)}")
    missing = [key for key in ("bootstrap", "topics") if not table.get(key)]
    if missing:
        raise ConfigError(f"{where}: {' and '.join(missing)} must be given")
    for key, value in table.items():
        if not isinstance(value, kinds[key]):
            raise ConfigError(f"{where}: {key} is of the wrong kind: {type(value).__name__}")
    addresses(table["bootstrap"])
    # Properties: a secret written here against all advice shows in no repr.
    settings = Properties(table.get("settings", {}))
    simple = {key: _frozen(value) for key, value in table.items() if key != "settings"}
    return Profile(name, settings=settings, **simple)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
