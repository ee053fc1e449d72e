"""How fast a Kafka topic is read: by the bare client's loop, and by `KafkaSource`.

Run it on packets of one's own and a broker that listens already::

    python benchmarks/bare_client.py 127.0.0.1:9092 FOLDER_OF_AVRO_FILES --number 40000
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ztfnb.kafka import KafkaSink, KafkaSource
from ztfnb.source import BEGINNING, Packet

BATCH = 500


def fill(bootstrap: str, topic: str, packets: Sequence[bytes], number: int) -> None:
    """Write ``number`` packets to a topic of 16 partitions, repeating those given."""
    sink = KafkaSink(bootstrap, topic=topic, settings={"linger.ms": 5, "compression.type": "none"})
    for count, value in enumerate(itertools.islice(itertools.cycle(packets), number)):
        sink.send(Packet(value, key=str(count).encode()))
    sink.close()


def bare_rate(bootstrap: str, topic: str, number: int) -> float:
    """Return alerts/s of the faster of ``consume(500)`` and ``poll()``, with default queues."""
    return max(_bare(bootstrap, topic, number, batch) for batch in (BATCH, 0))


def source_rate(bootstrap: str, topic: str, number: int, *, limit: int = 1000) -> float:
    """Return alerts/s of `KafkaSource.poll`, packets kept as batches only."""
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    try:
        count = len(source.poll(10.0, 1))
        begin = time.perf_counter()
        first = count
        while count < number:
            count += len(source.poll(1.0, limit))
        return (count - first) / (time.perf_counter() - begin)
    finally:
        source.close()


def _bare(bootstrap: str, topic: str, number: int, batch: int) -> float:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "ztfnb-benchmark",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        first = consumer.poll(10.0)
        if first is None:
            raise SystemExit(f"{topic} holds nothing")
        count = 1
        begin = time.perf_counter()
        while count < number:
            messages = consumer.consume(batch, 1.0) if batch else [consumer.poll(1.0)]
            for message in messages:
                if message is not None and message.error() is not None:
                    raise KafkaException(message.error())
                if message is not None:
                    message.value()
                    count += 1
        return (count - 1) / (time.perf_counter() - begin)
    finally:
        consumer.close()


def main() -> None:
    """Print the rates side by side, several times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=40_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    packets = [file.read_bytes() for file in sorted(options.folder.glob("*.avro"))]
    topic = f"benchmark-{time.time_ns()}"
    fill(options.bootstrap, topic, packets, options.number)
    size = sum(map(len, packets)) / len(packets)
    for _ in range(options.repeat):
        bare = bare_rate(options.bootstrap, topic, options.number)
        source = source_rate(options.bootstrap, topic, options.number)
        print(
            f"bare {bare:8,.0f}/s  source {source:8,.0f}/s  ratio {source / bare:.2f}  "
            f"({size / 1000:.0f} kB a packet)"
        )


if __name__ == "__main__":
    main()
