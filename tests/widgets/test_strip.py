"""The strip tells a stream's health in words, and passes commands on."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from widgets.watched import STATS, Watched

from ztfnb.errors import ConfigError, DecodeError
from ztfnb.quarantine import Failure
from ztfnb.source import Packet
from ztfnb.stream import LogLine
from ztfnb.widgets._health import (
    clock_of,
    failures_of,
    line_of,
    log_of,
    panel_of,
    rate_of,
    size_of,
    start_of,
)
from ztfnb.widgets.strip import Strip


@pytest.fixture
def live() -> Watched:
    return Watched()


@pytest.fixture
def strip(live: Watched) -> Strip:
    return Strip(live)


def say(strip: Strip, **message: Any) -> None:
    strip._on_message(strip, message, [])


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def counts(pairs: list[list[str]]) -> dict[str, str]:
    return {label: value for label, value, _ in pairs}


def test_the_line() -> None:
    """Rate, lag and counts are rounded; trouble is there only where there is any."""
    line = line_of(STATS, missed=3)
    assert (line["rate"], line["lag"]) == ("42", "7 waiting")
    assert counts(line["counts"]) == {
        "received": "1,200", "held": "1,199", "behind": "2 min", "failed": "1", "not shown": "3",
    }  # fmt: skip
    calm = line_of(replace(STATS, lag=0, seconds_behind=0.7, failed=0, rate=4.96))
    assert (calm["rate"], calm["lag"]) == ("5.0", "none waiting")
    assert list(counts(calm["counts"])) == ["received", "held"]
    assert line_of(replace(STATS, lag=None))["lag"] == ""


def test_the_books_are_in_the_panel() -> None:
    """Received, decoded and failed always stand there, and both rates."""
    panel = panel_of(replace(STATS, failed=0, lag=None, seconds_behind=None, evicted=9))
    assert counts(panel["balance"]) == {"received": "1,200", "decoded": "1,199", "failed": "0"}
    assert counts(panel["numbers"]) == {
        "received/s": "42", "decoded/s": "42", "waiting": "unknown", "behind": "unknown",
        "held": "1,199", "made room": "9",
    }  # fmt: skip
    assert panel["help"] is None
    assert panel_of(replace(STATS, trouble="refused"))["help"]["steps"]


def test_numbers_for_people() -> None:
    """Rates, sizes and times are short; a time that nobody knows is empty."""
    assert [rate_of(rate) for rate in (0.0, 9.94, 10.4, 12_345.6)] == ["0.0", "9.9", "10", "12,346"]
    assert [size_of(size) for size in (0, 999, 66_000, 3_200_000)] == [
        "0 B", "999 B", "66 kB", "3.2 MB",
    ]  # fmt: skip
    assert clock_of(1.5e9) == "2017-07-14 02:40:00"
    assert clock_of(float("nan")) == clock_of(-1) == clock_of(1e300) == ""


@pytest.mark.parametrize(
    ("text", "back"),
    [("2.5", 9000), ("30 min", 1800), ("5min", 300), ("24 h", 86400), ("1d", 86400), ("90 s", 90)],
)
def test_a_span_goes_back_from_now(text: str, back: float) -> None:
    """A number is hours; a unit may follow it."""
    assert start_of(text, 2e9).time == pytest.approx(2e9 - back)


def test_a_time_is_utc_unless_it_says_otherwise() -> None:
    """An ISO time is a place; so is the beginning."""
    assert start_of(" 2017-07-14T02:40 ", 2e9).time == 1.5e9
    assert start_of("2017-07-14T04:40+02:00", 2e9).time == 1.5e9
    assert start_of("beginning", 2e9).kind == "beginning"


@pytest.mark.parametrize(
    "text", ["", "0", "-2", "soon", "latest", "nan", "1e9", "2099-01-01", "9e"]
)
def test_no_place_to_go_back_to(text: str) -> None:
    """What is neither a span nor past is refused with what was expected."""
    with pytest.raises(ConfigError, match="rewind: expected hours"):
        start_of(text, 2e9)


def test_commands_reach_the_stream(strip: Strip, live: Watched) -> None:
    """Pause, resume and rewind reach it; what is no command does not."""
    for kind in ("pause", "resume", "stop", "__init__"):
        say(strip, kind=kind)
    say(strip, kind="rewind", to="1 h")
    assert live.told[:2] == ["pause", "resume"]
    assert live.told[2].time == pytest.approx(time.time() - 3600, abs=60)
    assert len(live.told) == 3


def test_a_refusal_is_shown_until_something_works(strip: Strip, live: Watched) -> None:
    """A command that fails leaves its reason on the strip; the next that works takes it off."""
    live.closed = True
    say(strip, kind="pause")
    assert "connect again" in strip._line["error"]
    say(strip, kind="rewind", to="tomorrow")
    assert "'tomorrow'" in strip._line["error"]
    say(strip, kind="resume")
    assert strip._line["error"] == ""


def test_only_the_demo_has_a_speed(strip: Strip, live: Watched) -> None:
    """The speed is shown and set where there is one; wrong ones are refused."""
    say(strip, kind="setting", open=True)
    assert strip._panel.get("speed") is None
    say(strip, kind="speed", rate=3)
    assert strip._panel["speed"] == live.pace == 3
    for wrong in (0, -1, True, "9", None, [3]):
        say(strip, kind="speed", rate=wrong)
        assert strip._line["error"].startswith("speed: expected")
    assert live.pace == 3


def test_what_stands_still_sends_nothing(
    strip: Strip, live: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat sends what changed to the eye, and nothing for what rounds to the same."""
    now = strip._numbers_at - 0.5
    monkeypatch.setattr("time.monotonic", lambda: now)
    assert not strip.beat()
    live.stats = replace(STATS, rate=42.3, seconds_behind=131.0)
    monkeypatch.setattr(strip, "_numbers_at", 0.0)
    assert not strip.beat()
    live.stats = replace(STATS, state="disconnected", error="no answer", trouble="unreachable")
    assert strip.beat()
    assert strip._line["state"] == "disconnected"
    assert strip._line["error"] == "no answer"
    assert strip._line["helped"]
    assert not strip.beat()
    # Numbers alone are sent once a second at most.
    live.arrivals = (*live.arrivals[1:], 5)
    assert not strip.beat()
    monkeypatch.setattr(strip, "_numbers_at", 0.0)
    assert strip.beat()
    assert strip._arrivals[-1] == 5


def test_a_folded_strip_sends_nothing_of_the_panel(
    strip: Strip, live: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log, partitions and quarantine are sent while they can be seen."""
    live.log = (LogLine(1.5e9, "disk is away", trouble=True),)
    monkeypatch.setattr(strip, "_numbers_at", 0.0)
    assert not strip.beat()
    say(strip, kind="setting", open=True)
    assert strip._log == [["2017-07-14 02:40:00", "disk is away", True]]
    assert strip.settings == {"open": True}
    assert strip._panel["balance"]


def test_settings_are_checked(strip: Strip) -> None:
    """What is no choice is refused, and changes nothing."""
    strip.settings = {"open": True}
    for wrong in (1, "yes", None):
        with pytest.raises(ConfigError, match="open: expected"):
            strip.settings = {"open": wrong}
    strip.settings = {}
    assert strip.settings == {"open": True}


def test_the_newest_lines_are_sent() -> None:
    """Of a long log a page is sent the newest 100 lines, the newest first, none of them long."""
    log = [LogLine(float(place), "x" * 10_000) for place in range(300)]
    shown = log_of(log)
    assert len(shown) == 100
    assert shown[0][0] == "1970-01-01 00:04:59"
    assert max(len(text) for _, text, _ in shown) == 300


def failure(offset: int, value: bytes = b"junk", *, size: int | None = None) -> Failure:
    packet = Packet(value, "t", 3, offset, 1.5e9)
    return Failure(packet, DecodeError("no alert"), 1.5e9, len(value) if size is None else size)


def test_quarantine_says_what_is_left_out() -> None:
    """The newest are listed with reason and place; what is not listed or kept is said."""
    some = failures_of([failure(1), failure(2)], 2)
    assert (some["count"], some["notes"]) == (2, "")
    assert some["rows"][0]["where"] == "t, partition 3, offset 2"
    assert some["rows"][0]["reason"] == "no alert"
    many = failures_of([failure(n, b"", size=7) for n in range(1000)], 4000)
    assert len(many["rows"]) == 100
    for said in ("all 1,000 are saved", "1,000 are no longer in memory", "Of 4,000 that failed"):
        assert said in many["notes"]


def test_saving_hands_over_a_file(
    strip: Strip, live: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All quarantined packets, or one, come as a tar file with their reasons."""
    files: list[tuple[str, bytes, str]] = []
    monkeypatch.setattr(strip, "hand_over", lambda *file: files.append(file))
    say(strip, kind="save", key=None)
    assert strip._saved == ""
    live.failures = (failure(1), failure(2, b"other"))
    for key, count in ((None, 2), (["t", 3, 2], 1)):
        say(strip, kind="save", key=key)
        until(lambda: "saved as ztfnb-failures-" in strip._saved)
        name, content, media_type = files.pop()
        assert name.endswith(".tar.gz")
        assert media_type == "application/gzip"
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            reasons = json.load(tar.extractfile("reasons.json"))  # type: ignore[arg-type]
            assert len(reasons) == count == len(tar.getnames()) - 1
            strip._saved = ""


def test_a_save_that_fails_says_so(
    strip: Strip, live: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be written, the page is told and no file is handed over."""

    def full(*_: Any) -> None:
        raise OSError("the disk is full")

    live.failures = (failure(1),)
    monkeypatch.setattr(live, "save_failures", full)
    say(strip, kind="save", key=None)
    until(lambda: strip._saved == "Not saved: the disk is full")
