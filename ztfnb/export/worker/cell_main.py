"""The process that decodes packets and runs filters; ``python -m ztfnb.export.worker.cell_main``.

It is started by `ztfnb.export.worker.cell` and ends with it. It knows no broker and no password.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import resource
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ztfnb.errors import ExportError, FilterWarning, WorkerError
from ztfnb.export.worker.bundle import check_params, load_filter, params_in, read_bundle
from ztfnb.export.worker.cell_judging import Judging, OutOfMemoryError
from ztfnb.export.worker.cell_memory import (
    OWN_MEMORY,
    STATE,
    Attached,
    Progress,
    Results,
    State,
    memory_of,
)
from ztfnb.export.worker.cell_wire import NOT_READY, OUT_OF_MEMORY, PROTOCOL, RENEW, Incoming, send
from ztfnb.export.worker.confine import confine_loading, confine_running, import_ahead, machine
from ztfnb.export.worker.confine_syscalls import Machine
from ztfnb.filters.failure import message_of
from ztfnb.filters.filter import Filter

_PR_SET_PDEATHSIG = 1
_LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Order:
    """What a process of filters is told first."""

    bundles: tuple[str, ...]
    params: dict[str, str]
    messages: int
    """Descriptor of what it says."""
    progress: int
    trace: int
    """Descriptor of a file that takes where Python was when the process was ended."""
    packets: tuple[int, ...]
    """Descriptors of the packets' memory."""
    results: tuple[int, ...]
    parent: int
    """Number of the process that started it."""
    memory: int
    """Bytes that a filter may take beyond what the process has when it is ready."""
    strict: bool
    facts: bool
    """Whether to tell of the filters; otherwise it is known."""


def main() -> None:
    """Run until the worker lets go."""
    commands = int(sys.argv[1])
    told = _told(Incoming(commands))
    try:
        kind, *rest = next(told)
        if kind != f"order {PROTOCOL}":
            _end(NOT_READY, f"expected protocol {PROTOCOL}, got {kind!r}")
        _serve(Order(**rest[0]), told)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except OutOfMemoryError:
        os._exit(RENEW)
    except (BrokenPipeError, StopIteration):
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - a line in the log, and the worker starts another
        _end(1, f"the process of the filters ends: {message_of(error)}")


def _end(code: int, reason: str) -> NoReturn:
    with suppress(OSError):
        os.write(2, f"{reason}\n".encode("utf-8", "replace"))
    os._exit(code)


def _told(incoming: Incoming) -> Iterator[list[Any]]:
    """Yield what the worker says, until it lets go."""
    while not incoming.ended:
        yield from incoming.receive()


def _serve(order: Order, told: Iterator[list[Any]]) -> None:
    _die_with(order.parent)
    # An interrupt from a terminal is the worker's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(order.trace, all_threads=False)
    faulthandler.register(signal.SIGUSR1, order.trace, all_threads=False)
    progress = Progress(Attached(order.progress))
    packets = [Attached(fd, writable=False) for fd in order.packets]
    results = [Attached(fd) for fd in order.results]
    folders = [Path(folder) for folder in order.bundles]
    with Path("/proc/self/status").open("rb", 0) if _LINUX else nullcontext() as status:
        here = _confine(order, folders) if order.strict else None
        filters = _load(order)
        facts = [_facts_of(made) for made in filters] if order.facts else []
        if here is not None:
            import_ahead(folders)
        gc.collect()
        gc.freeze()  # what is there by now stays
        # Nobody looks at the memory of a crashed filter, and writing it takes seconds.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if status is not None:
            _limit_memory(status.read().decode(), order.memory)
    if here is not None:
        confine_running(here)
    progress.words[STATE] = State.IDLE
    send(order.messages, "ready", facts)
    judging = Judging(filters, progress, order.messages)
    for _kind, serial, slot, count, size, apart in told:
        found = Results(results[slot], count, len(filters))
        judging.judge(serial, packets[slot], size, found, range(*apart))
        found.release()
        send(order.messages, "done", serial)
    os._exit(0)


def _load(order: Order) -> list[Filter]:
    """Make the filters ready, or tell why that is not possible and end."""
    warnings.simplefilter("ignore", FilterWarning)  # the author has seen them
    loaded = []
    for folder in order.bundles:
        try:
            bundle = read_bundle(Path(folder))
            check_params(order.params, [read_bundle(Path(one)) for one in order.bundles])
            made = load_filter(bundle, params_in(order.params, bundle))
            made.resources  # noqa: B018 - runs the setup
        except BaseException as error:  # noqa: BLE001 - also sys.exit() in an author's module
            # What a bundle is refused for names the bundle.
            known = isinstance(error, ExportError)
            reason = str(error) if known else f"{folder}: {message_of(error)}"
            send(order.messages, "refused" if known else "failed", reason)
            os._exit(NOT_READY)
        loaded.append(made)
    return loaded


def _facts_of(made: Filter) -> list[Any]:
    return [made.name, made.hash, dict(made.params)]


def _confine(order: Order, folders: Sequence[Path]) -> Machine:
    """Confine this process before anything of the filters is run."""
    try:
        here = machine()
        confine_loading(here, folders)
    except WorkerError as error:
        send(order.messages, "failed", str(error))
        os._exit(NOT_READY)
    return here


def _limit_memory(status: str, most: int) -> None:
    """Let what is wanted beyond the present be refused, as a `MemoryError` inside of the filter."""
    limit = memory_of(status, "VmData") + most + OWN_MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _die_with(parent: int) -> None:
    """Have this process killed when the worker dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        with suppress(OSError):  # where memory is short, the kernel takes this process first
            Path("/proc/self/oom_score_adj").write_text("1000")
        if os.getppid() != parent:
            os._exit(0)  # it was too late


if __name__ == "__main__":
    main()
