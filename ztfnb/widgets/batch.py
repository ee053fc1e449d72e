"""Alerts at hand, to be browsed like a stream."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from ztfnb.alert import Alert
from ztfnb.columns import decode_columns
from ztfnb.errors import ConfigError, NotHeldError
from ztfnb.source import Packet
from ztfnb.store import SMALLEST_BUDGET, Store

_ROOM = 4_000
"""Memory for each alert of a batch [bytes]: ample, so that none has to leave."""
_PIECE = 1_000


class Batch:
    """Alerts at hand, in a store.

    Parameters
    ----------
    alerts
        In the order in which they are to be held; of several with one candid the last is kept.

    Raises
    ------
    ConfigError
        If one of them is no alert.
    """

    def __init__(self, alerts: Iterable[Alert]) -> None:
        self._alerts = {_checked(alert).candid: alert for alert in alerts}
        raw = [alert.raw for alert in self._alerts.values()]
        self.store = Store(max(SMALLEST_BUDGET, len(raw) * _ROOM))
        for start in range(0, len(raw), _PIECE):
            piece = raw[start : start + _PIECE]
            found = decode_columns(piece)
            self.store.append([Packet(value) for value in piece], found)
            for place, error in found.errors:
                warnings.warn(
                    f"alert number {start + place + 1:,} is not shown: {error}", stacklevel=2
                )

    def __getitem__(self, candid: int) -> Alert:
        try:
            return self._alerts[candid]
        except KeyError:
            raise NotHeldError(f"candid {candid} is not in this batch") from None


def _checked(alert: Alert) -> Alert:
    if not isinstance(alert, Alert):
        raise ConfigError(
            f"browse: expected alerts, got {type(alert).__name__} among them; "
            "a packet is read with ztfnb.decode(packet)"
        )
    return alert
