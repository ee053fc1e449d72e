"""The ``ztfnb`` command: each verb a few lines over the library."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from ztfnb.errors import ConfigError, ZtfnbError

FIRST_NOTEBOOK = Path("notebooks", "01-first-night.ipynb")

Run = Callable[[argparse.Namespace], int]


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
    except (ZtfnbError, ImportError) as error:
        print(f"ztfnb {options.verb}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read this, `head` for one, has enough. Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="ztfnb",
        description="The Zwicky Transient Facility's alert stream: in a notebook and beside it.",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_lab(verbs)
    _add_doctor(verbs)
    return top


Verbs = argparse._SubParsersAction  # noqa: SLF001 - argparse gives this type no other name


def _verb(
    verbs: Verbs[argparse.ArgumentParser], name: str, run: Run, summary: str, *examples: str
) -> argparse.ArgumentParser:
    """Add a verb: its help ends with examples."""
    lines = "\n".join(f"  {example}" for example in examples)
    added = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.set_defaults(run=run)
    return added


def _add_lab(verbs: Verbs[argparse.ArgumentParser]) -> None:
    verb = _verb(
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


def _add_doctor(verbs: Verbs[argparse.ArgumentParser]) -> None:
    verb = _verb(
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
    _add_json(verb)


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


def _add_json(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print the result for a program to read")
