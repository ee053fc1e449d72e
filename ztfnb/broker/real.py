"""Apache Kafka itself on this machine: one node, on loopback, started and stopped as wanted.

`start`, `stop` and `status` serve the user's own broker, which outlives the process that started
it; `RealBroker` is any broker in a folder of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ztfnb.broker.parts import Progress, find_jars, find_java
from ztfnb.errors import BrokerError
from ztfnb.nightly import PARTITIONS

PORT = 9092
_LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
_START_TIMEOUT = 180.0
_STOP_TIMEOUT = 30.0
_DRAWN = range(20_000, 32_000)
"""Ports that Linux and macOS give to nobody who does not ask for one."""
_READY = "Kafka Server started"


@dataclass(frozen=True, slots=True)
class Running:
    """A broker that runs."""

    bootstrap: str
    """Its address, ``host:port``."""
    pid: int
    folder: Path
    """Where its data, settings and log are."""

    @property
    def log(self) -> Path:
        """What it says of itself."""
        return self.folder / "broker.log"


class RealBroker:
    """One node of Apache Kafka (broker and controller in one), on loopback.

    Parameters
    ----------
    folder
        Where its data, settings and log are; kept when it stops.
    port
        Where it listens; unless given, where it did last time, or 9092 if that is free, or any
        free port; 0 means where it did last time or any free port.
    heap
        Memory of its Java machine, as Java writes it.
    settings
        More settings of the broker, under Kafka's names; they win. Clients connect to the
        listener called ``CLIENTS``.
    users
        SCRAM-SHA-512 users and their passwords, made when the folder is first used.
    cluster
        Kafka's id of the cluster that it is one node of, together with ``settings`` that name its
        quorum; one of its own unless given.
    environ
        The environment; `os.environ` unless given.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        heap: str = "512m",
        settings: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
        cluster: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self._port = port
        self._heap = heap
        self._settings = dict(settings or {})
        self._users = dict(users or {})
        self._cluster = cluster or cluster_id()
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, progress: Progress | None = None) -> Running:
        """Start it and return when it takes connections; one that runs is left alone.

        Parameters
        ----------
        progress
            Told in words what is being done.

        Raises
        ------
        BrokerError
            If something is missing (says what, and how to get it), or it does not come up.
        """
        running = self.status()
        if running is not None:
            return running
        java = find_java(self._environ)
        jars = find_jars(java, progress, self._environ)
        if progress is not None:
            progress("starting Apache Kafka")
        self.folder.mkdir(parents=True, exist_ok=True)
        state = self._choose_ports()
        self._write_settings(state)
        command = [str(java), f"-Xmx{self._heap}", "-cp", f"{jars}/*"]
        command += [f"-Dlog4j2.configurationFile={_LOG_SETTINGS}"]
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(command)
        log = self.folder / "broker.log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 - put together above
                [*command, "kafka.Kafka", str(self._settings_path)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )
        state = _State(self._process.pid, state.port, state.controller_port)
        self._state_path.write_text(json.dumps(asdict(state)), encoding="utf-8")
        self._await_ready(log)
        return Running(state.bootstrap, state.pid, self.folder)

    def status(self) -> Running | None:
        """Return the broker if it runs."""
        state = self._state()
        if state is None or not self._runs(state.pid):
            return None
        return Running(state.bootstrap, state.pid, self.folder)

    def stop(self, *, force: bool = False) -> bool:
        """Stop it, and return whether it ran; its data stay.

        Parameters
        ----------
        force
            Kill it, as a fault would.

        Raises
        ------
        BrokerError
            If it does not end.
        """
        running = self.status()
        if running is None:
            return False
        steps = [(signal.SIGKILL, _STOP_TIMEOUT)]
        if not force:
            steps.insert(0, (signal.SIGTERM, _STOP_TIMEOUT))
        for number, patience in steps:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, number)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not self._runs(running.pid):
                    return True
                time.sleep(0.05)
        raise BrokerError(f"the broker (process {running.pid}) does not end")

    @property
    def _settings_path(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _state_path(self) -> Path:
        return self.folder / "broker.json"

    def _state(self) -> _State | None:
        try:
            return _State(**json.loads(self._state_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _runs(self, pid: int) -> bool:
        """Whether this process is our broker: numbers of ended processes are given again."""
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        return str(self._settings_path) in _command_line(pid)

    def _choose_ports(self) -> _State:
        last = self._state()
        wanted = self._port or (last.port if last else _free_port() if self._port == 0 else PORT)
        if not _is_free(wanted):
            if self._port:
                raise BrokerError(
                    f"port {wanted} is taken by another program; end that, or choose another port"
                )
            wanted = _free_port()
        while (controller := _free_port()) == wanted:
            pass
        return _State(0, wanted, controller)

    def _write_settings(self, state: _State) -> None:
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{state.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENTS",
            "listeners": (
                f"CLIENTS://127.0.0.1:{state.port},CONTROLLER://127.0.0.1:{state.controller_port}"
            ),
            "advertised.listeners": f"CLIENTS://127.0.0.1:{state.port}",
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
            # A mistyped name must not become a topic.
            "auto.create.topics.enable": "false",
            "num.partitions": str(PARTITIONS),
            "message.max.bytes": str(5 << 20),
            "log.segment.bytes": str(128 << 20),
            # By size, not by time: a night of years ago keeps its times, and would expire at once.
            "log.retention.ms": "-1",
            "log.retention.bytes": str(1 << 30),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # 128 MiB unless told otherwise: half of a small heap.
            "log.cleaner.dedupe.buffer.size": str(8 << 20),
            **self._settings,
        }
        lines = [f"{name}={_escaped(value)}" for name, value in settings.items()]
        self._settings_path.touch(mode=0o600)
        self._settings_path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _format(self, command: list[str]) -> None:
        command = [*command, "kafka.tools.StorageTool", "format", "-t", self._cluster]
        command += ["-c", str(self._settings_path)]
        for name, password in self._users.items():
            command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        told = subprocess.run(  # noqa: S603 - put together by start
            command, capture_output=True, text=True, cwd=self.folder, check=False
        )
        if told.returncode:
            raise BrokerError(
                f"Apache Kafka could not prepare {self.folder}: "
                f"{_last_line(told.stdout + told.stderr)}"
            )

    def _await_ready(self, log: Path) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            if _READY in log.read_text(encoding="utf-8", errors="replace"):
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop(force=True)
        said = _last_line(log.read_text(encoding="utf-8", errors="replace"))
        raise BrokerError(f"Apache Kafka did not come up: {said} (see {log})")


def start(progress: Progress | None = None) -> Running:
    """Start the user's own broker: see `RealBroker.start`."""
    return RealBroker(default_folder()).start(progress)


def stop() -> bool:
    """Stop the user's own broker, and return whether it ran."""
    return RealBroker(default_folder()).stop()


def status() -> Running | None:
    """Return the user's own broker if it runs."""
    return RealBroker(default_folder()).status()


def cluster_id() -> str:
    """Return a new id for a cluster, as Kafka writes them."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def default_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the user's own broker keeps its data."""
    environ = os.environ if environ is None else environ
    home = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "ztfnb" / "broker"


@dataclass(frozen=True, slots=True)
class _State:
    """What is written down about a broker."""

    pid: int
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"


def _command_line(pid: int) -> str:
    """Return how a process was called; empty if there is none of that number."""
    proc = Path("/proc")
    if proc.is_dir():
        with contextlib.suppress(OSError):
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return ""
    told = subprocess.run(  # noqa: S603 - a number
        ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return told.stdout


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    """Draw one: who asks for any gets those of `_DRAWN` never, nor does a connection.

    So it is still free when the broker listens there, and when it comes back.
    """
    while not _is_free(port := secrets.choice(_DRAWN)):
        pass
    return port


def _escaped(value: str) -> str:
    """Write a value as Java's property files have it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "Exception" in line or "ERROR" in line] or lines
    return telling[-1][:300] if telling else "it said nothing"
