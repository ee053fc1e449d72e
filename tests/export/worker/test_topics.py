"""Which topics a group reads, night after night."""

from __future__ import annotations

from ztfnb.export.worker.ledger import Place
from ztfnb.export.worker.topics import Extent, candidates, to_read
from ztfnb.nightly import FixedTopics, NightlyTopics

NIGHTS = NightlyTopics(template="ztf_{date}_a")
NOW = 1_768_435_200.0
"""2026-01-15 00:00 UTC."""
LISTED = {f"ztf_202601{day}_a": 1 for day in (11, 12, 13, 14, 15, 16)} | {"ztf_20260115_b": 1}


def reading(committed: dict[str, int], high: int = 10) -> list[str]:
    found = candidates(NIGHTS, LISTED, NOW)
    extents: dict[Place, Extent] = {
        (name, 0): Extent(0, high, committed.get(name[10:12])) for name in found
    }
    return [name[10:12] for name in to_read(NIGHTS, found, extents, NOW)]


def test_only_topics_of_the_template_up_to_tonight() -> None:
    """Nothing that happens to be called alike, and no night that has not come."""
    assert [name[10:12] for name in candidates(NIGHTS, LISTED, NOW)] == [
        "11",
        "12",
        "13",
        "14",
        "15",
    ]


def test_a_new_group_reads_its_window() -> None:
    """Old nights that the broker still holds are not its business."""
    assert reading({}) == ["14", "15"]


def test_a_night_that_is_not_finished_is_read_on() -> None:
    """However old it is."""
    assert reading({"12": 9, "13": 10, "14": 10}) == ["12", "14", "15"]


def test_nights_that_the_group_stood_still_in_are_read() -> None:
    """They came after it had begun, so they are its business, though it never saw them."""
    assert reading({"12": 10}) == ["13", "14", "15"]
    assert reading({"13": 10}) == ["14", "15"]


def test_fixed_topics_are_read_as_far_as_they_exist() -> None:
    """In the order given."""
    topics = FixedTopics(("b", "a", "c"))
    found = candidates(topics, {"a": 1, "b": 2}, NOW)
    assert to_read(topics, found, {}, NOW) == ("b", "a")


def test_a_partition_is_unfinished_also_when_it_expired_unread() -> None:
    """So that the gap is told."""
    assert Extent(10, 10, 5).unfinished
    assert not Extent(10, 10, 10).unfinished
    assert not Extent(10, 10, None).unfinished
    assert Extent(0, 1, None).unfinished
