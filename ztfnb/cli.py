"""The ``ztfnb`` command: each verb a few lines over the library."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ztfnb.commanding import Run, add_json, add_verb
from ztfnb.errors import BrokerError, ConfigError, ZtfnbError
from ztfnb.export.command import add_export, add_test
from ztfnb.export.worker.command import add_run

if TYPE_CHECKING:
    from ztfnb.broker.real import Running
    from ztfnb.commanding import Verbs
    from ztfnb.source import Sink, Source

LAB_CONFIG = Path(__file__).with_name("lab")
FIRST_NOTEBOOK = Path("notebooks", "01-first-night.ipynb")
NOT_RUNNING = 3
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        The exit code: 0 done; 1 an error, told in one line on stderr; 2 wrong arguments;
        130 interrupted.
    """
    options = parser().parse_args(argv)
    run: Run = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read this, `head` for one, has enough. Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ZtfnbError, ImportError, OSError) as error:
        print(f"ztfnb {options.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="ztfnb",
        description="The Zwicky Transient Facility's alert stream: in a notebook and beside it.",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_lab(verbs)
    _add_demo(verbs)
    _add_simulate(verbs)
    _add_replay(verbs)
    _add_broker(verbs)
    _add_filter(verbs)
    _add_doctor(verbs)
    return top


def _add_lab(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "lab",
        _lab,
        "open JupyterLab on the first notebook",
        "ztfnb lab",
        "ztfnb lab --no-browser --port 8890 my-night.ipynb",
    )
    verb.add_argument(
        "notebook",
        nargs="?",
        type=Path,
        default=FIRST_NOTEBOOK,
        help=f"what to open, below the current folder (default: {FIRST_NOTEBOOK}, if it is there)",
    )
    verb.add_argument("--port", type=int, help="port of the server (default: a free one from 8888)")
    verb.add_argument("--no-browser", action="store_true", help="only serve, and print the address")


def _lab(options: argparse.Namespace) -> int:
    try:
        from jupyterlab.labapp import main as serve  # noqa: PLC0415 - the extra "lab"
    except ImportError:
        raise ImportError('JupyterLab is not installed; run: pip install "ztfnb[lab]"') from None
    arguments = lab_arguments(options.notebook, port=options.port, browser=not options.no_browser)
    # Defaults, which a user's own settings go before: no question about news at the start.
    paths = (str(LAB_CONFIG), os.environ.get("JUPYTER_CONFIG_PATH"))
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(path for path in paths if path)
    serve(arguments)
    return 0


def lab_arguments(notebook: Path, *, port: int | None = None, browser: bool = True) -> list[str]:
    """Return JupyterLab's arguments: it opens ``notebook``, and asks the internet nothing."""
    arguments = [
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if notebook.is_file():
        arguments.append(f"--LabApp.default_url=/lab/tree/{notebook.as_posix()}")
    elif notebook != FIRST_NOTEBOOK:
        raise ConfigError(f"there is no notebook {notebook} in {Path.cwd()}")
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # In a container. The server listens on loopback and asks for its token all the same.
        arguments.append("--allow-root")
    return arguments


def _add_demo(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "demo",
        _demo,
        "send a simulated night to a broker of its own, until it is interrupted",
        "ztfnb demo",
        "ztfnb demo --rate 50 --night 2026-03-01 --json",
    )
    for name, kind, meaning in (
        ("rate", float, "alerts a second (default: 5)"),
        ("burst", int, "alerts at once at first (default: 60)"),
        ("seed", int, "another seed is another sky (default: 0)"),
        ("night", str, "the first night (default: 2026-01-15)"),
    ):
        # What is not given is left to the library.
        verb.add_argument(f"--{name}", type=kind, help=meaning, default=argparse.SUPPRESS)
    add_json(verb)


def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name, value in vars(options).items() if name in names}


def _demo(options: argparse.Namespace) -> int:
    from ztfnb.demo import Demo  # noqa: PLC0415 - only this verb pays for it

    with Demo(**_given(options, "rate", "burst", "seed", "night")) as night:
        address = f"kafka://{night.bootstrap}/{night.topic}"
        if options.json:
            print(json.dumps({"bootstrap": night.bootstrap, "topic": night.topic}), flush=True)
        else:
            print(
                f'read it with ztfnb.connect("{address}", start="beginning"); Ctrl-C ends it',
                flush=True,
            )
        while night.running:
            time.sleep(0.2)
    raise BrokerError("the demo night ended by itself")


def _add_simulate(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "simulate",
        _simulate,
        "write a simulated night to Kafka, or to a file or folder",
        "ztfnb simulate --limit 5000 --pace 100/s",
        "ztfnb simulate --night 2026-03-01 --limit 500 --to night.tar.gz --truth truth.csv",
        "ztfnb simulate --to kafka://127.0.0.1:9092 --pace real --programid all",
    )
    verb.add_argument("--night", default="2026-01-15", help="UTC date (default: 2026-01-15)")
    verb.add_argument(
        "--seed", type=int, default=0, help="another seed is another sky (default: 0)"
    )
    verb.add_argument(
        "--programid",
        choices=("1", "2", "all"),
        default="1",
        help="1 public (default), 2 partnership, or all, each in a topic of its own",
    )
    verb.add_argument(
        "--truth", type=Path, metavar="FILE", help="write the truth behind the alerts to a CSV file"
    )
    _add_copying(verb)


def _simulate(options: argparse.Namespace) -> int:
    from ztfnb import simulate  # noqa: PLC0415 - only this verb pays for it

    if options.truth and not options.truth.absolute().parent.is_dir():
        raise ConfigError(f"--truth: there is no folder {options.truth.absolute().parent}")
    truths: list[simulate.Truth] = []
    source = simulate.SimulatedSource(
        simulate.Survey(options.seed),
        options.night,
        limit=options.limit,
        programid=None if options.programid == "all" else int(options.programid),
        on_truth=truths.append if options.truth else None,
    )
    code = _copy(source, options, keep_topics=True)
    if options.truth:
        simulate.write_truth(options.truth, truths)
    return code


def _add_replay(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "replay",
        _replay,
        "write archived alerts to Kafka, as they came that night or at another pace",
        "ztfnb replay ztf_public_20260115.tar.gz --pace real",
        "ztfnb replay ztf_public_20260115.tar.gz --pace 20x --to kafka://127.0.0.1:9092",
        "ztfnb replay folder/of/alerts --limit 1000 --to kafka://127.0.0.1:9092/lesson",
    )
    verb.add_argument("archive", help="a .avro file, a folder, or a nightly .tar.gz")
    _add_copying(verb)


def _replay(options: argparse.Namespace) -> int:
    from ztfnb.archive import ArchiveSource  # noqa: PLC0415 - only this verb pays for it

    return _copy(ArchiveSource(options.archive), options, keep_topics=False)


def _add_copying(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--to",
        metavar="PLACE",
        help="kafka://HOST:PORT (topics ztf_YYYYMMDD_programidN), kafka://HOST:PORT/TOPIC, a "
        "folder, or a .tar.gz file (default: the Kafka of ztfnb broker)",
    )
    verb.add_argument(
        "--pace",
        type=pace,
        default=pace("max"),
        help="real (as the alerts were taken), 20x (so many times faster), 100/s (alerts a "
        "second), or max (default)",
    )
    verb.add_argument("--limit", type=int, metavar="N", help="alerts at most")
    verb.add_argument(
        "--insecure", action="store_true", help="allow plaintext to a broker elsewhere"
    )
    add_json(verb)


def pace(text: str) -> dict[str, float]:
    """Read a pace as people write it; return it as `ztfnb.relay.copy` takes it."""
    match = re.fullmatch(r"(?P<speed>[\d.]+)x|(?P<rate>[\d.]+)/s|real|max", text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"expected real, max, a multiple such as 20x or a rate such as 100/s, got {text!r}"
        )
    if text == "real":
        return {"speed": 1.0}
    return {name: float(value) for name, value in match.groupdict().items() if value}


def _copy(source: Source, options: argparse.Namespace, *, keep_topics: bool) -> int:
    from ztfnb import relay  # noqa: PLC0415 - only the verbs that copy pay for it

    sink = _sink(options)
    with contextlib.closing(sink), contextlib.closing(source):
        report = relay.copy(
            source,
            sink,
            limit=options.limit,
            rename=None if keep_topics else relay.nightly_topic,
            **options.pace,
        )
    if options.json:
        print(json.dumps({"to": sink.name, **asdict(report)}))
    else:
        print(f"{sink.name}: {report}")
    return INTERRUPTED if report.interrupted else int(report.failed > 0)


def _sink(options: argparse.Namespace) -> Sink:
    place: str | None = options.to
    if place is None:
        from ztfnb.broker import real  # noqa: PLC0415 - only where no place is given

        running = real.status()
        if running is None:
            raise ConfigError(
                "no broker of yours runs here: start one with ztfnb broker start, or say where "
                "to write with --to"
            )
        place = f"kafka://{running.bootstrap}"
    if not place.startswith("kafka://"):
        from ztfnb.archive import ArchiveSink  # noqa: PLC0415 - only for files

        return ArchiveSink(place)
    from ztfnb.kafka import KafkaSink  # noqa: PLC0415 - only for Kafka

    bootstrap, _, topic = place.removeprefix("kafka://").partition("/")
    # Written now: with the times of that night Kafka would soon delete them as too old.
    return KafkaSink(bootstrap, topic=topic, keep_timestamps=False, insecure=options.insecure)


def _add_broker(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "broker",
        None,
        "run Apache Kafka on this machine, for oneself alone",
        "ztfnb broker start",
        "ztfnb broker status --json",
        "ztfnb broker stop",
    )
    actions = verb.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, summary in (
        ("start", _broker_start, "start it, fetching Apache Kafka the first time"),
        ("stop", _broker_stop, "stop it; what it holds stays"),
        ("status", _broker_status, "say whether it runs (exit code 3 if not)"),
    ):
        add_json(add_verb(actions, name, run, summary, f"ztfnb broker {name}"))


def _broker_start(options: argparse.Namespace) -> int:
    from ztfnb.broker import real  # noqa: PLC0415 - only this verb pays for it

    running = real.start(_say)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return _show_broker(running, as_json=options.json)


def _broker_stop(options: argparse.Namespace) -> int:
    from ztfnb.broker import real  # noqa: PLC0415 - only this verb pays for it

    ran = real.stop()
    if options.json:
        print(json.dumps({"stopped": ran}))
    else:
        print("stopped; what it holds stays" if ran else "no broker was running")
    return 0


def _broker_status(options: argparse.Namespace) -> int:
    from ztfnb.broker import real  # noqa: PLC0415 - only this verb pays for it

    return _show_broker(real.status(), as_json=options.json)


def _show_broker(running: Running | None, *, as_json: bool) -> int:
    if as_json:
        shown: dict[str, object] = {"running": running is not None}
        if running is not None:
            shown |= {"bootstrap": running.bootstrap, "pid": running.pid}
            shown |= {"folder": str(running.folder), "log": str(running.log)}
        print(json.dumps(shown))
    elif running is None:
        print("not running; start it with: ztfnb broker start")
    else:
        print(f"running at {running.bootstrap} (process {running.pid}; log: {running.log})")
    return 0 if running is not None else NOT_RUNNING


def _say(text: str) -> None:
    """Tell on stderr how far something has come, in one line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text} ...", end="", file=sys.stderr, flush=True)


def _add_filter(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "filter",
        None,
        "take filters out of the notebook",
        "ztfnb filter export my_filters.py:young young/ --verify ztf_public_20260115.tar.gz",
        "ztfnb filter test young/",
        "ztfnb filter run young --from kafka://127.0.0.1:9092/night --to kafka://127.0.0.1:9092/out",
    )
    actions = verb.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_export(actions)
    add_test(actions)
    add_run(actions)


def _add_doctor(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "doctor",
        _doctor,
        "look at what could keep ztfnb from working, and say what to do",
        "ztfnb doctor",
        "ztfnb doctor 127.0.0.1:9092 --json",
    )
    verb.add_argument(
        "broker", nargs="?", help="a Kafka broker to try: HOST:PORT or the name of a profile"
    )
    add_json(verb)


def _doctor(options: argparse.Namespace) -> int:
    from ztfnb import doctor  # noqa: PLC0415 - only this verb pays for it

    checks = doctor.diagnose(options.broker)
    if options.json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{check.state:4}  {check.name:{width}}  {check.found}")
            if check.advice:
                print(f"{'':4}  {'':{width}}  -> {check.advice}")
    return int(any(check.state == "fail" for check in checks))
