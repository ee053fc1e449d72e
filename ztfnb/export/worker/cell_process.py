"""One process of filters: started with nothing of this one's, looked at, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from ztfnb.errors import WorkerError
from ztfnb.export.worker.cell_memory import OWN_MEMORY, memory_of
from ztfnb.export.worker.cell_wire import PROTOCOL, Incoming, send

_MODULE = "ztfnb.export.worker.cell_main"
_PASSED_ON = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""How many threads a library may start: one, unless the worker's environment says otherwise.
Under strict always one, since a process is confined before it has more."""
_TRACED = 1.0
"""How long a process may take to write where it is [s]."""
_GLANCE = 0.01
_LINE_DIGITS = 9


class CellProcess:
    """A process that runs filters.

    Parameters
    ----------
    python
        The interpreter; this package is installed for it.
    folder
        Its working directory.
    order
        What it is told first: the fields of `ztfnb.export.worker.cell_main.Order`, without
        ``messages``, ``trace`` and ``parent``.
    inherited
        Descriptors that it gets beside these.
    printed
        Where what filters print goes.

    Raises
    ------
    WorkerError
        If it cannot be started.
    """

    def __init__(
        self,
        python: Path,
        folder: Path,
        order: dict[str, Any],
        inherited: Sequence[int],
        printed: int,
    ) -> None:
        self.begun = monotonic()
        commands, self._commands = os.pipe()
        mine, messages = os.pipe()
        trace, self._trace = _trace_file()
        handed = [commands, messages, trace]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [python, "-I", "-B", "-m", _MODULE, str(commands)],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                cwd=folder,
                env=_environment({} if order["strict"] else os.environ),
                pass_fds=[*handed, *inherited],
                start_new_session=True,
            )
        except OSError as error:
            for fd in (self._commands, mine, self._trace):
                os.close(fd)
            raise WorkerError(
                f"the process of the filters cannot be started: {python}: {error.strerror}"
            ) from None
        finally:
            for fd in handed:
                os.close(fd)
        self.pid = self._process.pid
        os.set_blocking(mine, False)
        self.incoming = Incoming(mine)
        self._ended = _descriptor_of(self.pid)
        told = {**order, "messages": messages, "trace": trace, "parent": os.getpid()}
        self.tell(f"order {PROTOCOL}", told)

    @property
    def descriptors(self) -> list[int]:
        """What becomes readable when it says something, or ends."""
        return [self.incoming.fd] + ([] if self._ended is None else [self._ended])

    def tell(self, *message: Any) -> None:
        """Send it a message; one that has ended takes none."""
        with suppress(BrokenPipeError):
            send(self._commands, *message)

    def ended(self) -> int | None:
        """Return its exit code, negative where a signal ended it; None while it runs."""
        return self._process.poll()

    def where(self, folders: Sequence[Path]) -> int:
        """Return the author's line that it is at, or was at when a signal ended it; 0 if unknown.

        Parameters
        ----------
        folders
            Where the author's files are.
        """
        if self.ended() is None:
            with suppress(OSError):
                os.kill(self.pid, signal.SIGUSR1)
        end = monotonic() + _TRACED
        while True:
            last = self.ended() is not None or monotonic() > end
            line = self._line(folders)
            if line or last:
                return line
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GLANCE)

    def _line(self, folders: Sequence[Path]) -> int:
        """Return the author's line in what is written so far; 0 where there is none yet."""
        for line in self._traced().decode("utf-8", "replace").splitlines(keepends=True):
            # What Python writes: File "/filter/filter.py", line 12 in young
            name, _, rest = line.strip().removeprefix('File "').partition('", line ')
            if line.endswith("\n") and any(Path(name).is_relative_to(one) for one in folders):
                number = rest.partition(" ")[0][:_LINE_DIGITS]
                return int(number) if number.isascii() and number.isdigit() else 0
        return 0

    def memory(self) -> list[int]:
        """Return the bytes that are this process's own, and those of each that it has started.

        Empty where the system does not tell.
        """
        found = []
        for pid in (self.pid, *descendants(self.pid)):
            with suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
                found.append(memory_of(status, "RssAnon", "RssShmem"))
        return found

    def _traced(self) -> bytes:
        with suppress(OSError):
            return os.pread(self._trace, 1 << 16, 0)
        return b""

    def kill(self) -> None:
        """End it at once, and what it has started."""
        others = list(descendants(self.pid))
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for other in others:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it, and let go of everything."""
        self.kill()
        for fd in (self._commands, self._trace, *self.descriptors):
            os.close(fd)


def _environment(environ: Any) -> dict[str, str]:
    """Return the environment of the process: nothing that could be a secret."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # The memory of a batch serves the next: to give it back costs as much as decoding does.
        "MALLOC_TRIM_THRESHOLD_": str(OWN_MEMORY),
        "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
        "MALLOC_ARENA_MAX": "2",
        **{name: environ.get(name, "1") for name in _PASSED_ON},
    }


def _trace_file() -> tuple[int, int]:
    """Return a file without a name, as the process writes it and as it is read here."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("ztfnb trace")
    else:
        import tempfile  # noqa: PLC0415 - where there is no memory without a name

        fd, name = tempfile.mkstemp(prefix="ztfnb-")
        Path(name).unlink()
    return fd, os.dup(fd)


def _descriptor_of(pid: int) -> int | None:
    """Return a descriptor that tells when a process ends, where there are such."""
    if sys.platform == "linux":
        with suppress(OSError):
            return os.pidfd_open(pid)
    return None


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that they have."""
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, file.read_text().split()):
                yield child
                yield from descendants(child)
