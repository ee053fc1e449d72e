"""Of which topic a partition is read, of those that had its name."""

from __future__ import annotations

from ztfnb.export.worker.origins import Origins, origin_of

A, B = ("night", 0), ("night", 1)
OLD, NEW = origin_of("cluster", "o/d"), origin_of("cluster", "new/")


def carried(origins: Origins) -> list[str | None]:
    return [one.metadata for one in origins.listed({A: 5, B: 7})]


def test_a_topic_that_is_made_anew_while_it_is_read_is_noticed() -> None:
    """Until its partitions are begun anew, each for itself, commits are for the old one."""
    origins = Origins()
    origins.learn({"night": OLD})
    origins.assign(A, "")
    origins.assign(B, "")
    assert not origins.remade
    origins.learn({"night": NEW})
    assert origins.remade == {A, B}
    origins.restart(A)
    assert origins.remade == {B}
    assert carried(origins) == [NEW, OLD]


def test_a_commit_for_an_old_topic_is_noticed() -> None:
    """Whether the id that there is now is heard of before or after."""
    before, after = Origins(), Origins()
    before.learn({"night": NEW})
    for origins in (before, after):
        origins.assign(A, OLD)
        origins.assign(B, NEW)
    assert carried(after) == [OLD, NEW]
    after.learn({"night": NEW})
    assert before.remade == after.remade == before.outdated({A: OLD, B: NEW}) == {A}
    before.drop([A])
    assert not before.remade


def test_what_cannot_be_compared_says_nothing() -> None:
    """A mirror of another cluster, and other programs, leave what they like in a commit."""
    for committed in ("", "by hand", origin_of("elsewhere", "old")):
        origins = Origins()
        origins.assign(A, committed)
        origins.learn({"night": NEW})
        assert not origins.remade
        assert not origins.outdated({A: committed})
        assert carried(origins) == [NEW, NEW]


def test_where_ids_are_not_told_nothing_is_noticed() -> None:
    """Then commits carry nothing."""
    origins = Origins()
    origins.assign(A, "")
    origins.restart(A)
    assert not origins.remade
    assert carried(origins) == ["", ""]
