"""Reading a source in tests until something is so."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ztfnb.source import Packet, Source


def poll_until(
    source: Source, done: Callable[[list[Packet]], bool], *, timeout: float = 120.0
) -> list[Packet]:
    """Poll until ``done`` with all packets that came; fail, saying where it stands, if never."""
    packets: list[Packet] = []
    deadline = time.monotonic() + timeout
    while not done(packets):
        if time.monotonic() > deadline:
            pytest.fail(f"after {timeout:g} s: {len(packets)} packets, {source.status()}")
        packets += source.poll(0.1, 1000)
    return packets


def drain(source: Source) -> list[Packet]:
    """Return everything up to the end."""
    return poll_until(source, lambda _: source.status().caught_up)
