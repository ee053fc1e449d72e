from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
from celled import bundle_of, judge_all
from made import made_packet
from packets import needs_real_packets, real_files

from ztfnb.codec import decode
from ztfnb.columns import decode_columns
from ztfnb.errors import WorkerError
from ztfnb.export.worker import cell_process
from ztfnb.export.worker.bundle import load_filter, read_bundle
from ztfnb.export.worker.cell import Cell
from ztfnb.export.worker.judged import Judged
from ztfnb.export.worker.settings import Limits
from ztfnb.filters.decision import Verdict

REAL = """
    import ztfnb

    @ztfnb.filter
    def real(alert, *, rb_min=0.5):
        return alert["candidate"]["rb"] > rb_min
"""
LIMITS = Limits(seconds=60.0, memory=200 << 20)
"""Where it is not the time that ends an alert, there is enough."""
QUICK = Limits(seconds=3.0, memory=200 << 20)
"""A second is soon gone for an alert at which nothing is wrong, where much else is going on."""


@pytest.fixture
def told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process has as long as it takes to tell at which line it is."""
    monkeypatch.setattr(cell_process, "_TRACED", 60.0)


def packets(count: int) -> list[bytes]:
    return [made_packet(number, rb=number % 2) for number in range(1, count + 1)]


def reasons(judged: Judged, number: int = 0) -> dict[int, tuple[str, int]]:
    found = judged.filters[number].failures
    return {place: (one.kind, one.line) for place, one in found.items()}


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def test_a_batch_is_judged_with_verdicts_notes_and_times(tmp_path: Path) -> None:
    """Each packet of a batch has a verdict, its candid, a time, and its annotations."""
    folder = bundle_of(
        tmp_path,
        """
        import ztfnb

        @ztfnb.filter
        def young(alert, *, rb_min=0.5):
            if alert.candid == 4:
                return {"score": 1.5, "name": "SN", "sure": True, "nan": float("nan")}
            return alert["candidate"]["rb"] > rb_min
        """,
    )
    with Cell([folder], LIMITS, params={"ZTFNB_PARAM_RB_MIN": "0.25"}) as cell:
        cell.start()
        [facts] = cell.filters
        assert (facts.name, facts.params) == ("young", {"rb_min": 0.25})
        assert facts.hash == load_filter(read_bundle(folder)).hash
        found = judge_all(cell, packets(5))
    [verdicts] = found.filters
    assert list(found.candid) == [1, 2, 3, 4, 5]
    assert list(verdicts.verdict) == [1, 0, 1, 1, 1]
    assert {**verdicts.notes[3], "nan": None} == {
        "score": 1.5, "name": "SN", "sure": True, "nan": None
    }  # fmt: skip
    assert list(verdicts.notes) == [3]
    assert not verdicts.failures
    assert not found.undecodable
    assert all(took > 0 for took in verdicts.took)


@needs_real_packets
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_decisions_are_those_of_an_evaluation(tmp_path: Path) -> None:
    """On every real packet, verdict, reason, line and annotations are those of `f.evaluate`."""
    folder = bundle_of(
        tmp_path,
        """
        import numpy as np
        import ztfnb

        @ztfnb.filter
        def many_ways(alert, *, least=3):
            kind = alert.candid % 9
            if kind == 0:
                return None
            if kind == 1:
                return {"rb": alert.core.get("rb") or 0.0, "name": alert.object_id}
            if kind == 2:
                return alert["candidate"]["drb"] > 0.5
            if kind == 3:
                return np.ma.masked
            if kind == 4:
                return np.array([1, 2])
            if kind == 5:
                return len(alert["prv_candidates"] or ()) >= least
            if kind == 6:
                return ztfnb.cutout(alert, "difference").max() > 1
            if kind == 7:
                raise SystemExit(3)
            return float("nan")
        """,
    )
    values = [path.read_bytes() for path in real_files("**/*.avro")]
    columns = decode_columns(values)
    rows = columns.rows.tolist()
    made = load_filter(read_bundle(folder))
    report = made.evaluate([decode(values[place]) for place in rows])
    with Cell([folder], LIMITS) as cell:
        cell.start()
        found = judge_all(cell, values)
    [verdicts] = found.filters
    assert [verdicts.verdict[place] for place in rows] == report.verdict.tolist()
    assert set(found.undecodable) == {place for place, _error in columns.errors}
    assert {one.kind for one in found.undecodable.values()} <= {"not decoded"}
    expected = {
        rows[at]: (one.kind, one.message, one.line) for at, one in report.judgement.failures.items()
    }
    got = {place: (one.kind, one.message, one.line) for place, one in verdicts.failures.items()}
    assert got == expected
    notes = {rows[at]: note for at, note in report.judgement.notes.items()}
    assert repr(dict(verdicts.notes)) == repr(notes)
    assert {kind for kind, _message, _line in got.values()} >= {"exception", "refused value"}


@pytest.mark.usefixtures("told_in_time")
def test_s09_a_filter_costs_only_the_alert_that_it_does_not_come_through(tmp_path: Path) -> None:
    """Raising, looping, taking 4 GB, crashing: each is that alert's, in time; the rest is exact."""
    folder = bundle_of(
        tmp_path,
        """
        import ctypes, os
        import ztfnb

        @ztfnb.filter
        def bad(alert):
            if alert.candid == 3:
                raise ValueError("three")
            if alert.candid == 5:
                while True: pass
            if alert.candid == 7:
                return bool(bytearray(4 << 30))
            if alert.candid == 9:
                ctypes.string_at(0)
            if alert.candid == 11:
                os._exit(0)
            return alert["candidate"]["rb"] > 0.5
        """,
    )
    other = bundle_of(tmp_path / "other", REAL)
    values = packets(40)
    with Cell([folder, other], QUICK) as cell:
        cell.start()
        found = judge_all(cell, values)
        again = judge_all(cell, values[20:])
    bad, good = found.filters
    assert reasons(found) == {
        2: ("exception", 8), 4: ("time", 10), 6: ("memory", 12), 8: ("crash", 14), 10: ("crash", 0)
    }  # fmt: skip
    assert bad.failures[4].message == "took longer than 3 s"
    assert bad.failures[8].message == "the process ended with SIGSEGV"
    assert bad.failures[10].message == "the process ended with exit code 0"
    for place in range(40):
        expected = Verdict.PASSED if place % 2 == 0 else Verdict.REJECTED
        assert good.verdict[place] == expected
        assert bad.verdict[place] == (Verdict.FAILED if place in bad.failures else expected)
    assert bad.took[4] / 1e9 >= 3.0
    assert cell.restarts == 4
    assert list(again.filters[0].verdict) == list(found.filters[1].verdict[20:])


@pytest.mark.usefixtures("told_in_time")
def test_s09_a_limit_is_kept_within_a_second(tmp_path: Path) -> None:
    """Between the beginning of an alert that never ends and its end pass at most limit + 1 s."""
    folder = bundle_of(
        tmp_path,
        """
        import time
        import ztfnb

        @ztfnb.filter
        def sleepy(alert):
            time.sleep(1000)
        """,
    )
    with Cell([folder], Limits(seconds=1.0)) as cell:
        cell.start()
        found = judge_all(cell, packets(8))
    assert set(reasons(found).values()) == {("time", 7)}
    assert len(found.filters[0].failures) == 8
    # What else a machine has to do delays some of them, not all.
    assert 1.0 <= min(found.filters[0].took) / 1e9 < 2.0


WAYS = {
    "a C function that holds the interpreter": (
        "time",
        "ctypes.PyDLL(None).sleep(1000)  # here",
    ),
    "recursion in C": (
        "crash",
        """
        nest = ()
        for _ in range(10**6):
            nest = (nest,)
        hash(nest)  # here
        """,
    ),
    "recursion": (
        "exception",
        """
        def again():
            return again()  # here
        again()
        """,
    ),
    "memory piece by piece": (
        "memory",
        """
        while True:
            kept.append(bytes(10**6))  # here
        """,
    ),
    "memory that is shared": (
        "memory",
        """
        shared = mmap.mmap(-1, 4 << 30)
        for at in range(0, 4 << 30, 4096): shared[at] = 1; at >> 30 and time.sleep(1000)  # here
        """,
    ),
    "memory of another process": (
        "memory",
        """
        for _ in range(4):
            if os.fork() == 0:
                kept.extend(b"1" * (10**6 + n) for n in range(150))
                time.sleep(1000)
        time.sleep(1000)  # here
        """,
    ),
    "an interrupt": ("exception", "raise KeyboardInterrupt  # here"),
    "a signal to itself": ("crash", "os.kill(os.getpid(), signal.SIGTERM)"),
    "a signal that ends the group": ("crash", "os.killpg(0, signal.SIGKILL)"),
    "being stopped": ("time", "os.kill(os.getpid(), signal.SIGSTOP)"),
    "annotations beyond measure": ("refused value", "return {'text': 'x' * 10**6}"),
    "writing into the protocol": (
        "crash",
        """
        for fd in range(3, 30):
            try:
                os.write(fd, struct.pack("<I", 1 << 31) + b"x" * 100)
            except OSError:
                pass
        while True:
            time.sleep(1)
        """,
    ),
    "a false message": (
        "crash",
        """
        body = json.dumps(["failure", 1, 0, 0, "of my own", "text", 1]).encode()
        for fd in range(3, 30):
            try:
                os.write(fd, struct.pack("<I", len(body)) + body)
            except OSError:
                pass
        while True:
            time.sleep(1)
        """,
    ),
    "a number beyond measure": ("refused value", "return {'number': 10**5000}"),
}


@pytest.mark.parametrize("way", WAYS)
def test_s09_every_way_to_end_badly_is_charged_to_its_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """However a filter ends its process, it is that alert's, with the line where that is known."""
    kind, does = WAYS[way]
    text = f"""\
import ctypes, json, mmap, os, signal, struct, sys, threading, time
import ztfnb

kept = []

@ztfnb.filter
def bad(alert):
    if alert.candid != 2:
        return True
{indent(dedent(does), "    ")}
    return True
"""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "# here" in line]
    if lines:  # where it can tell at which it is
        monkeypatch.setattr(cell_process, "_TRACED", 60.0)
    with Cell([bundle_of(tmp_path, text)], QUICK if kind == "time" else LIMITS) as cell:
        cell.start()
        found = judge_all(cell, packets(4))
    assert list(found.filters[0].verdict) == [1, -1, 1, 1]
    [(place, (said, line))] = reasons(found).items()
    assert (place, said) == (1, kind)
    assert line == lines[0] if lines else line in (0, 7)


HARMLESS = {
    "printing": "print('x' * 10**6); os.write(1, b'y' * 10**6); sys.stderr.write('z')",
    "closing standard descriptors": "os.closerange(0, 3)",
    "closing every descriptor": "os.closerange(0, 1000)",
    "a fork that goes on": "os.fork()",
    "a fork that goes on, in C": "ctypes.CDLL(None).fork()",
    "threads": "threading.Thread(target=time.sleep, args=(1000,)).start()",
    "signal handlers": "[signal.signal(n, signal.SIG_IGN) for n in (10, 13, 15, 17)]",
    "an alarm that does nothing": "signal.signal(14, lambda *_: None); signal.alarm(1)",
    "numpy's error state": "np.seterr(all='raise')",
    "locale and folder": "locale.setlocale(locale.LC_ALL, 'C'); os.chdir('/')",
    "the module's own globals": "globals().update(time=None, kept=None)",
    "builtins": "builtins.len = builtins.zip = None",
}


@pytest.mark.parametrize("way", HARMLESS)
def test_what_a_filter_does_to_its_process_changes_no_verdict(tmp_path: Path, way: str) -> None:
    """A filter that harms its process without ending decides as it says, on every alert."""
    folder = bundle_of(
        tmp_path,
        f"""
    import builtins, ctypes, locale, os, signal, sys, threading, time
    import numpy as np
    import ztfnb

    kept = []

    @ztfnb.filter
    def odd(alert):
        verdict = alert["candidate"]["rb"] > 0.5
        if alert.candid == 2:
            {HARMLESS[way]}
        return verdict
        """,
    )
    with Cell([folder], LIMITS) as cell:
        cell.start()
        batches = [judge_all(cell, packets(20)) for _ in range(3)]
    for found in batches:
        assert list(found.filters[0].verdict) == [1, 0] * 10
        assert not found.filters[0].failures


def test_two_batches_are_inside_and_come_out_in_order(tmp_path: Path) -> None:
    """A second batch is taken while the first is judged; a third is refused."""
    with Cell([bundle_of(tmp_path, REAL)], LIMITS) as cell:
        cell.start()
        cell.submit(packets(3))
        cell.submit(packets(5)[3:])
        with pytest.raises(WorkerError, match="2 batches are inside"):
            cell.submit(packets(1))
        found = [list(_next(cell).candid) for _ in range(2)]
        assert cell.poll(0.01) is None
        assert list(judge_all(cell, []).candid) == []
    assert found == [[1, 2, 3], [4, 5]]


def _next(cell: Cell) -> Judged:
    for _ in range(120):
        found = cell.poll(1.0)
        if found is not None:
            return found
    raise TimeoutError


def test_memory_grows_with_the_batch_and_old_packets_do_not_shine_through(tmp_path: Path) -> None:
    """A larger batch than before is judged exactly; so is a smaller one after it."""
    sizes = [1, 500, 3, 2000, 2]
    with Cell([bundle_of(tmp_path, REAL)], LIMITS) as cell:
        cell.start()
        for size in sizes:
            found = judge_all(cell, packets(size))
            assert list(found.candid) == list(range(1, size + 1))
            assert list(found.filters[0].verdict) == [n % 2 for n in range(1, size + 1)]


def test_what_is_no_alert_is_told_apart(tmp_path: Path) -> None:
    """Bytes that do not decode are listed with the reason; the others are judged."""
    values = packets(4)
    values[1] = b"Obj"
    values[3] = values[3][:-20]
    with Cell([bundle_of(tmp_path, REAL)], LIMITS) as cell:
        cell.start()
        found = judge_all(cell, values)
    assert {place: one.kind for place, one in found.undecodable.items()} == {
        1: "not decoded", 3: "not decoded"
    }  # fmt: skip
    assert list(found.filters[0].verdict) == [1, -1, 1, -1]
    assert list(found.candid) == [1, 0, 3, 0]
    assert not found.filters[0].failures


def test_the_packet_on_which_decoding_ends_the_process_is_given_up_alone(tmp_path: Path) -> None:
    """Where decoding itself crashes, that packet is undecodable, and no other."""
    folder = bundle_of(
        tmp_path,
        """
        import os
        import ztfnb
        from ztfnb.export.worker import cell_judging

        genuine = cell_judging.decode_columns

        def crashing(values):
            if any(b"tests of crashing" in value for value in values):
                os.abort()
            return genuine(values)

        cell_judging.decode_columns = crashing

        @ztfnb.filter
        def real(alert):
            return alert["candidate"]["rb"] > 0.5
        """,
    )
    values = packets(10)
    values[6] = values[6].replace(b"ztfnb tests", b"tests of crashing"[:11])
    values[6] = values[6] + b"tests of crashing"
    with Cell([folder], LIMITS) as cell:
        cell.start()
        found = judge_all(cell, values)
    assert {place: one.kind for place, one in found.undecodable.items()} == {6: "crash"}
    assert [v for p, v in enumerate(found.filters[0].verdict) if p != 6] == [
        1,
        0,
        1,
        0,
        1,
        0,
        0,
        1,
        0,
    ]


def test_limits_hold_for_a_process_that_was_stopped_too(tmp_path: Path) -> None:
    """Where nobody looked for longer than the limit, an alert that goes on is not charged."""
    folder = bundle_of(
        tmp_path,
        """
        import time
        import ztfnb

        @ztfnb.filter
        def slow(alert):
            time.sleep(1.0)
            return True
        """,
    )
    with Cell([folder], Limits(seconds=3.0)) as cell:
        cell.start()
        assert cell._process is not None
        cell.submit(packets(1))
        time.sleep(0.3)
        os.kill(cell._process.pid, signal.SIGSTOP)
        time.sleep(4.0)
        os.kill(cell._process.pid, signal.SIGCONT)
        found = _next(cell)
    assert list(found.filters[0].verdict) == [1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_this_name", "nothing_of_this_name"),
        ("raise SystemExit('no')", "SystemExit: no"),
        ("import os; os._exit(9)", "exit code 9"),
        ("import ctypes; print('before'); ctypes.string_at(0)", "SIGSEGV"),
        ("import time; time.sleep(1000)", "not ready"),
    ],
)
def test_filters_that_cannot_be_made_ready_are_said_so(
    tmp_path: Path, text: str, reason: str
) -> None:
    """What goes wrong while a filter is loaded is an error with the reason, at once."""
    folder = bundle_of(tmp_path, dedent(REAL) + f"\n{text}\n")
    limits = Limits(setup_seconds=2.0 if "sleep" in text else 60.0)
    cell = Cell([folder], limits)
    with pytest.raises(WorkerError, match=reason):
        cell.start()
    cell.close()


def test_a_process_that_cannot_be_started_again_ends_the_worker(tmp_path: Path) -> None:
    """After a few attempts with growing pauses the reason is raised; nothing turns for ever."""
    folder = bundle_of(
        tmp_path,
        f"""
        import os, pathlib
        import ztfnb

        once = pathlib.Path({str(tmp_path / "once")!r})
        if once.exists():
            raise ValueError("only once")
        once.touch()

        @ztfnb.filter
        def bad(alert):
            os._exit(1)
        """,
    )
    with Cell([folder], LIMITS) as cell:
        cell.start()
        with pytest.raises(WorkerError, match="only once"):
            judge_all(cell, packets(2))


def test_nothing_of_the_environment_and_no_descriptor_is_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter sees no variable of the worker, and none of its open files."""
    monkeypatch.setenv("ZTFNB_KAFKA_PASSWORD", "canary")
    monkeypatch.setenv("PYTHONPATH", "/nowhere/canary")
    folder = bundle_of(
        tmp_path,
        """
        import os
        import ztfnb

        def link(fd):
            try:
                return os.readlink(f"/proc/self/fd/{fd}")
            except OSError:
                return ""

        @ztfnb.filter
        def looks(alert):
            seen = " ".join(f"{name}={value}" for name, value in os.environ.items())
            environ = open("/proc/self/environ").read()
            links = [link(fd) for fd in range(100)]
            return {"environ": seen + environ, "open": " ".join(links)}
        """,
    )
    with (tmp_path / "canary.txt").open("w") as file, Cell([folder], LIMITS) as cell:
        os.set_inheritable(file.fileno(), True)
        cell.start()
        notes = judge_all(cell, packets(1)).filters[0].notes[0]
    assert "canary" not in str(notes)
    assert "PATH=" in str(notes["environ"])


@pytest.mark.skipif(sys.platform != "linux", reason="how a process dies with another is Linux's")
def test_the_process_dies_with_the_worker(tmp_path: Path) -> None:
    """After SIGKILL to the worker the process of the filters ends, also where a filter loops."""
    looping = tmp_path / "looping"
    folder = bundle_of(
        tmp_path / "loops",
        f"""
        import pathlib
        import ztfnb

        @ztfnb.filter
        def loops(alert):
            pathlib.Path({str(looping)!r}).touch()
            while True:
                pass
        """,
    )
    program = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from made import made_packet
from ztfnb.export.worker.cell import Cell
from ztfnb.export.worker.settings import Limits
cell = Cell([Path({str(folder)!r})], Limits(seconds=1000))
cell.start()
cell.submit([made_packet(1)])
print(cell._process.pid, flush=True)
time.sleep(1000)
"""
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    until(looping.exists)
    assert not gone(pid)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    until(lambda: gone(pid))


def test_nothing_stays_behind(tmp_path: Path) -> None:
    """A cell that is closed leaves no process, thread, descriptor or shared memory."""
    folder = bundle_of(tmp_path, REAL)

    def open_here() -> set[str]:
        found = set()
        for one in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                found.add(f"{one.name} {one.readlink()}")
        return {one for one in found if "socket:" not in one}  # a cell has none

    before = open_here()
    with Cell([folder], LIMITS) as cell:
        cell.start()
        assert cell._process is not None
        pid = cell._process.pid
        judge_all(cell, packets(3))
    cell.close()
    until(lambda: gone(pid))
    until(lambda: open_here() <= before)  # what others had open may be closed meanwhile
    # Other processes of tests have some for a moment.
    until(lambda: not list(Path("/dev/shm").glob("ztfnb*")))  # noqa: S108 - looked at only


def test_state_of_a_filter_goes_on_from_batch_to_batch(tmp_path: Path) -> None:
    """A filter that counts counts on: its process is one, and its alerts come in order."""
    folder = bundle_of(
        tmp_path,
        """
        import ztfnb

        seen = []

        @ztfnb.filter
        def counts(alert):
            seen.append(alert.candid)
            return {"number": len(seen), "ordered": seen == sorted(seen)}
        """,
    )
    values = packets(600)
    with Cell([folder], LIMITS) as cell:
        cell.start()
        found: list[Any] = []
        for some in (values[:300], values[300:]):
            judged = judge_all(cell, some)
            found += judged.filters[0].notes.values()
    assert found == [{"number": number, "ordered": True} for number in range(1, 601)]


def test_the_same_without_nameless_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no memory without a name, files that are unlinked at once serve."""
    monkeypatch.delattr(os, "memfd_create")
    with Cell([bundle_of(tmp_path, REAL)], LIMITS) as cell:
        cell.start()
        values: Sequence[bytes] = packets(30)
        assert list(judge_all(cell, values).filters[0].verdict) == [1, 0] * 15


def test_memory_that_many_alerts_take_together_is_given_back(tmp_path: Path) -> None:
    """A filter that keeps more with every alert costs an alert now and then, and no memory."""
    folder = bundle_of(
        tmp_path,
        """
        import mmap, time
        import ztfnb

        kept = []

        @ztfnb.filter
        def keeps(alert):
            kept.append(mmap.mmap(-1, 40 << 20))
            kept[-1].write(bytes(40 << 20))
            while len(kept) == 10:
                time.sleep(0.1)  # nobody has looked yet
            return True
        """,
    )
    with Cell([folder], Limits(seconds=60.0, memory=100 << 20)) as cell:
        cell.start()
        found = judge_all(cell, packets(25))
    failures = found.filters[0].failures
    assert {one.kind for one in failures.values()} <= {"memory"}
    assert cell.restarts >= 1
    assert len(failures) <= cell.restarts
    assert list(found.filters[0].verdict).count(1) == 25 - len(failures)


def test_a_bundle_that_changes_under_a_worker_ends_it(tmp_path: Path) -> None:
    """No process goes on with another filter than the one that the others had."""
    folder = bundle_of(
        tmp_path,
        """
        import os
        import ztfnb

        @ztfnb.filter
        def ends(alert):
            os._exit(1)
        """,
    )
    with Cell([folder], LIMITS) as cell:
        cell.start()
        bundle_of(folder, REAL)
        with pytest.raises(WorkerError, match="a bundle was changed"):
            judge_all(cell, packets(2))
