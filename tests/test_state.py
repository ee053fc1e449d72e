"""The states of a stream, without a stream."""

from __future__ import annotations

import pytest

from ztfnb.source import SourceStatus
from ztfnb.state import STATES, State, next_state

UP = SourceStatus(connected=True, lag=5_000)
HEAD = SourceStatus(connected=True, lag=0, caught_up=True)
DOWN = SourceStatus(connected=False, error="no broker")


@pytest.mark.parametrize(
    ("previous", "status", "paused", "expected"),
    [
        ("connecting", SourceStatus(connected=False), False, "connecting"),
        ("connecting", UP, False, "live"),
        ("live", HEAD, False, "caught up"),
        ("live", DOWN, False, "disconnected"),
        ("caught up", DOWN, False, "disconnected"),
        ("disconnected", UP, False, "live"),
        ("live", UP, True, "paused"),
        ("paused", HEAD, False, "caught up"),
        ("paused", DOWN, True, "disconnected"),
        ("live", SourceStatus(connected=False, failed=True), False, "failed"),
        ("live", SourceStatus(exhausted=True), False, "caught up"),
        ("closed", UP, False, "closed"),
    ],
)
def test_each_state_follows_from_what_the_source_says(
    previous: State, status: SourceStatus, *, paused: bool, expected: State
) -> None:
    """Each state follows from the one before and the source's health."""
    assert next_state(previous, status, paused=paused) == expected


def test_a_trickle_at_the_head_does_not_flicker() -> None:
    """A stream that caught up stays so while single alerts arrive, and not when many wait."""
    trickle = SourceStatus(lag=3)
    assert next_state("caught up", trickle, paused=False) == "caught up"
    assert next_state("live", trickle, paused=False) == "live"
    assert next_state("caught up", UP, paused=False) == "live"


def test_closed_is_final() -> None:
    """Nothing leads out of closed."""
    for status in (UP, HEAD, DOWN):
        assert next_state("closed", status, paused=False) == "closed"


def test_states_are_those_that_people_read() -> None:
    """The words are the ones that notebooks and documentation rely on."""
    assert set(STATES) == {
        "connecting",
        "live",
        "paused",
        "caught up",
        "disconnected",
        "failed",
        "closed",
    }
