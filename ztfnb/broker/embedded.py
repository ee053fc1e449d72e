"""A Kafka broker inside this process: for demonstrations and quick tests.

It is the mock cluster that librdkafka brings for its own tests, reached through `ctypes`, so that
neither Java nor a container is needed. Any Kafka client can connect to it. Its limits:

* 5 MiB (and 100,000 message sets) are kept for each partition; older ones are dropped silently;
* it looks up no offsets by time (`KafkaSource` has ``scan_times`` for that), and creates no
  topics on request: use `EmbeddedBroker.create_topic`;
* no TLS, no passwords, no replication worth the name, nothing on disk.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import confluent_kafka.cimpl
from confluent_kafka import KafkaError

from ztfnb.errors import BrokerError

_PRODUCER = 0
_API_KEYS = {
    "produce": 0,
    "fetch": 1,
    "list offsets": 2,
    "metadata": 3,
    "init producer": 22,
}
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "rd_kafka_conf_new": (ctypes.c_void_p, []),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "rd_kafka_new": (
        ctypes.c_void_p,
        [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "rd_kafka_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_new": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, [ctypes.c_void_p]),
    "rd_kafka_mock_topic_create": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
    ),
    "rd_kafka_mock_topic_set_error": (
        None,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int],
    ),
    "rd_kafka_mock_partition_delete_records": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64],
    ),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        [ctypes.c_void_p, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)],
    ),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
    "rd_kafka_mock_broker_set_rtt": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int],
    ),
}


class EmbeddedBroker:
    """A running broker on a free loopback port; it ends with `close` or with the process.

    Parameters
    ----------
    topics
        Topics to create.
    partitions
        Partitions of each topic.

    Attributes
    ----------
    bootstrap
        Its address, ``host:port``.

    Raises
    ------
    BrokerError
        If this installation's Kafka client lacks the mock cluster.
    """

    def __init__(self, topics: Iterable[str] = (), *, partitions: int = 16) -> None:
        self._library = _library()
        self._partitions = partitions
        self._handle, self._cluster = self._start()
        self.bootstrap = str(self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode())
        try:
            for topic in topics:
                self.create_topic(topic)
        except BrokerError:
            self.close()
            raise

    def create_topic(self, name: str, partitions: int | None = None) -> None:
        """Create a topic.

        Raises
        ------
        BrokerError
            If it is there already, or the name is not allowed.
        """
        count = self._partitions if partitions is None else partitions
        create = self._library.rd_kafka_mock_topic_create
        self._check(create(self._cluster, name.encode(), count, 1), f"create topic {name!r}")

    def set_down(self) -> None:
        """Drop all connections and refuse new ones; what it holds is kept."""
        self._check(self._library.rd_kafka_mock_broker_set_down(self._cluster, 1), "go down")

    def set_up(self) -> None:
        """Accept connections again."""
        self._check(self._library.rd_kafka_mock_broker_set_up(self._cluster, 1), "come up")

    def set_delay(self, seconds: float) -> None:
        """Answer every request only after ``seconds`` [s]."""
        milliseconds = round(seconds * 1000)
        call = self._library.rd_kafka_mock_broker_set_rtt
        self._check(call(self._cluster, 1, milliseconds), "delay")

    def fail(self, request: str, code: int, times: int = 1) -> None:
        """Answer the next requests of a kind with an error.

        Parameters
        ----------
        request
            ``"produce"``, ``"fetch"``, ``"list offsets"``, ``"metadata"`` or ``"init producer"``.
        code
            As `confluent_kafka.KafkaError` names them.
        times
            How many requests.
        """
        errors = (ctypes.c_int * times)(*[code] * times)
        push = self._library.rd_kafka_mock_push_request_errors_array
        push(self._cluster, _API_KEYS[request], times, errors)

    def refuse_topic(self, name: str, code: int) -> None:
        """Answer every question about a topic with an error; code 0 ends that."""
        self._library.rd_kafka_mock_topic_set_error(self._cluster, name.encode(), code)

    def expire(self, topic: str, partition: int, before: int) -> None:
        """Drop what a partition holds below the offset ``before``, as retention does."""
        call = self._library.rd_kafka_mock_partition_delete_records
        self._check(
            call(self._cluster, topic.encode(), partition, before), f"expire {topic}/{partition}"
        )

    def close(self) -> None:
        """End the broker and forget what it held; a second call does nothing."""
        if self._handle:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._handle)
            self._handle = self._cluster = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EmbeddedBroker({self.bootstrap!r})"

    def _start(self) -> tuple[int | None, int | None]:
        library = self._library
        reason = ctypes.create_string_buffer(512)
        properties = library.rd_kafka_conf_new()
        # Only emergencies: a host for a broker has nobody to connect to, and would say so.
        library.rd_kafka_conf_set(properties, b"log_level", b"0", reason, len(reason))
        handle = library.rd_kafka_new(_PRODUCER, properties, reason, len(reason))
        if not handle:
            raise BrokerError(f"the embedded broker cannot start: {reason.value.decode()}")
        cluster = library.rd_kafka_mock_cluster_new(handle, 1)
        if not cluster:
            library.rd_kafka_destroy(handle)
            raise BrokerError("the embedded broker cannot start: no port on loopback is free")
        return handle, cluster

    def _check(self, code: int, what: str) -> None:
        if code:
            raise BrokerError(f"the embedded broker cannot {what}: {KafkaError(code).str()}")


@functools.cache
def _library() -> ctypes.CDLL:
    """Return librdkafka as the Kafka client loaded it.

    Symbols are looked up through the client's own extension module, which finds them in whatever
    library that is linked to; Windows looks no further than the module, so there the library
    itself is opened from the wheel.
    """
    places = [Path(confluent_kafka.cimpl.__file__)]
    package = places[0].parent
    for folder in (package.parent / "confluent_kafka.libs", package / ".dylibs"):
        places += sorted(folder.glob("*rdkafka*"))
    for place in places:
        try:
            library = ctypes.CDLL(str(place))
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        return library
    version = importlib.metadata.version("confluent-kafka")
    raise BrokerError(
        f"the embedded broker needs librdkafka's mock cluster, which confluent-kafka {version} "
        "here does not bring; install its wheel: pip install --force-reinstall confluent-kafka"
    )
