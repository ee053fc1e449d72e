from __future__ import annotations

import platform
import re
import socket
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from celled import bundle_of, judge_all
from made import made_packet
from packets import needs_real_packets, real_files

from ztfnb.codec import decode
from ztfnb.columns import decode_columns
from ztfnb.errors import WorkerError
from ztfnb.export.worker import cell_process, confine
from ztfnb.export.worker.bundle import load_filter, read_bundle
from ztfnb.export.worker.cell import Cell
from ztfnb.export.worker.confine import imported_later
from ztfnb.export.worker.confine_landlock import version
from ztfnb.export.worker.confine_syscalls import COMPUTING, LOADING, MACHINES, NUMBERS
from ztfnb.export.worker.settings import Limits

here = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in MACHINES or not version(),
    reason="strict needs a Linux kernel with Landlock in force",
)
LIMITS = Limits(seconds=60.0, memory=400 << 20)

DENIED = """
    import asyncio, ctypes, io, mmap, multiprocessing, os, pathlib, pty, shutil, signal, socket
    import subprocess, sys, tempfile, threading, urllib.request
    import ztfnb

    libc = ctypes.CDLL(None, use_errno=True)

    def raw(number, *given):
        found = libc.syscall(number, *given)
        if found < 0:
            raise OSError(ctypes.get_errno(), "refused")
        return found

    def checked(found):
        if not found:
            raise OSError("refused")
        return found

    def forked(fork):
        # In the other process too: what it returns is not this one's.
        pid = fork()
        if pid < 0:
            raise OSError("refused")
        if pid == 0:
            os._exit(0)
        return pid

    def in_thread(does):
        found = []
        def run():
            try:
                found.append(does())
            except OSError as error:
                found.append(error)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if isinstance(found[0], OSError):
            raise found[0]
        return found[0]

    SECRET = SECRET_HERE
    OWN = OWN_HERE
    PORT = PORT_HERE
    X86 = os.uname().machine == "x86_64"
    OPENAT, OPENAT2, URING = (257 if X86 else 56), 437, 425
    EXECVE, PTRACE, KILL = (59, 101, 62) if X86 else (221, 117, 129)
    CLONE, VM_READ = (56, 310) if X86 else (220, 270)
    AT, ROOM = -100, bytes(16)

    WAYS = {
        "open": lambda: open(SECRET).read(),
        "open of its own folder": lambda: open(OWN).read(),
        "io": lambda: io.FileIO(SECRET).read(),
        "os.open": lambda: os.read(os.open(SECRET, os.O_RDONLY), 100),
        "pathlib": lambda: pathlib.Path(SECRET).read_text(),
        "openat in C": lambda: raw(OPENAT, AT, SECRET.encode(), 0),
        "openat2 in C": lambda: raw(OPENAT2, AT, SECRET.encode(), bytes(24), 24),
        "fopen in C": lambda: checked(libc.fopen(SECRET.encode(), b"r")),
        "open in a thread": lambda: in_thread(lambda: open(SECRET).read()),
        "listing": lambda: os.listdir("/"),
        "stat": lambda: os.stat(SECRET),
        "a link": lambda: os.readlink("/proc/self/exe"),
        "a new file": lambda: open(SECRET + ".new", "w"),
        "a temporary file": lambda: tempfile.TemporaryFile(),
        "shared memory": lambda: open("/dev/shm/ztfnb-test", "w"),
        "memory as a file": lambda: os.memfd_create("x"),
        "removing": lambda: os.remove(SECRET),
        "renaming": lambda: os.rename(SECRET, SECRET + ".moved"),
        "a folder": lambda: os.mkdir(SECRET + ".d"),
        "rights of a file": lambda: os.chmod(SECRET, 0o777),
        "cutting a file": lambda: os.truncate(SECRET, 0),
        "copying": lambda: shutil.copy(SECRET, SECRET + ".copy"),
        "a link to a file": lambda: os.symlink(SECRET, SECRET + ".link"),
        "its descriptors": lambda: os.listdir("/proc/self/fd"),
        "its environment": lambda: open("/proc/self/environ").read(),
        "the worker's environment": lambda: open(f"/proc/{os.getppid()}/environ").read(),
        "the worker's memory": lambda: open(f"/proc/{os.getppid()}/mem", "rb"),
        "the worker's files": lambda: os.listdir(f"/proc/{os.getppid()}/fd"),
        "the worker's memory in C": lambda: raw(VM_READ, os.getppid(), ROOM, 1, ROOM, 1, 0),
        "tracing the worker": lambda: raw(PTRACE, 16, os.getppid(), 0, 0),
        "ending the worker": lambda: os.kill(os.getppid(), signal.SIGKILL),
        "ending the worker in C": lambda: raw(KILL, os.getppid(), 9),
        "ending all": lambda: os.kill(-1, signal.SIGKILL),
        "a descriptor of the worker": lambda: os.pidfd_open(os.getppid()),
        "socket": lambda: socket.socket(),
        "a connection": lambda: socket.create_connection(("127.0.0.1", PORT), 1),
        "a socket of this machine": lambda: socket.socket(socket.AF_UNIX),
        "a pair of sockets": lambda: socket.socketpair(),
        "urllib": lambda: urllib.request.urlopen(f"http://127.0.0.1:{PORT}", timeout=1),
        "urllib of a file": lambda: urllib.request.urlopen(f"file://{SECRET}").read(),
        "asyncio": lambda: asyncio.new_event_loop(),
        "a name": lambda: socket.getaddrinfo("localhost", 80),
        "fork": lambda: forked(os.fork),
        "forkpty": lambda: forked(lambda: pty.fork()[0]),
        "fork in C": lambda: forked(libc.fork),
        "vfork by clone": lambda: raw(CLONE, 0x4111, 0, 0, 0, 0),
        "subprocess": lambda: subprocess.run(["/bin/true"]),
        "os.system": lambda: checked(os.system("true") == 0),
        "os.posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "multiprocessing": lambda: multiprocessing.get_context("fork").Process().start(),
        "execve": lambda: os.execv("/bin/true", ["true"]),
        "execve in C": lambda: raw(EXECVE, b"/bin/true", 0, 0),
        "io_uring": lambda: raw(URING, 8, bytes(120)),
        "another root": lambda: os.chroot("/"),
        "other limits": lambda: __import__("resource").setrlimit(0, (1, 1)),
        "another user": lambda: os.setuid(65534),
        "a mapped file": lambda: mmap.mmap(os.open(SECRET, 0), 1, prot=1),
    }

    @ztfnb.filter
    def tries(alert):
        way = list(WAYS)[alert.candid - 1]
        try:
            found = WAYS[way]()
        except (OSError, ValueError, ImportError, AttributeError):
            return {"refused": way}
        return {"worked": f"{way}: {found!r}"[:200]}
"""


FREE = (
    *("open", "open of its own folder", "io", "os.open", "pathlib", "openat in C", "fopen in C"),
    *("open in a thread", "listing", "stat", "a link", "a temporary file", "memory as a file"),
    *("its descriptors", "its environment", "the worker's environment", "socket", "a connection"),
    *("a socket of this machine", "a pair of sockets", "urllib of a file", "asyncio", "fork"),
    *("fork in C", "subprocess", "os.system", "os.posix_spawn", "a mapped file"),
)
"""What works where nothing is denied, and changes nothing."""


@here
def test_s32_files_sockets_environment_and_processes_are_denied(tmp_path: Path) -> None:
    """Whatever way a filter takes to a file, a socket or a process, it is refused."""
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = DENIED.replace("SECRET_HERE", repr(str(secret)))
        text = text.replace("OWN_HERE", repr(str(tmp_path / "bundle" / "filter.py")))
        text = text.replace("PORT_HERE", str(server.getsockname()[1]))
        folder = bundle_of(tmp_path / "bundle", text)
        ways = re.findall(r'^ +"([^"]+)": lambda:', text, re.MULTILINE)
        values = [made_packet(number) for number in range(1, len(ways) + 1)]
        with Cell([folder], LIMITS, strict=True) as cell:
            cell.start()
            [verdicts] = judge_all(cell, values).filters
        # Unconfined they do what they say: those of them that harm nobody.
        with Cell([folder], LIMITS) as other:
            other.start()
            [free] = judge_all(other, [values[ways.index(way)] for way in FREE]).filters
    assert [way for place, way in enumerate(FREE) if "worked" not in free.notes[place]] == []
    assert not verdicts.failures
    told = [dict(verdicts.notes[place]) for place in range(len(ways))]
    assert told == [{"refused": way} for way in ways]
    assert secret.read_text() == "canary"
    assert [path.name for path in tmp_path.iterdir() if path != folder] == ["secret.txt"]
    assert cell.restarts == 0


@here
def test_s32_the_environment_is_empty(tmp_path: Path) -> None:
    """A filter sees no variable, by Python or by the C library."""
    folder = bundle_of(
        tmp_path,
        """
        import ctypes, os
        import ztfnb

        @ztfnb.filter
        def looks(alert):
            getenv = ctypes.CDLL(None).getenv
            getenv.restype = ctypes.c_char_p
            return {"python": str(dict(os.environ)), "c": str([getenv(b"PATH"), getenv(b"HOME")])}
        """,
    )
    with Cell([folder], LIMITS, strict=True) as cell:
        cell.start()
        notes = judge_all(cell, [made_packet(1)]).filters[0].notes[0]
    assert notes == {"python": "{}", "c": "[None, None]"}


@here
@pytest.mark.parametrize(
    "does",
    [
        "open(SECRET).read()",
        "open(SECRET, 'a')",
        "open(FOLDER + '/new.txt', 'w')",
        "open('/proc/self/environ').read()",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "os.fork()",
        "socket.socket()",
        "subprocess.run(['/bin/true'])",
        "os.kill(os.getppid(), 0)",
    ],
)
@pytest.mark.parametrize("when", ["import", "setup"])
def test_s32_importing_and_setup_are_confined_too(tmp_path: Path, does: str, when: str) -> None:
    """What a filter's module does on import, or its setup, reaches no more than Python needs."""
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    folder = tmp_path / "bundle"
    text = f"""
    import os, socket, subprocess
    import ztfnb

    SECRET, FOLDER = {str(secret)!r}, {str(folder)!r}
    denied = []

    def attempt():
        try:
            {does}
        except OSError as error:
            denied.append(error.errno)

    def setup():
        attempt() if {when == "setup"} else None
        return denied

    if {when == "import"}:
        attempt()

    @ztfnb.filter(setup=setup)
    def looks(alert, *, loaded):
        return len(loaded) == 1
    """
    with Cell([bundle_of(folder, text)], LIMITS, strict=True) as cell:
        cell.start()
        assert list(judge_all(cell, [made_packet(1)]).filters[0].verdict) == [1]
    assert secret.read_text() == "canary"
    assert not (folder / "new.txt").exists()


@here
@needs_real_packets
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_s32_ordinary_filters_decide_as_they_do_unconfined(tmp_path: Path) -> None:
    """NumPy, history, stamps, files read in setup, helpers imported late: the same decisions."""
    data = tmp_path / "least.txt"
    data.write_text("3")
    text = """
    import json
    from datetime import datetime
    import numpy as np
    import ztfnb

    def setup(least):
        with open(least) as file:
            return int(file.read())

    @ztfnb.filter(files={"least": LEAST}, setup=setup)
    def ordinary(alert, *, loaded):
        import statistics
        from fractions import Fraction
        kind = alert.candid % 6
        if kind == 0:
            past = [one["magpsf"] for one in alert.get("prv_candidates") or () if one.get("magpsf")]
            return len(past) >= loaded and statistics.median(past) > Fraction(37, 2)
        if kind == 1:
            stamp = ztfnb.cutout(alert, "difference")
            return bool(np.nanmax(stamp) > np.nanpercentile(stamp, 50) + 10)
        if kind == 2:
            curve = ztfnb.photometry(alert)
            return {"points": len(curve), "when": str(alert.time)}
        if kind == 3:
            random = np.random.default_rng(alert.candid)
            return bool(np.linalg.norm(random.normal(size=3)) > 1.5)
        if kind == 4:
            return json.loads(json.dumps({"x": alert.ra}))["x"] > 100
        return datetime.strptime("2018", "%Y").year == 2018 and alert.ra.hex().encode("cp1252")
    """.replace("LEAST", repr(str(data)))
    folder = bundle_of(tmp_path / "bundle", text)
    (tmp_path / "bundle" / "least.txt").write_text("3")
    data.unlink()
    values = [path.read_bytes() for path in real_files("night-*/*.avro")[:600]]
    values += [path.read_bytes() for path in real_files("**/*.avro")[:200]]
    text = (folder / "filter.py").read_text().replace(str(data), "least.txt")
    folder = bundle_of(folder, dedent(text).replace("\nFILTER = ordinary\n", ""))
    columns = decode_columns(values)
    rows = columns.rows.tolist()
    report = load_filter(read_bundle(folder)).evaluate([decode(values[place]) for place in rows])
    with Cell([folder], LIMITS, strict=True) as cell:
        cell.start()
        found = judge_all(cell, values)
    [verdicts] = found.filters
    assert [verdicts.verdict[place] for place in rows] == report.verdict.tolist()
    assert {rows[at]: note for at, note in report.judgement.notes.items()} == verdicts.notes
    expected = {rows[at]: one.message for at, one in report.judgement.failures.items()}
    assert {place: one.message for place, one in verdicts.failures.items()} == expected
    assert set(found.undecodable) == {place for place, _error in columns.errors}
    assert report.counts[0] > 50
    assert cell.restarts == 0


@here
def test_s32_limits_hold_under_strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops, memory and crashes are ended under strict too, and another process goes on."""
    monkeypatch.setattr(cell_process, "_TRACED", 60.0)  # until it has told its line
    folder = bundle_of(
        tmp_path,
        """
        import ctypes
        import ztfnb

        @ztfnb.filter
        def bad(alert):
            if alert.candid == 2:
                while True: pass
            if alert.candid == 4:
                return bool(bytearray(4 << 30))
            if alert.candid == 6:
                ctypes.string_at(0)
            return True
        """,
    )
    with Cell([folder], Limits(seconds=3.0, memory=200 << 20), strict=True) as cell:
        cell.start()
        [verdicts] = judge_all(cell, [made_packet(number) for number in range(1, 8)]).filters
    assert list(verdicts.verdict) == [1, -1, 1, -1, 1, -1, 1]
    assert {place: (one.kind, one.line) for place, one in verdicts.failures.items()} == {
        1: ("time", 8), 3: ("memory", 10), 5: ("crash", 12)
    }  # fmt: skip


def test_numbers_of_system_calls_are_the_kernels() -> None:
    """Each number is that of the kernel's own headers, where these are installed."""
    assert {*COMPUTING, *LOADING} <= NUMBERS.keys()
    own = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    generic = Path("/usr/include/asm-generic/unistd.h")
    if not (own.exists() and generic.exists()):
        pytest.skip("the kernel's headers are not installed")
    define = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)")
    numbers = dict(define.findall(own.read_text()))
    assert {
        name: str(number) for name, (number, _other) in NUMBERS.items()
    }.items() <= numbers.items()
    numbers = dict(define.findall(generic.read_text()))
    # The table's names of calls that other processors have twice.
    twice = {"newfstatat": "fstatat"}
    for name, (_number, other) in NUMBERS.items():
        assert numbers.get(twice.get(name, name)) == (None if other is None else str(other))


def test_modules_that_are_imported_late_are_found(tmp_path: Path) -> None:
    """Imports inside of functions are seen, those of ztfnb's parts too; those for types are not."""
    folder = bundle_of(
        tmp_path,
        """
        from typing import TYPE_CHECKING
        import ztfnb

        if TYPE_CHECKING:
            import nothing_for_types

        @ztfnb.filter
        def late(alert):
            import xml.dom
            from concurrent import futures
            return ztfnb.periodogram is None
        """,
    )
    found = list(imported_later([folder]))
    assert {"xml.dom", "concurrent.futures", "ztfnb.periodogram"} <= set(found)
    assert any(name.startswith("astropy") for name in found)
    assert "nothing_for_types" not in found


@pytest.mark.parametrize(("what", "given"), [("machine", "sparc64"), ("system", "Darwin")])
def test_where_filters_cannot_be_confined_strict_is_refused(
    monkeypatch: pytest.MonkeyPatch, what: str, given: str
) -> None:
    """Without Landlock and seccomp of a known machine the reason is raised; nothing is let pass."""
    monkeypatch.setattr(platform, what, lambda: given)
    if what == "system":
        monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(WorkerError, match="strict needs Linux"):
        confine.machine()


def test_a_kernel_without_landlock_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Landlock is not in force the message says how to bring it in."""
    monkeypatch.setattr(confine, "version", lambda: 0)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(WorkerError, match="lsm=landlock"):
        confine.machine()


@here
@pytest.mark.parametrize(
    "reach",
    [
        "resource.prlimit(os.getppid(), resource.RLIMIT_CORE, resource.getrlimit(4))",
        "os.sched_setaffinity(os.getppid(), {0})",
        "fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())",
        "refused(libc.prctl(1, 0, 0, 0, 0))",
    ],
    ids=["limits", "processors", "signals of the kernel", "its death with the worker"],
)
def test_s32_nothing_reaches_the_worker_while_filters_are_imported(
    reach: str, tmp_path: Path
) -> None:
    """Limits of the worker's process, where it runs, and who ends with whom, are the worker's."""
    text = f"""
        import ctypes, fcntl, os, resource
        import ztfnb

        libc = ctypes.CDLL(None)

        def refused(found):
            if found:
                raise PermissionError

        try:
            {reach}
        except PermissionError:
            DONE = False
        else:
            DONE = True

        @ztfnb.filter
        def f(alert):
            return DONE
        """
    with Cell([bundle_of(tmp_path / "f", text)], LIMITS, strict=True) as cell:
        cell.start()
        judged = judge_all(cell, [made_packet(1)])
    assert list(judged.filters[0].verdict) == [0]
