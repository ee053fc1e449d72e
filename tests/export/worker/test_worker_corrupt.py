"""Score-card 8: corrupt alerts, through the whole worker."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from celled import bundle_of
from made import made_packet
from standins import read, settings_of, write

from ztfnb.broker import EmbeddedBroker
from ztfnb.errors import FilterWarning
from ztfnb.export.worker.worker import Worker

ALERTS, EVERY, PARTITIONS = 4_000, 1_000, 64


@pytest.mark.filterwarnings(f"ignore::{FilterWarning.__module__}.{FilterWarning.__name__}")
def test_s08_exactly_the_corrupt_are_dead_letters(tmp_path: Path) -> None:
    """1 alert in 1,000 corrupt: exactly those, with origin and reason; the numbers add up."""
    packets = [made_packet(number + 1) for number in range(ALERTS)]
    corrupt = {}
    drawn = random.Random(8)
    for first in range(0, ALERTS, EVERY):
        number = first + drawn.randrange(EVERY)
        whole = packets[number]
        corrupt[number] = drawn.choice([whole[: len(whole) // 2], b"no alert", whole[1:], b""])
        packets[number] = corrupt[number]
    folder = bundle_of(
        tmp_path / "young",
        """
        import ztfnb

        @ztfnb.filter
        def young(alert):
            return alert["candid"] % 100 == 0
        """,
    )
    topics = ["night", "out", "out-dead-letters"]
    with EmbeddedBroker(topics, partitions=PARTITIONS) as broker:
        write(broker.bootstrap, "night", packets, lambda number: number % PARTITIONS)
        settings = settings_of(broker.bootstrap, bundles=(folder,), until_caught_up=True)
        worker = Worker(settings, environ={})
        worker.run(threading.Event())
        letters = read(broker.bootstrap, "out-dead-letters", PARTITIONS)
        passed = read(broker.bootstrap, "out", PARTITIONS)
    origins = {}
    for letter in letters:
        told = dict(letter.headers() or ())
        assert told["ztfnb.error.kind"] == b"not decoded"
        assert told["ztfnb.error"]
        assert told["ztfnb.source.topic"] == b"night"
        offset, partition = (
            int(told[f"ztfnb.source.{name}"] or b"") for name in ("offset", "partition")
        )
        origins[offset * PARTITIONS + partition] = letter.value()
    assert origins == corrupt
    good = {number + 1 for number in range(ALERTS) if number not in corrupt}
    expected = {candid for candid in good if candid % 100 == 0}
    assert {int(message.key() or b"") for message in passed} == expected
    numbers = worker.numbers()
    (young,) = numbers.filters
    assert young.received == numbers.received == ALERTS
    assert (young.passed, young.failed) == (len(expected), len(corrupt))
    assert young.passed + young.rejected + young.failed == ALERTS
    assert (numbers.undecodable, numbers.dead_letters) == (len(corrupt), len(corrupt))
