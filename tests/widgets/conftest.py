"""A store of known alerts, and what a widget would send to its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from made import made_packet

from ztfnb.columns import decode_columns
from ztfnb.source import Packet
from ztfnb.store import Store

Put = Callable[..., None]


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return Store(2_000_000)


@pytest.fixture
def put(store: Store) -> Put:
    """Put alerts of some candids in the store."""

    def put(candids: Iterable[int], **candidate: Any) -> None:
        packets = [made_packet(candid, **candidate) for candid in candids]
        store.append([Packet(value) for value in packets], decode_columns(packets))

    return put


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[dict[str, Any]]]:
    """Catch the messages that a widget sends."""

    def catch(part: Any) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        monkeypatch.setattr(part, "send", lambda message, _buffers=None: messages.append(message))
        return messages

    return catch
