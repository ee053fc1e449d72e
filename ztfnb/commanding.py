"""How the verbs of the ``ztfnb`` command are put together."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # argparse gives this type no other name.
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

Run = Callable[[argparse.Namespace], int]
"""Does what a verb says, and returns the exit code."""


def add_verb(
    verbs: Verbs, name: str, run: Run | None, summary: str, *examples: str
) -> argparse.ArgumentParser:
    """Add a verb, or an action of one: its help ends with examples."""
    lines = "\n".join(f"  {example}" for example in examples)
    added = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if run is not None:
        added.set_defaults(run=run)
    return added


def add_json(verb: argparse.ArgumentParser) -> None:
    """Let a verb print its result for a program."""
    verb.add_argument("--json", action="store_true", help="print the result for a program to read")
