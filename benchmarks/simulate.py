"""How fast simulated packets are made: one process, one core.

Run ``python benchmarks/simulate.py [packets]``. The time to the first packet is that of a fresh
process, imports included; the rate is given by the processor's clock too, which other work on the
machine disturbs less.
"""

from __future__ import annotations

import subprocess
import sys
import time

from ztfnb.simulate import Survey

NIGHT = "2026-01-15"
_FIRST = f"""
from ztfnb.simulate import Survey
next(iter(Survey().packets({NIGHT!r})))
"""


def main() -> None:
    """Print one line for each number."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _FIRST], check=True)
    print(f"first packet of a new process  {time.perf_counter() - began:8.2f} s")
    packets = Survey().packets(NIGHT, limit=count + 1)
    next(packets)
    wall, processor = time.perf_counter(), time.process_time()
    size = sum(len(packet.value) for packet in packets)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"packets                        {count / wall:8.0f} /s")
    print(f"packets by processor time      {count / processor:8.0f} /s")
    print(f"bytes in a packet              {size / count:8.0f}")


if __name__ == "__main__":
    main()
