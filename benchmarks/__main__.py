"""Measure, and print the table of numbers: ``python -m benchmarks`` or ``make bench``.

Every number stands beside its baseline of the same run; machines are noisy, ratios less so.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

# The benchmarks are scripts beside each other, not a package.
sys.path.insert(0, str(Path(__file__).parent))

import decoding
import evaluating
import filtering
import handing
import holding
import listing
import painting
import soaking
import starting
import streaming
import working
from measure import Row, machine, packets

PARTS = {
    "decoding": decoding.rows,
    "streaming": streaming.rows,
    "filtering": filtering.rows,
    "handing": handing.rows,
    "holding": holding.rows,
    "listing": listing.rows,
    "evaluating": evaluating.rows,
    "working": working.rows,
    "starting": starting.rows,
    "painting": painting.rows,
}
LONG = {"soaking": soaking.rows}
"""Run only when asked for by name."""
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = ("what", "ztfnb", "baseline, same run", "ratio", "target")
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [
        f"{row.what} | {row.value} | {row.baseline} | {row.ratio} | {row.target}" for row in rows
    ]
    return "\n".join(f"| {line} |" for line in lines)


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = PARTS | LONG
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(known)}")
    parser.add_argument("--readme", type=Path, help="write the table between its marks there")
    options = parser.parse_args()
    unknown = set(options.parts) - set(known)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    rows: list[Row] = []
    for name in options.parts or PARTS:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        rows += known[name]()
    where = f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}; {packets(1)[1]}."
    text = f"{table(rows)}\n\n{where}"
    print(text)
    if options.readme is not None:
        old = options.readme.read_text("utf-8")
        before, _, rest = old.partition(BEGIN)
        _, _, after = rest.partition(END)
        if not after:
            parser.error(f"{options.readme} has no marks {BEGIN} and {END}")
        options.readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
