"""A process that runs other people's filters: what it is denied, in two stages.

Before anything of theirs is imported: no network, no other processes, no writing, and reading of
nothing but Python, what is installed and their own folder. When they are ready: no files at all,
and no environment. What is denied fails with an error, which is the filter's; the process goes on.

Only the first stage holds against an author who means harm: what is imported runs in the same
interpreter, and can see to it that the second is left out. It then still reads what it could read
before: Python, what is installed, and the bundles.
"""

from __future__ import annotations

import ast
import ctypes
import os
import platform
import resource
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from ztfnb.errors import WorkerError
from ztfnb.export.worker.confine_landlock import allow_reading, version
from ztfnb.export.worker.confine_seccomp import Rule, program, put_in_force
from ztfnb.export.worker.confine_syscalls import COMPUTING, LOADING, MACHINES, Machine
from ztfnb.schema import lsst_schema, lsst_schemas, schema_files

_NO_NEW_PRIVILEGES = 38
_NAMES = (15, 16, 0x53564D41)
"""What may be set and asked with ``prctl``: names of threads, and of memory."""
_FLAGS = (0, 1, 2, 3, 4, 1030)
"""What may be done with ``fcntl``: copies of descriptors, and their flags. Not to have the kernel
signal somebody."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_IS_TERMINAL, _CLOSE_ON_EXEC, _KEEP_ON_EXEC = 0x5401, 0x5451, 0x5450
_THREAD = 0x00010000
"""``CLONE_THREAD``."""
_MOST_WRITTEN = 1 << 20
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/urandom"),
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
_AHEAD = (
    *("encodings.ascii", "encodings.latin_1", "encodings.utf_16", "encodings.utf_8_sig"),
    *("encodings.cp1252", "encodings.idna", "_strptime", "unicodedata", "decimal", "traceback"),
    *("cramjam", "numpy.fft", "numpy.linalg", "numpy.ma", "numpy.polynomial", "numpy.random"),
)
"""What Python and NumPy import when it is first needed."""


def machine() -> Machine:
    """Return what this runs on, if filters can be confined here.

    Raises
    ------
    WorkerError
        If they cannot.
    """
    needs = "strict needs Linux 5.13 or newer on x86_64 or aarch64, with Landlock and seccomp"
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        raise WorkerError(f"{needs}; this is {platform.system()} on {platform.machine()}")
    if not version():
        raise WorkerError(f"{needs}; Landlock is not in force here: boot with lsm=landlock,...")
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise WorkerError("strict needs a process of one thread; a library has started more")
    return MACHINES[platform.machine()]


def confine_loading(here: Machine, bundles: Sequence[Path]) -> None:
    """Confine this process to what importing filters, and their setup, need.

    Raises
    ------
    WorkerError
        If the kernel refuses.
    """
    for name in _AHEAD:
        with suppress(ImportError):
            import_module(name)
    for number in lsst_schemas():
        lsst_schema(number)
    time.localtime()
    if ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise WorkerError("strict: the kernel refuses to take privileges away")
    own = os.getpid()
    rules = [
        *_rules(own),
        Rule("open", 1, no_bits=_WRITING),
        Rule("openat", 2, no_bits=_WRITING),
        Rule("fcntl", 1, equal=_FLAGS),
        Rule("prlimit64", 0, equal=(0,)),
        Rule("sched_setaffinity", 0, equal=(0, own)),
    ]
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_WRITTEN, _MOST_WRITTEN))
    try:
        allow_reading([*_readable(), *bundles])
        _seccomp(here, (*COMPUTING, *LOADING), rules)
    except OSError as error:
        raise WorkerError(f"strict: the kernel refuses: {error}") from None


def import_ahead(bundles: Iterable[Path]) -> None:
    """Import what filters import inside of functions, since it could not be read later."""
    for name in imported_later(bundles):
        # What is not there fails where the filter asks for it; an author's module may do anything.
        with suppress(Exception, SystemExit):
            import_module(name)


def confine_running(here: Machine) -> None:
    """Confine this process to computing, when its filters are ready.

    Raises
    ------
    WorkerError
        If the kernel refuses.
    """
    os.environ.clear()
    rules = [
        *_rules(os.getpid()),
        Rule("prlimit64", 2, equal=(0,)),
    ]
    try:
        allow_reading([])
        _seccomp(here, COMPUTING, rules)
    except OSError as error:
        raise WorkerError(f"strict: the kernel refuses: {error}") from None


def imported_later(bundles: Iterable[Path]) -> Iterator[str]:
    """Yield the modules that the files of bundles import anywhere, also inside of functions.

    With what those parts of ztfnb import when they are called that the files name.
    """
    for folder in bundles:
        for file in sorted(folder.rglob("*.py")):
            for name in _named(file):
                yield name
                module = sys.modules.get(name)
                source = getattr(module, "__file__", None)
                if name.startswith("ztfnb.") and source:
                    yield from (
                        one for one in _named(Path(source)) if one.partition(".")[0] != "ztfnb"
                    )


def _named(file: Path) -> list[str]:
    """Return the modules that a file imports or may mean by ``ztfnb.name``."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        match node:
            case _ if id(node) in hidden:
                continue
            case ast.Import():
                found |= dict.fromkeys(alias.name for alias in node.names)
            case ast.ImportFrom(module=str() as module, level=0):
                found |= dict.fromkeys([module, *(f"{module}.{one.name}" for one in node.names)])
            case ast.Attribute(value=ast.Name(id="ztfnb"), attr=name):
                found[f"ztfnb.{name}"] = None
    return list(found)


def _rules(own: int) -> list[Rule]:
    return [
        Rule("clone", 0, bits=_THREAD),
        Rule("tgkill", 0, equal=(own,)),
        Rule("ioctl", 1, equal=(_IS_TERMINAL, _CLOSE_ON_EXEC, _KEEP_ON_EXEC)),
        Rule("prctl", 0, equal=_NAMES),
    ]


def _seccomp(here: Machine, allowed: Iterable[str], rules: Sequence[Rule]) -> None:
    put_in_force(program(here, allowed, rules, ("clone3",)), here)


def _readable() -> list[Path]:
    """Return what every Python program reads: its own folders and the system's libraries."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    own = (Path(__file__).parents[2], schema_files(), Path(sys.base_prefix, "lib"))
    return [*map(Path, (*paths, *_SYSTEM)), *own]
