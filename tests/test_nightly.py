"""Names of nightly topics and their window."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ztfnb.errors import ConfigError
from ztfnb.nightly import FixedTopics, NightlyTopics, topic_name, topic_night


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_names_are_those_of_zads() -> None:
    """A night's topic carries its UTC date and programme."""
    assert topic_name("2026-01-15") == "ztf_20260115_programid1"
    assert topic_name(date(2018, 11, 28), 2) == "ztf_20181128_programid2"
    with pytest.raises(ConfigError, match="expected a date"):
        topic_name("20th of May")


def test_a_name_tells_its_night() -> None:
    """The date in a topic's name is found, and only a date is."""
    assert topic_night("ztf_20260115_programid1") == date(2026, 1, 15)
    assert topic_night("ztf_20261315_programid1") is None
    assert topic_night("ztf_202601150_x") is None
    assert topic_night("lsst-alerts") is None


def test_the_window_turns_at_utc_midnight() -> None:
    """At 0 h UTC the next night's topics come in and the oldest night's leave."""
    topics = NightlyTopics(programids=(1, 3), nights=2)
    assert topics.names(unix("2026-03-01T23:59:59")) == (
        "ztf_20260228_programid1",
        "ztf_20260228_programid3",
        "ztf_20260301_programid1",
        "ztf_20260301_programid3",
    )
    assert topics.names(unix("2026-03-02T00:00:00")) == (
        "ztf_20260301_programid1",
        "ztf_20260301_programid3",
        "ztf_20260302_programid1",
        "ztf_20260302_programid3",
    )


def test_a_template_without_a_programme_gives_each_name_once() -> None:
    """Programmes that the template does not name do not repeat a topic."""
    topics = NightlyTopics(programids=(1, 2), nights=1, template="alerts-{date}")
    assert topics.names(unix("2026-01-15T08:00:00")) == ("alerts-20260115",)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"nights": 0}, "at least 1"),
        ({"programids": ()}, "some of 1, 2 and 3"),
        ({"programids": (4,)}, "some of 1, 2 and 3"),
        ({"template": "ztf"}, "{date}"),
        ({"template": "{date}{more}"}, "no fields but"),
        ({"template": "{date}{"}, "no fields but"),
    ],
)
def test_windows_without_topics_are_refused(wrong: dict[str, object], told: str) -> None:
    """What would name no topic, or none by date, is an error at once."""
    with pytest.raises(ConfigError, match=told):
        NightlyTopics(**wrong)  # type: ignore[arg-type]


def test_fixed_topics_stay() -> None:
    """A list of topics is the same at any time; an empty one is refused."""
    assert FixedTopics(("a", "b")).names(0.0) == FixedTopics(("a", "b")).names(1e9) == ("a", "b")
    for wrong in ((), ("",)):
        with pytest.raises(ConfigError, match="at least one name"):
            FixedTopics(wrong)
