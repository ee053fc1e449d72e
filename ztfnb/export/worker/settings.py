"""What a worker is told to do: a pure value, made from options, a file and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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
    batch: int = 1_000
    """Alerts judged together, at most: what is done again after a crash."""
    limits: Limits = field(default_factory=Limits)
    strict: bool = False
    """Deny the filter files, sockets, environment and further processes."""
    host: str = "127.0.0.1"
    port: int | None = None
    """Of ``/healthz``, ``/readyz`` and ``/metrics``; 0 for any that is free, None for none."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Variables ``ZTFNB_PARAM_...``: thresholds set otherwise than exported."""
    kafka: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the Kafka clients, as `ztfnb.kafka_config.client_properties` takes them."""
    insecure: bool = False
