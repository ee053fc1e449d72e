"""Record in the pages of the recipes what each does on a real night and on simulated truth.

``python docs/record_funnels.py NIGHT`` writes what stands between the markers of
``docs/recipes/*.md``; NIGHT is the folder with the alerts of 2018-11-28. It takes some minutes.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NamedTuple

import ztfnb
from ztfnb.filters import Filter
from ztfnb.filters.completeness import completeness
from ztfnb.filters.funnel import FunnelRow
from ztfnb.simulate import Survey, Truth

PAGES = Path(__file__).parent / "recipes"
SEED = 1
ALERTS_PER_NIGHT = 3_000
NIGHTS = tuple(f"2026-{month:02}-15" for month in range(1, 13, 2))


def main() -> None:
    """Write every page anew."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("night", type=Path, help="folder with the alerts of 2018-11-28")
    night: Path = arguments.parse_args().night
    simulated = simulate()
    for name in ztfnb.recipes.__all__:
        recipe: Filter = getattr(ztfnb.recipes, name)
        path = PAGES / f"{name}.md"
        page = written(path.read_text(), "night", told_of_night(recipe, night))
        path.write_text(written(page, "simulated", told_of_truth(recipe, simulated)))
        print(path)


class Made(NamedTuple):
    """A simulated alert, and the truth behind it."""

    alert: dict[str, Any]
    truth: Truth


def simulate() -> list[Made]:
    """Return whole nights of a thin survey, from all around the year."""
    survey = Survey(seed=SEED, alerts_per_night=ALERTS_PER_NIGHT)
    return [
        Made(without_stamps(made.alert), made.truth)
        for night in NIGHTS
        for made in survey.night(night)
    ]


def without_stamps(alert: dict[str, Any]) -> dict[str, Any]:
    """Return an alert without what no recipe reads, and which fills the memory."""
    return {name: value for name, value in alert.items() if not name.startswith("cutout")}


def written(page: str, marker: str, text: str) -> str:
    """Return a page with the text between two markers replaced.

    Raises
    ------
    ValueError
        If the page does not have them.
    """
    block = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    if not block.search(page):
        raise ValueError(f"expected the markers <!-- {marker} --> and <!-- /{marker} -->")
    return block.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)


def told_of_night(recipe: Filter, night: Path) -> str:
    """Return what a recipe does on the real night: how many pass, and its funnel."""
    report = recipe.evaluate(night)
    total = len(report.candid)
    counts = (
        f"**{len(report.passed)} of {total}** alerts pass, {len(report.rejected)} are rejected, "
        f"{len(report.failed)} fail."
    )
    lines = [
        counts,
        "",
        "| condition | reached | stopped | only here | not judged |",
        "|---|---:|---:|---:|---:|",
        *(told_of_row(row, recipe.name) for row in report.funnel_rows if row.entered),
    ]
    return "\n".join(lines)


def told_of_row(row: FunnelRow, name: str) -> str:
    """Return one condition as a line of a table."""
    text = row.condition.text.replace("|", "\\|")
    where = "" if row.condition.function in (name, "") else f" in `{row.condition.function}`"
    only = "" if row.only_here is None else row.only_here
    return f"| `{text}`{where} | {row.entered} | {row.stopped} | {only} | {row.not_judged} |"


def told_of_truth(recipe: Filter, simulated: list[Made]) -> str:
    """Return what passes of each simulated class."""
    report = recipe.evaluate([made.alert for made in simulated])
    found = completeness(report.candid, report.verdict, [made.truth for made in simulated])
    sample = (
        f"Of {len(report.candid):,} alerts of {len(NIGHTS)} simulated nights "
        f"(`Survey(seed={SEED}, alerts_per_night={ALERTS_PER_NIGHT})`, the 15th of every second "
        f"month of 2026) **{len(report.passed):,}** pass:"
    )
    lines = [
        sample,
        "",
        "| class | alerts | passed | share, with 95% interval |",
        "|---|---:|---:|---|",
    ]
    for row in found:
        share = row.completeness
        lines.append(
            f"| {row.kind} | {row.alerts:,} | {row.passed:,} | "
            f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%}) |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
