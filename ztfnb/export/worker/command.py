"""``ztfnb filter run``: the worker of a container, from a terminal."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from ztfnb.commanding import add_json, add_verb
from ztfnb.errors import ConfigError

if TYPE_CHECKING:
    from ztfnb.commanding import Verbs
    from ztfnb.export.worker.numbers import WorkerNumbers

_TEXTS = (
    ("from", "source", "ADDRESS", "kafka://HOST:PORT/TOPIC to read; {date} in it for each night"),
    (
        "to",
        "output",
        "ADDRESS",
        "kafka://HOST:PORT/TOPIC for what passes; {filter} for each filter",
    ),
    ("group", "group", "NAME", "consumer group (default: ztfnb- and the names of the filters)"),
    ("start", "start", "WHERE", "where a new group begins: latest (default) or beginning"),
    ("dead-letters", "dead_letters", "TOPIC", "of what failed (default: output-dead-letters)"),
    ("batch", "batch", "N", "alerts judged together (default: 1000)"),
    ("seconds", "seconds", "S", "time for one alert in a filter (default: 5)"),
    ("memory", "memory", "SIZE", "memory for one alert in a filter, as 512m or 1g (default: 1g)"),
    ("setup-seconds", "setup_seconds", "S", "time to load a filter (default: 120)"),
    ("transactional-id", "transactional_id", "NAME", "of this worker (default: group and host)"),
    ("host", "host", "HOST", "where to answer (default: 127.0.0.1)"),
    ("port", "port", "N", "answer /healthz, /readyz, /metrics and /numbers there (default: no)"),
    ("log-level", "log_level", "LEVEL", "debug, info (default), warning or error"),
    ("config", "config", "FILE", "a TOML file of these settings, with tables kafka and params"),
)
_FLAGS = (
    ("until-caught-up", "end when everything that is there has been judged"),
    ("transactional", "write and commit in transactions: no duplicates after a crash"),
    ("strict", "deny the filters files, sockets, environment and further processes"),
    ("insecure", "allow plaintext to a broker elsewhere"),
)


def add_run(actions: Verbs) -> None:
    """Add ``run`` to the actions of ``ztfnb filter``."""
    verb = add_verb(
        actions,
        "run",
        run,
        "run exported filters from topic to topic, until it is interrupted",
        "ztfnb filter run young --from kafka://127.0.0.1:9092/night --to kafka://127.0.0.1:9092/young",
        "ztfnb filter run young old --from kafka://127.0.0.1:9092/night "
        "--to kafka://127.0.0.1:9092/{filter} --until-caught-up --json",
        "ztfnb filter run young --config worker.toml --param rb_min=0.8 --port 8080",
    )
    verb.add_argument("bundles", nargs="+", metavar="BUNDLE", help="a folder that was exported")
    for name, setting, value, meaning in _TEXTS:
        verb.add_argument(f"--{name}", dest=setting, metavar=value, help=meaning)
    verb.add_argument(
        "--param",
        dest="params",
        action="append",
        metavar="NAME=VALUE",
        help="set a threshold otherwise than exported; several times for several",
    )
    for name, meaning in _FLAGS:
        verb.add_argument(f"--{name}", action="store_true", default=None, help=meaning)
    add_json(verb)


def run(options: argparse.Namespace) -> int:
    """Run a worker as the options say, else the environment; return its exit code."""
    # Only now: this verb alone pays for them.
    from ztfnb.export.worker.progress import ProgressLine, report_of  # noqa: PLC0415
    from ztfnb.export.worker.service import WRONG_SETTINGS, serve  # noqa: PLC0415
    from ztfnb.export.worker.settings import settings_from  # noqa: PLC0415
    from ztfnb.export.worker.told import accounting_of  # noqa: PLC0415

    settings_of = (*(setting for _, setting, _, _ in _TEXTS), "bundles", "params")
    flags = (name.replace("-", "_") for name, _ in _FLAGS)
    given = {name: getattr(options, name) for name in (*settings_of, *flags)}
    try:
        settings = settings_from(os.environ, given)
    except ConfigError as error:
        sys.stderr.write(f"ztfnb filter run: {error}\n")
        return WRONG_SETTINGS
    last: list[WorkerNumbers] = []
    line = ProgressLine() if sys.stderr.isatty() else None

    def look(numbers: WorkerNumbers) -> None:
        last[:] = [numbers]
        if line is not None:
            line.show(numbers)

    code = serve(settings, look=look, wrap=line.above if line else str)
    if line is not None:
        line.clear()
    if options.json:
        told = accounting_of(last[0]) if last else {}
        sys.stdout.write(f"{json.dumps({'code': code, **told})}\n")
    elif last and code != WRONG_SETTINGS:
        sys.stdout.write(f"{report_of(last[0])}\n")
    return code
