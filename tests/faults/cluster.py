"""Three nodes of Apache Kafka on this machine, each of which can be killed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from confluent_kafka.admin import AdminClient
from ports import free_ports

from ztfnb.broker.real import RealBroker, cluster_id

NODES = (1, 2, 3)
PATIENCE = 240.0
"""For whatever comes about in the end [s]: other tests, and other people, use the machine too."""


class Cluster:
    """Three brokers, each a controller too; every topic is on all three, and two must confirm."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(2 * len(NODES))
        clients = dict(zip(NODES, ports, strict=False))
        controllers = dict(zip(NODES, ports[len(NODES) :], strict=True))
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in controllers.items())
        shared = {
            "controller.quorum.voters": voters,
            "default.replication.factor": "3",
            "min.insync.replicas": "2",
            "offsets.topic.replication.factor": "3",
            "transaction.state.log.replication.factor": "3",
            "transaction.state.log.min.isr": "2",
            "group.min.session.timeout.ms": "1000",
            # A node that is slow to answer on a busy machine is not one that died.
            "controller.quorum.fetch.timeout.ms": "6000",
            "controller.quorum.election.timeout.ms": "3000",
        }
        name = cluster_id()
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in clients.values())
        self.nodes = {
            node: RealBroker(
                folder / f"node-{node}",
                port=clients[node],
                heap="256m",
                cluster=name,
                settings={
                    **shared,
                    "node.id": str(node),
                    "listeners": (
                        f"CLIENTS://127.0.0.1:{clients[node]},"
                        f"CONTROLLER://127.0.0.1:{controllers[node]}"
                    ),
                },
            )
            for node in NODES
        }

    def start(self) -> None:
        """Start all at the same time: none is up before two of them are."""
        with ThreadPoolExecutor(len(NODES)) as pool:
            list(pool.map(lambda node: self.nodes[node].start(), NODES))

    def stop(self) -> None:
        """End all of them; the data are not wanted any more."""
        for broker in self.nodes.values():
            broker.stop(force=True)

    def leader(self, topic: str, partition: int) -> int:
        """The node that leads a partition; -1 while none does."""
        return self._partitions(topic)[partition][0]

    def has_other_leader(self, topic: str, partition: int, than: int) -> bool:
        """Whether another node than one leads a partition."""
        return self.leader(topic, partition) not in (than, -1)

    def in_sync(self, topic: str) -> bool:
        """Whether all three hold everything of a topic."""
        return all(count == len(NODES) for _, count in self._partitions(topic).values())

    def await_sync(self, topic: str, timeout: float = PATIENCE) -> None:
        """Wait until all three hold everything of a topic."""
        until(lambda: self.in_sync(topic), timeout, lambda: f"{topic} is not on three nodes")

    def _partitions(self, topic: str) -> dict[int, tuple[int, int]]:
        """Leader, and count of replicas in sync, of each partition."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        found = admin.list_topics(topic, timeout=60).topics[topic].partitions
        return {number: (one.leader, len(one.isrs)) for number, one in found.items()}


def until(condition: Callable[[], object], timeout: float, otherwise: Callable[[], str]) -> float:
    """Wait until it is so, and return how long that took [s]; AssertionError if never."""
    began = time.monotonic()
    while not condition():
        elapsed = time.monotonic() - began
        assert elapsed < timeout, f"after {elapsed:.0f} s: {otherwise()}"
        time.sleep(0.05)
    return time.monotonic() - began


@contextlib.contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Start a cluster, and end it whatever happens."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
