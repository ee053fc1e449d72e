"""The monitor is the strip, unfolded for good."""

from __future__ import annotations

from widgets.watched import Watched

from ztfnb.source import Memory
from ztfnb.stream import Stream
from ztfnb.widgets import Monitor


def test_everything_is_there_at_once() -> None:
    """Numbers, partitions and log are sent without being asked for."""
    live = Watched()
    monitor = Monitor(live)
    assert monitor._panel["balance"]
    assert monitor._whole
    live.pace = 5.0
    monitor._numbers_at = 0.0
    assert monitor.beat()
    assert monitor._panel["speed"] == 5.0


def test_of_a_real_stream() -> None:
    """State, books, position, log and the packet that is no alert of a stream in memory."""
    with Stream(Memory([b"junk"], topic="t")) as live:
        live.wait("caught up")
        monitor = live.monitor()
        assert isinstance(monitor, Monitor)
        assert monitor._line["state"] == "caught up"
        assert [value for _, value, _ in monitor._panel["balance"]] == ["1", "0", "1"]
        assert monitor._partitions[0][:4] == ["t", "0", "1", "0"]
        assert monitor._failures["rows"][0]["where"] == "t, partition 0, offset 0"
        assert any("no alert" in text for _, text, _ in monitor._log)
        assert len(monitor._arrivals) == 120
