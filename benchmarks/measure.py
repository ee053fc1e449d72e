"""What the benchmarks share: the packets, the clock, and a row of the table."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from ztfnb.codec import decode
from ztfnb.container import write_long

NIGHT = "night-20181128"


@dataclass(frozen=True)
class Row:
    """One number, and the one of the same run that it is to be seen against."""

    what: str
    value: str
    baseline: str
    ratio: str
    target: str


def packets(count: int) -> tuple[list[bytes], str]:
    """Return packets to measure on, repeated to ``count``, and what they are.

    Real ones of one night, from the folder that ``ZTFNB_ALERTS`` names or ``../shared/alerts``;
    simulated ones where there are none.
    """
    folder = Path(os.environ.get("ZTFNB_ALERTS") or Path(__file__).parents[2] / "shared/alerts")
    if (folder / NIGHT).is_dir():
        values = [path.read_bytes() for path in sorted((folder / NIGHT).glob("*.avro"))]
        label = f"real packets, {NIGHT}"
    else:
        from ztfnb.simulate import Survey  # noqa: PLC0415 - only where it is needed

        night = Survey(seed=1).packets("2026-01-15", limit=500)
        values = [packet.value for packet in night]
        label = "simulated packets"
    return list(islice(cycle(values), count)), label


def distinct(values: list[bytes]) -> list[bytes]:
    """Give each packet a candid of its own, without changing its length."""
    out = []
    for number, value in enumerate(values):
        old = decode(value).candid
        # Counting on in the upper digits keeps the integer's length in Avro.
        new = write_long(old + (number << 20))
        if len(new) != len(write_long(old)):
            raise SystemExit("a candid outgrew its place in the packet")
        out.append(value.replace(write_long(old), new))
    return out


def seconds(call: Callable[[], object], *, repeat: int = 5) -> float:
    """Return the shortest of several runs [s]: the one that was disturbed least."""
    best = float("inf")
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    return best


def machine() -> str:
    """Return what the numbers were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"
