"""What a worker is told to do: a pure value, made from options, the environment and a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ztfnb.errors import ConfigError
from ztfnb.export.worker.bundle import PARAM
from ztfnb.export.worker.route import Route
from ztfnb.kafka_config import Properties, is_secret

PREFIX = "ZTFNB_"
KAFKA = "ZTFNB_KAFKA_"
"""Variables of Kafka client settings: ``ZTFNB_KAFKA_SECURITY_PROTOCOL`` sets
``security.protocol``."""
# These three `ztfnb.kafka_config` reads by itself.
_USER, _PASSWORDS = f"{KAFKA}USERNAME", (f"{KAFKA}PASSWORD", f"{KAFKA}PASSWORD_FILE")
_POINTER = re.compile("(env|file|keyring):")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_STARTS = ("latest", "beginning")
_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a filter may use up for one alert before this costs the alert."""

    seconds: float = 5.0
    memory: int = 1 << 30
    """Bytes, beyond what the process has when the filter is ready."""
    setup_seconds: float = 120.0
    """How long importing a filter and its setup may take."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told to do."""

    bundles: tuple[Path, ...]
    source: str
    """``kafka://HOST:PORT/TOPIC``; several topics with commas between them; a topic of each night
    where the name has ``{date}``, as ``ztf_{date}_programid1``."""
    output: str
    """``kafka://HOST:PORT/TOPIC``; ``{filter}`` in it stands for the name of each filter."""
    dead_letters: str = ""
    """Topic of what failed, beside the output; unless given, the output's with
    ``-dead-letters``."""
    group: str = ""
    """Consumer group; unless given, ``ztfnb-`` and the names of the filters."""
    start: str = "latest"
    """Where a group that is new begins: ``latest`` or ``beginning``. Topics that appear later are
    read from their beginning."""
    until_caught_up: bool = False
    """End, with exit code 0, when everything that is there has been judged."""
    transactional: bool = False
    transactional_id: str = ""
    """Of this worker, another for each of a group; unless given, of group and host name."""
    batch: int = 1_000
    """Alerts judged together, at most: what is done again after a crash."""
    limits: Limits = field(default_factory=Limits)
    strict: bool = False
    """Deny the filter files, sockets, environment and further processes."""
    host: str = "127.0.0.1"
    port: int | None = None
    """Of ``/healthz``, ``/readyz`` and ``/metrics``; 0 for any that is free, None for none."""
    log_level: str = "info"
    """``debug``, ``info``, ``warning`` or ``error``."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Variables ``ZTFNB_PARAM_...``: thresholds set otherwise than exported."""
    kafka: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the Kafka clients, as `ztfnb.kafka_config.client_properties` takes them."""
    insecure: bool = False


def settings_from(
    environ: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> WorkerSettings:
    """Return what a worker is told: by options, else the environment, else a file, else defaults.

    Parameters
    ----------
    environ
        Variables ``ZTFNB_SOURCE``, ``ZTFNB_PARAM_RB_MIN``, ``ZTFNB_KAFKA_...`` and so on.
    given
        Options by the names of `WorkerSettings` and `Limits`; ``config``, the path of a TOML file
        (else ``ZTFNB_WORKER_CONFIG`` names one), with the same names, and tables ``kafka`` and
        ``params``; ``params`` here too, a mapping or texts ``NAME=VALUE``. What is None was not
        given.

    Raises
    ------
    ConfigError
        Names the option, variable or key, and says what was expected of it.
    """
    options = {name: value for name, value in (given or {}).items() if value is not None}
    config = options.pop("config", None) or environ.get(f"{PREFIX}WORKER_CONFIG")
    table = _read_table(Path(config)) if config else {}
    bundles = tuple(Path(bundle) for bundle in options.pop("bundles", ()))
    if not bundles:
        raise ConfigError("no bundle: name the folder that f.export(folder) wrote")
    params = {
        **_params(table.pop("params", {}), f"{config}, [params]"),
        **{name: text for name, text in environ.items() if name.startswith(PARAM)},
        **_params(options.pop("params", {}), "--param"),
    }
    kafka = Properties(
        {
            **_table_of(table.pop("kafka", {}), f"{config}, [kafka]"),
            **_kafka_in(environ),
            **options.pop("kafka", {}),
        }
    )
    _check_login(environ, kafka)
    values = _values(environ, options, table, str(config or ""))
    for name in ("source", "output"):
        if not values.get(name):
            raise ConfigError(
                f"no {name}: give {_option(name)} kafka://HOST:PORT/TOPIC, or set {PREFIX}"
                f"{name.upper()}"
            )
    limits = Limits(**{name: values.pop(name) for name in _LIMITS if name in values})
    settings = WorkerSettings(bundles, limits=limits, params=params, kafka=kafka, **values)
    Route.of(settings, ("{filter}",))  # refuses what cannot be; names are known later
    return settings


def _values(
    environ: Mapping[str, str], options: Mapping[str, Any], table: Mapping[str, Any], config: str
) -> dict[str, Any]:
    """Return the value of each setting that somebody gave, read as its kind demands."""
    for names, where in ((options, "options"), (table, config)):
        unknown = sorted(set(names) - set(_READERS))
        if unknown:
            raise ConfigError(
                f"{where}: expected some of {', '.join(sorted(_READERS))}; got {', '.join(unknown)}"
            )
    values = {}
    for name, read in _READERS.items():
        variable = f"{PREFIX}{name.upper()}"
        if name in options:
            values[name] = read(options[name], _option(name))
        elif environ.get(variable):
            values[name] = read(environ[variable], variable)
        elif name in table:
            values[name] = read(table[name], f"{config}, {name}")
    return values


def _option(name: str) -> str:
    spoken = {"source": "from", "output": "to"}.get(name, name)
    return f"--{spoken.replace('_', '-')}"


def _read_table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.expanduser().read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: expected a TOML file of settings: {reason}") from None


def _table_of(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a table, got {type(value).__name__}")
    return dict(value)


def _params(given: Any, where: str) -> dict[str, str]:
    """Return thresholds as the variables that set them."""
    if isinstance(given, Mapping):
        pairs = [(str(name), _spoken(value)) for name, value in given.items()]
    else:
        split = [str(text).partition("=") for text in given]
        for name, sign, _ in split:
            if not name or not sign:
                raise ConfigError(f"{where}: expected NAME=VALUE, got {name!r}")
        pairs = [(name, value) for name, _, value in split]
    return {
        name if name.startswith(PARAM) else f"{PARAM}{name.replace('.', '__').upper()}": value
        for name, value in pairs
    }


def _spoken(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kafka_in(environ: Mapping[str, str]) -> dict[str, str]:
    """Return client settings of the environment; a secret as a pointer to its variable."""
    found = {}
    for variable, text in environ.items():
        if variable.startswith(KAFKA) and variable not in (_USER, *_PASSWORDS) and text:
            name = variable.removeprefix(KAFKA).lower().replace("_", ".")
            pointed = not is_secret(name) or _POINTER.match(text)
            found[name] = text if pointed else f"env:{variable}"
    return found


def _check_login(environ: Mapping[str, str], kafka: Mapping[str, Any]) -> None:
    """Refuse a password of nobody: where no login is asked for, it would be left out in silence."""
    given = next((variable for variable in _PASSWORDS if environ.get(variable)), None)
    if given and not environ.get(_USER) and "sasl.username" not in kafka:
        raise ConfigError(f"{given} is set, but no user name: set {_USER}, or unset {given}")


# Values, each from text or from what TOML makes of it


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where}: expected a text, got {value!r}")
    return value.strip()


def _flag(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ConfigError(f"{where}: expected true or false, got {value!r}")
    return word in _TRUE


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not 0 < number < float("inf"):
        raise ConfigError(f"{where}: expected a number of seconds above 0, got {value!r}")
    return number


def _count(lowest: int, highest: int) -> Callable[[Any, str], int]:
    def read(value: Any, where: str) -> int:
        text = str(value).strip()
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ConfigError(
                f"{where}: expected a whole number from {lowest} to {highest}, got {value!r}"
            )
        return int(text)

    return read


def _size(value: Any, where: str) -> int:
    match = re.fullmatch(r"(\d+)\s*([kmg]?)(i?b)?", str(value).strip().lower())
    size = int(match[1]) * _UNITS[match[2]] if match else 0
    if not size:
        raise ConfigError(f"{where}: expected a size such as 512m or 1g, got {value!r}")
    return size


def _one_of(choices: tuple[str, ...]) -> Callable[[Any, str], str]:
    def read(value: Any, where: str) -> str:
        word = str(value).strip().lower()
        if word not in choices:
            raise ConfigError(f"{where}: expected {' or '.join(choices)}, got {value!r}")
        return word

    return read


_LIMITS = tuple(limit.name for limit in fields(Limits))
_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "source": _text,
    "output": _text,
    "dead_letters": _text,
    "group": _text,
    "start": _one_of(_STARTS),
    "until_caught_up": _flag,
    "transactional": _flag,
    "transactional_id": _text,
    "batch": _count(1, 100_000),
    "seconds": _number,
    "memory": _size,
    "setup_seconds": _number,
    "strict": _flag,
    "host": _text,
    "port": _count(0, 65_535),
    "log_level": _one_of(_LEVELS),
    "insecure": _flag,
}
