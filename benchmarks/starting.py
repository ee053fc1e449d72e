"""How quickly one gets going, and in how much memory: import, demo night, simulation."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import islice

import psutil
from measure import Row, seconds

from ztfnb.simulate import Survey

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_DEMO = """
import json, time
begin = time.perf_counter()
import ztfnb
live = ztfnb.connect("demo").wait(alerts=1)
first = time.perf_counter() - begin
live.wait(alerts=60)
for alert in live.latest(20):
    ztfnb.photometry(alert), ztfnb.cutout(alert, "difference")
import os
print(json.dumps([first, os.getpid()]), flush=True)
input()
"""


def _import_time(module: str) -> float:
    command = [sys.executable, "-c", _IMPORT.format(module)]
    return min(float(subprocess.check_output(command)) for _ in range(7))


def _demo() -> tuple[float, float]:
    """Return the time to the first alert held [s], and the memory of both processes [bytes]."""
    with subprocess.Popen(
        [sys.executable, "-c", _DEMO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - given above
        first, pid = json.loads(process.stdout.readline())
        time.sleep(10)
        parent = psutil.Process(pid)
        used = sum(one.memory_info().rss for one in [parent, *parent.children(recursive=True)])
        process.communicate("\n", timeout=30)
    return first, used


def rows() -> list[Row]:
    """Measure import, demo and simulation."""
    ours, numpy = _import_time("ztfnb"), _import_time("numpy")
    first, used = _demo()
    night = Survey(seed=1).packets("2026-01-15")
    next(night)
    count = 500
    simulating = count / seconds(lambda: list(islice(night, count)), repeat=3)
    return [
        Row("import ztfnb", f"{ours:.2f} s", f"{numpy:.2f} s (numpy)", "", "at most 0.2 s"),
        Row("first alert of the demo night", f"{first:.1f} s", "", "", "at most 5 s"),
        Row(
            "memory of the demo session, without JupyterLab",
            f"{used / 1e6:.0f} MB",
            "",
            "",
            "at most 400 MB",
        ),
        Row("simulated packets", f"{simulating:,.0f}/s", "", "", "at least 200/s"),
    ]
