"""What it costs to judge packets in another process, beside judging them in this one.

python -m benchmarks handing
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from filtering import passes
from measure import Row, packets

from ztfnb.columns import decode_columns
from ztfnb.export.worker.bundle import SOURCE, Bundle, checksum_of, write_bundle
from ztfnb.export.worker.cell import Cell
from ztfnb.export.worker.settings import Limits
from ztfnb.rows import alerts_of

BATCH = 1_000
BATCHES = 30
CUT = '''
import ztfnb


@ztfnb.filter
def cut(alert, *, rb_min=0.5):
    """Decide as `filtering.passes`."""
    candidate = alert["candidate"]
    return bool(
        candidate["rb"] > rb_min
        and candidate["magpsf"] < 19
        and candidate["nbad"] == 0
        and candidate["isdiffpos"] in ("t", "1")
    )


FILTER = cut
'''


def rows() -> list[Row]:
    """Measure a cut through the process of the filters, and what that costs this one."""
    values, _label = packets(BATCH)

    def here() -> None:
        for alert in alerts_of(decode_columns(values), values):
            passes(alert)

    own = min(_processor(here) for _ in range(10)) / BATCH
    with tempfile.TemporaryDirectory() as folder:
        free, handed = _through(Path(folder), values, strict=False)
        confined, _handed = _through(Path(folder), values, strict=True)
        again = _restart(Path(folder), values)
    return [
        _row("a cut, in the process of the filters", free, own, "20,000/s of its core"),
        _row("the same, confined (strict)", confined, own, ""),
        Row(
            f"a packet of {sum(map(len, values)) / BATCH / 1000:.0f} kB handed over",
            f"{handed * 1e6:.1f} us of the worker's core",
            f"{own * 1e6:.1f} us to decode and judge it",
            f"{own / handed:.1f} x",
            "under 12 us",
        ),
        Row("from an alert that ends the process to the next", f"{again * 1e3:.0f} ms", "", "", ""),
    ]


def _row(what: str, cost: float, own: float, target: str) -> Row:
    return Row(
        what,
        f"{1 / cost:,.0f} alerts/s",
        f"{1 / own:,.0f} alerts/s (decoded and judged in this process)",
        f"{own / cost:.2f} x",
        target,
    )


def _bundle(folder: Path, text: str) -> Path:
    (folder / SOURCE).write_text(text, "utf-8")
    write_bundle(Bundle(folder, "cut", "0" * 64, {SOURCE: checksum_of(folder / SOURCE)}))
    return folder


def _through(folder: Path, values: list[bytes], *, strict: bool) -> tuple[float, float]:
    """Return seconds of processor an alert: of the filters' process, and to hand it over."""
    with Cell([_bundle(folder, CUT)], Limits(), strict=strict) as cell:
        cell.start()
        for _ in range(3):
            _judge(cell, values)
        process = cell._process  # noqa: SLF001 - which process is nobody else's business
        assert process is not None  # noqa: S101
        before = _cpu(process.pid)
        handed = [_processor(lambda: cell.submit(values))]
        for _ in range(BATCHES - 1):
            handed.append(_processor(lambda: cell.submit(values)))
            while cell.poll(1.0) is None:
                pass
        while cell.poll(1.0) is None:
            pass
        theirs = _cpu(process.pid) - before
    return theirs / BATCH / BATCHES, min(handed) / BATCH


def _judge(cell: Cell, values: list[bytes]) -> None:
    cell.submit(values)
    while cell.poll(1.0) is None:
        pass


def _restart(folder: Path, values: list[bytes]) -> float:
    """Return how long an alert takes that ends the process, with all that follows [s]."""
    text = CUT.replace("    candidate = alert", "    os._exit(1)\n    candidate = alert")
    with Cell(
        [_bundle(folder, text.replace("import ztfnb", "import os\nimport ztfnb"))], Limits()
    ) as cell:
        cell.start()
        begin = time.perf_counter()
        _judge(cell, values[:10])
        return (time.perf_counter() - begin) / 10


def _processor(call: Callable[[], object]) -> float:
    """Return the seconds of the processor that a call takes: others may be at work."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def _cpu(pid: int) -> float:
    """Return the seconds of processor that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
