"""How much memory a night takes in the store, and how long appending and reading take.

Fields are those of schema 4.02, drawn at random: every float column is full of different values,
integers and text vary as much as in a real night, so that nothing packs better than it would
there. The packets kept have 65 kB each.

    python benchmarks/holding.py [alerts]
"""

from __future__ import annotations

import io
import multiprocessing
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import fastavro
import numpy as np
import psutil
from measure import Row, seconds
from measure import packets as packets_to_measure
from numpy.typing import NDArray

from ztfnb.columns import Columns
from ztfnb.schema import ztf_schema
from ztfnb.source import Packet
from ztfnb.store import Store

BATCH = 500
PACKET_BYTES = 65_000
PER_EXPOSURE = 1_200
PARTITIONS = 16
DTYPES = {"double": np.float64, "float": np.float32, "int": np.int32, "long": np.int64}

Values = NDArray[Any]


def resident() -> float:
    """Return the resident memory of this process [MB]."""
    return float(psutil.Process().memory_info().rss) / 1e6


def field_types() -> dict[str, str]:
    """Return the type of every scalar field of the candidate and the top level."""
    top = ztf_schema("4.02")["fields"]
    candidate = next(field for field in top if field["name"] == "candidate")["type"]["fields"]
    types = {}
    for field in [*top, *candidate]:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        kind = next(kind for kind in kinds if kind != "null")
        if isinstance(kind, str) and kind in (*DTYPES, "string"):
            types[field["name"]] = kind
    return types


def random_texts(name: str, first: int, rng: np.random.Generator) -> Values:
    """Return texts that vary as a field does in a real night."""
    if name == "objectId":
        letters = rng.integers(97, 123, (BATCH, 7), dtype=np.uint8).view("S7")[:, 0]
        return np.strings.add("ZTF18", letters.astype("U7"))
    if name == "pdiffimfilename":
        exposure = first // PER_EXPOSURE
        quadrants = rng.integers(0, 64, BATCH)
        names = [
            f"ztf_20181128{exposure:06}_{exposure % 900:06}_zr_c{q // 4:02}_o_q{q % 4}_scimref.fits"
            for q in range(64)
        ]
        return np.array(names)[quadrants]
    if name == "isdiffpos":
        return np.array(["t", "f"])[rng.integers(0, 2, BATCH)]
    if name == "ssnamenr":
        return np.where(
            rng.random(BATCH) < 0.1, rng.integers(0, 600_000, BATCH).astype("U6"), "null"
        )
    return np.full(BATCH, {"publisher": "ZTF (www.ztf.caltech.edu)"}.get(name, "v1_2"))


def random_integers(name: str, first: int, rng: np.random.Generator) -> Values:
    """Return integers that vary as a field does in a real night."""
    if name == "candid":
        return 697_252_380_515_010_002 + np.arange(first, first + BATCH) * 7_919_000
    if name.startswith("objectidps"):
        return rng.integers(10**17, 2 * 10**17, BATCH)
    spans = {"pid": 10**9, "rfid": 10**9, "programid": 3, "fid": 3, "rcid": 64, "nid": 1}
    return rng.integers(0, spans.get(name, 2_000), BATCH)


def batches(alerts: int) -> Iterator[tuple[list[Packet], Columns]]:
    """Yield batches as a stream would hand them over."""
    rng = np.random.default_rng(20181128)
    types = field_types()
    rows = np.arange(BATCH)
    for first in range(0, alerts, BATCH):
        arrays: dict[str, Values] = {}
        for name, kind in types.items():
            if kind == "string":
                arrays[name] = random_texts(name, first, rng)
            elif kind in ("int", "long"):
                arrays[name] = random_integers(name, first, rng).astype(DTYPES[kind])
            else:
                arrays[name] = rng.random(BATCH, np.float32).astype(DTYPES[kind]) * 90
        arrays["jd"] = 2458450.6 + (first + rows) / 3e6
        packets = [
            Packet(
                bytes(PACKET_BYTES),
                "ztf_20181128_programid1",
                n % PARTITIONS,
                n // PARTITIONS,
                n / 50,
            )
            for n in range(first, first + BATCH)
        ]
        yield packets, Columns(arrays, {}, rows)


@dataclass(frozen=True)
class Held:
    """What a full store takes."""

    alerts: int
    resident_mb: float
    counted_mb: float
    append_us: float
    longest_append_ms: float
    reading_ms: dict[str, float]


def hold(alerts: int) -> Held:
    """Fill a store and measure it; in a process of its own, whose memory is all that counts."""
    store = Store()
    spent = longest = 0.0
    for packets, columns in batches(alerts):
        start = time.perf_counter()
        store.append(packets, columns)
        took = time.perf_counter() - start
        spent += took
        longest = max(longest, took)
    used = resident()
    held = store.snapshot()
    some = held.candid[:: len(held) // 50]
    reading: dict[str, Callable[[], object]] = {
        "one float column": lambda: held.column("rb"),
        "select by expression": lambda: held.select("rb > 60 and magpsf < 19"),
        "select by text": lambda: held.select("isdiffpos == 't'"),
        "select by objectId": lambda: held.select(object_id="ZTF18aaaaaaa"),
        "select by cone": lambda: held.select(cone=(40.0, 40.0, 1.0)),
        "sort by magnitude": lambda: held.order("magpsf", descending=True),
        "sort by fid (many ties)": lambda: held.order("fid"),
        "sort by objectId": lambda: held.order("objectId"),
        "rows of 50 candids": lambda: held.rows_of(some),
        "packet coordinates of one candid": lambda: store.coordinates(int(some[0])),
        "Table of the latest 100, all fields": lambda: held.table(held.latest(100)),
    }
    return Held(
        alerts=len(held),
        resident_mb=used,
        counted_mb=store.nbytes / 1e6,
        append_us=spent / alerts * 1e6,
        longest_append_ms=longest * 1e3,
        reading_ms={what: seconds(read, repeat=3) * 1e3 for what, read in reading.items()},
    )


def _measured(alerts: int) -> Held:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(hold, alerts).result()


def _dictionaries_mb(alerts: int) -> float:
    """Memory of as many candidates as dictionaries, as fastavro gives them: from some of them."""
    values, _label = packets_to_measure(200)
    tracemalloc.start()
    kept = [
        record["candidate"]
        for value in values
        for record in fastavro.reader(io.BytesIO(value))
        if isinstance(record, dict)
    ]
    used, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / len(kept) * alerts / 1e6


def rows(alerts: int = 1_200_000) -> list[Row]:
    """Measure a night in the store."""
    held = _measured(alerts)
    plain = _dictionaries_mb(alerts)
    return [
        Row(
            f"a night of {held.alerts / 1e6:.1f} million alerts held, the whole process",
            f"{held.resident_mb:.0f} MB",
            f"{plain:,.0f} MB (candidates as dictionaries)",
            f"{plain / held.resident_mb:.1f} x",
            "at most 900 MB",
        ),
        Row(
            "select by an expression among them",
            f"{held.reading_ms['select by expression']:.0f} ms",
            "",
            "",
            "",
        ),
    ]


def main(alerts: int) -> None:
    """Print all that is measured."""
    held = _measured(alerts)
    print(f"{held.alerts:,} alerts: {held.resident_mb:.0f} MB resident, ", end="")
    print(f"of which the store counts {held.counted_mb:.0f} MB")
    print(f"append: {held.append_us:.2f} us an alert, longest {held.longest_append_ms:.0f} ms")
    for what, took in held.reading_ms.items():
        print(f"{what:40} {took:8.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_200_000)
