"""Several processes, or a cluster, come to what one process finds."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cells import Notebook
from evaluated import filters, same
from made import made_alert, made_packet
from packets import ALERTS, needs_real_packets, real_files

import ztfnb
from ztfnb.errors import ConfigError, FilterError, FilterWarning
from ztfnb.filters.crew import Part, Piece, Processes
from ztfnb.filters.filter import Filter
from ztfnb.source import Memory
from ztfnb.stream import Stream

pytestmark = [
    pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning"),
    pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning"),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a filter of a notebook keeps its versions


@needs_real_packets
def test_processes_find_what_one_does(tmp_path: Path) -> None:
    """In files, damaged ones among them, tar files, lists and streams; in the same order."""
    made = filters()["seen_often"]
    packed = tmp_path / "night.tar"
    with tarfile.open(packed, "w") as tar:
        for file in real_files("night-20181128/*.avro")[:40]:
            tar.add(file, file.name)
    paths = [ALERTS / "malformed", ALERTS / "multi-record", packed, ALERTS / "v3.3"]
    one = made.evaluate(paths)
    assert min(one.counts[:2]) > 0
    many = made.evaluate(paths, workers=2)
    same(many, one)
    assert len(many.sample.snapshot.outlines) == len(one.sample.snapshot.outlines)  # type: ignore[attr-defined]
    for name in ("jd", "rb", "objectId"):
        np.testing.assert_array_equal(
            np.ma.filled(many.column(name)), np.ma.filled(one.column(name))
        )
    assert [a.raw for a in many.alerts()] == [a.raw for a in one.alerts()]  # type: ignore[attr-defined]
    same(many.with_params(rb_min=0.8), one.with_params(rb_min=0.8))

    alerts = [ztfnb.decode(file.read_bytes()) for file in real_files("v3.3/*.avro")[:30]]
    same(made.evaluate(alerts, workers=2), made.evaluate(alerts))
    same(made.evaluate(alerts, as_of=True, workers=2), made.evaluate(alerts, as_of=True))
    stream = Stream(Memory(alert.raw for alert in alerts))
    stream.wait("caught up")
    same(made.evaluate(stream, workers=2), made.evaluate(stream))
    stream.stop()


def test_failures_come_back_with_their_lines() -> None:
    """Also those of a helper in another cell, whose text no file holds."""
    cell = Notebook()
    cell.run("def deeper(c):\n    return c['drb'] > 0.5\n")
    cell.run(
        """
        import ztfnb

        @ztfnb.filter
        def deep(alert):
            return deeper(alert["candidate"])
        """
    )
    alerts = [made_alert(candid) for candid in range(1, 4)]
    report = cell["deep"].evaluate(alerts, workers=2)
    same(report, cell["deep"].evaluate(alerts))
    assert {(one.line, one.function, one.text) for one in report.failures} == {
        (2, "deeper", "return c['drb'] > 0.5")
    }
    assert report.errors[2].alert["candid"] == 2


DEADLY = """
    import faulthandler
    import ztfnb

    @ztfnb.filter
    def deadly(alert):
        if alert["candid"] == 3:
            faulthandler._sigsegv()
        return True
"""


def test_a_process_that_dies_is_told_with_what_it_worked_on(tmp_path: Path) -> None:
    """An error that names the files, and no wait without end."""
    for candid in range(1, 5):
        (tmp_path / f"{candid}.avro").write_bytes(made_packet(candid))
    made = Notebook().run(DEADLY)["deadly"]
    with pytest.raises(FilterError, match=r"a process died .*3\.avro"):
        made.evaluate([tmp_path / f"{candid}.avro" for candid in range(1, 5)], workers=1)
    assert not list(tmp_path.glob("*.jsonl"))


def test_what_is_done_is_not_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of files that are done, none is named, though nobody has asked for what became of them."""
    for candid in range(1, 5):
        (tmp_path / f"{candid}.avro").write_bytes(made_packet(candid))
    made = Notebook().run(DEADLY)["deadly"]
    submit = Processes.submit

    def after_the_last(crew: Processes, pickled: bytes, piece: Piece) -> Future[Part]:
        future = submit(crew, pickled, piece)
        wait([future])
        return future

    monkeypatch.setattr(Processes, "submit", after_the_last)
    with pytest.raises(FilterError, match=r"one of: 3\.avro\. Out of"):
        made.evaluate([tmp_path / f"{candid}.avro" for candid in range(1, 5)], workers=1)


def test_what_a_setup_makes_is_made_in_each_process() -> None:
    """It need not travel: locks, models and open files cannot."""
    made = Notebook().run(
        """
        import threading
        import ztfnb

        def model():
            return {"lock": threading.Lock(), "limit": 0.5}

        @ztfnb.filter(setup=model)
        def modelled(alert, *, model):
            with model["lock"]:
                return alert["candidate"]["rb"] > model["limit"]
        """
    )["modelled"]
    assert isinstance(made, Filter)
    alerts = [made_alert(candid, rb=candid / 10) for candid in range(1, 10)]
    same(made.evaluate(alerts, workers=1), made.evaluate(alerts))


def test_what_cannot_be_divided_is_refused_or_told() -> None:
    """A number of processes from 1 on; a memory between alerts is each process's own."""
    made = filters()["real"]
    alerts = [made_alert()]
    for workers in (0, -1, True, 1.5):
        with pytest.raises(ConfigError, match="from 1 on"):
            made.evaluate(alerts, workers=workers)
    with pytest.raises(ConfigError, match=r"distributed\.Client"):
        made.evaluate(alerts, client=3)
    with pytest.raises(ConfigError, match="one of them"):
        made.evaluate(alerts, client=3, workers=3)
    with pytest.raises(ConfigError, match="on_error"):
        made.evaluate(alerts, workers=1, on_error="raise")
    counting = Notebook().run(
        """
        import ztfnb
        count = 0

        @ztfnb.filter
        def counting(alert):
            global count
            count += 1
            return count < 3
        """
    )["counting"]
    with pytest.warns(FilterWarning, match="keeps state"):
        counting.evaluate(alerts, workers=1)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


@needs_real_packets
def test_a_cluster_finds_what_one_process_does(client: Any) -> None:
    """Nights are files; what reports show comes back, and the rest is read again when asked."""
    made = filters()["seen_often"]
    paths = [
        ALERTS / "malformed",
        *sorted((ALERTS / "tarball").glob("*.tar.gz")),
        ALERTS / "multi-record",
        ALERTS / "v3.3",
    ]
    one = made.evaluate(paths)
    many = made.evaluate(paths, client=client)
    same(many, one)
    assert many.sample.name == one.sample.name
    for name in ("jd", "magpsf", "objectId", "rb", "nbad", "rbversion"):
        mine, theirs = many.column(name), one.column(name)
        np.testing.assert_array_equal(np.ma.getmaskarray(mine), np.ma.getmaskarray(theirs))
        there = ~np.ma.getmaskarray(mine)
        np.testing.assert_array_equal(np.asarray(mine)[there], np.asarray(theirs)[there])
    same(many.with_params(rb_min=0.8), one.with_params(rb_min=0.8))
    same(made.evaluate(paths, as_of=True, client=client), made.evaluate(paths, as_of=True))
    with pytest.raises(ConfigError, match="paths"):
        made.evaluate([made_alert()], client=client)


ENDLESS = """
import os, signal, sys, threading, time
from pathlib import Path
import ztfnb

begun = Path("begun")

@ztfnb.filter
def endless(alert):
    begun.touch()
    while True:
        pass

def interrupt():
    while not begun.exists():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

if __name__ == "__main__":
    threading.Thread(target=interrupt).start()
    try:
        endless.evaluate(sys.argv[1], workers=2)
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_an_interrupt_ends_the_processes_too(tmp_path: Path) -> None:
    """Also where the filter itself would never return; nothing is noted."""
    (tmp_path / "1.avro").write_bytes(made_packet(1))
    (tmp_path / "script.py").write_text(ENDLESS)
    done = subprocess.run(
        [sys.executable, "script.py", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "interrupted\n", done.stderr
    assert done.returncode == 0
    assert not list(tmp_path.glob("*.jsonl"))
