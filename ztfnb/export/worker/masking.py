"""No secret leaves a worker: not by its log, not by what it answers, not by its settings."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.kafka_config import client_properties, is_secret

MASK = "***"
_PASSWORD = "ZTFNB_KAFKA_PASSWORD"  # noqa: S105 - the name of a variable
_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]*@")


def scrubber(settings: WorkerSettings, environ: Mapping[str, str]) -> Callable[[str], str]:
    """Return what takes the secrets of a worker's connections out of a text.

    Raises
    ------
    ConfigError
        If a setting is wrong, or a secret is missing or lies where others can read it.
    """
    secrets = {environ.get(_PASSWORD, "")}
    for address in (settings.source, settings.output):
        properties = client_properties(
            urlsplit(address).netloc,
            {},
            settings.kafka,
            insecure=settings.insecure,
            environ=environ,
        )
        secrets |= {str(value) for name, value in properties.items() if is_secret(name)}
    # As JSON writes them, too, where that is different.
    written = {
        json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        for secret in secrets
        for ascii_only in (False, True)
    }
    longest_first = sorted((secrets | written) - {""}, key=len, reverse=True)

    def scrub(text: str) -> str:
        for secret in longest_first:
            text = text.replace(secret, MASK)
        return without_user(text)

    return scrub


def without_user(text: str) -> str:
    """Return a text in which no address has a user name and password."""
    return _IN_ADDRESS.sub(f"{MASK}@", text)


def shown(settings: WorkerSettings) -> dict[str, Any]:
    """Return settings as plain values, for the first line of the log; secrets are masked."""
    told = {one.name: getattr(settings, one.name) for one in dataclasses.fields(settings)}
    told["bundles"] = [str(folder) for folder in settings.bundles]
    told["limits"] = dataclasses.asdict(settings.limits)
    told["params"] = dict(settings.params)
    told["kafka"] = {
        name: MASK if is_secret(name) else value for name, value in settings.kafka.items()
    }
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return without_user(value) if isinstance(value, str) else value
