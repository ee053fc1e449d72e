"""Record in the pages of the recipes what each does on a real night and on simulated truth.

``python docs/record_funnels.py NIGHT`` writes what stands between the markers of
``docs/recipes/*.md``; NIGHT is the folder with the alerts of 2018-11-28. The simulation takes some
minutes; ``--only-night`` leaves it out.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import ztfnb
from ztfnb.filters import Filter, passes
from ztfnb.filters.completeness import completeness
from ztfnb.filters.funnel import FunnelRow
from ztfnb.filters.interval import share
from ztfnb.simulate import Survey, Truth

PAGES = Path(__file__).parent / "recipes"
SEED = 1
ALERTS_PER_NIGHT = 3_000
YOUNG = 8
"""Days."""
NIGHTS = tuple(f"2026-{month:02}-15" for month in range(1, 13, 2))


def main() -> None:
    """Write every page anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("night", type=Path, help="folder with the alerts of 2018-11-28")
    parser.add_argument("--only-night", action="store_true", help="leave the simulation as it is")
    arguments = parser.parse_args()
    simulated = [] if arguments.only_night else simulate()
    for name in ztfnb.recipes.__all__:
        recipe: Filter = getattr(ztfnb.recipes, name)
        path = PAGES / f"{name}.md"
        page = written(path.read_text(), "night", told_of_night(recipe, arguments.night))
        if simulated:
            page = written(page, "simulated", told_of_truth(recipe, simulated))
        path.write_text(page)
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
        told = row.completeness
        lines.append(
            f"| {row.kind} | {row.alerts:,} | {row.passed:,} | "
            f"{told.value:.1%} ({told.low:.1%} to {told.high:.1%}) |"
        )
    if recipe.name in MORE:
        lines += ["", MORE[recipe.name](simulated)]
    return "\n".join(lines)


def more_of_youth(simulated: list[Made]) -> str:
    """Return what a search for young supernovae finds of those that are young."""
    young = [made for made in simulated if since_explosion(made.truth) < YOUNG]
    others = [
        made
        for made in simulated
        if made.truth.kind.startswith("SN") and since_explosion(made.truth) >= YOUNG
    ]
    recipe = ztfnb.recipes.young_supernova
    return (
        f"Of supernovae less than {YOUNG} days after the explosion "
        f"{told_of_share(recipe.plain, young)} pass, of older ones "
        f"{told_of_share(recipe.plain, others)}."
    )


def since_explosion(truth: Truth) -> float:
    """Return the age of a supernova [day], NaN of all else; type Ia peaks after 17.5 days."""
    if truth.kind == "SN II":
        return truth.jd - truth.epoch
    return truth.jd - truth.peak_jd + 17.5 * truth.stretch * (1 + truth.redshift)


def more_of_unknown(simulated: list[Made]) -> str:
    """Return what a search for unknown Solar System objects finds."""
    unknown = ztfnb.recipes.solar_system.with_params(which="unknown").plain
    listed = ztfnb.recipes.solar_system.with_params(which="known").plain
    asteroids = [made for made in simulated if made.truth.kind == "asteroid"]
    bogus = [made for made in simulated if not made.truth.real]
    return (
        f'With `which="known"` {told_of_share(listed, asteroids)} asteroids pass and '
        f'{told_of_share(listed, bogus)} artefacts; with `which="unknown"` '
        f"{told_of_share(unknown, asteroids)} and {told_of_share(unknown, bogus)}."
    )


def more_of_speed(simulated: list[Made]) -> str:
    """Return what a search for fast transients finds where stars and old sources are let in."""
    # The function itself takes an age beyond the range of its slider.
    loose = partial(ztfnb.recipes.fast.function, star_radius=0.0, age_max=1e5, drb_min=0.5)
    novae = [made for made in simulated if made.truth.kind == "dwarf nova"]
    others = [made for made in simulated if made.truth.kind != "dwarf nova"]
    return (
        "With stars, sources of any age and `drb` from 0.5 let in, "
        f"{told_of_share(loose, novae)} alerts of dwarf novae pass and "
        f"{told_of_share(loose, others)} of all others."
    )


def told_of_share(plain: Callable[..., Any], sample: list[Made]) -> str:
    """Return how many of a sample pass, with the interval of their share."""
    passed = sum(passes(plain(made.alert)) for made in sample)
    told = share(passed, len(sample))
    return f"{passed:,} of {len(sample):,} ({told.low:.1%} to {told.high:.1%})"


MORE = {
    "young_supernova": more_of_youth,
    "solar_system": more_of_unknown,
    "fast": more_of_speed,
}
"""What the classes alone do not tell."""


if __name__ == "__main__":
    main()
