"""The health of a Kafka connection, worked out from what the client reports.

Fed by events (errors, statistics, packets) and free of the client itself. The client's callbacks
run inside its ``poll`` and must not raise, so they only record here.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError

from ztfnb.kafka_trouble import Trouble, explain, probe

_NONE = Trouble("", "")
_ALL_DOWN = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001 - the client's own name for a public code
_VAGUE = {_ALL_DOWN, KafkaError._TIMED_OUT}  # noqa: SLF001 - as above
_CONNECTION = ("login", "secure", "unreachable")
# A broker that has just started may refuse what it will accept in a moment.
_GRACE = 3.0
# A connection that swallows packets shows no error for a minute: requests that wait so long do [s].
_SILENCE = 7.0
_PROBE_AFTER, _PROBE_EVERY = 1.0, 10.0
_ANSWERS = (
    "; something listens there, but does not answer as a Kafka broker with these settings would: "
    "check port and security.protocol"
)


class Health:
    """What a client's reports amount to.

    Parameters
    ----------
    servers
        The address that the user gave.
    scrub
        Takes secrets out of what the client says.
    clock
        Seconds, from any zero.
    prober
        Says what keeps a TCP connection from being made; runs in a thread of its own, since it
        may wait for seconds.
    """

    def __init__(
        self,
        servers: str,
        *,
        scrub: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
        prober: Callable[[str], Trouble] = probe,
    ) -> None:
        self.connected = False
        self._servers = servers
        self._scrub = scrub
        self._clock = clock
        self._prober = prober
        self._known = False
        self._troubles: dict[str, tuple[Trouble, float]] = {}
        self._lost_at = clock()
        self._probe_at = self._lost_at + _PROBE_AFTER
        self._probed: Trouble | None = None

    @property
    def trying(self) -> bool:
        """Whether a connection may come about any moment: nothing speaks against it yet."""
        return not any(kind in self._troubles for kind in _CONNECTION)

    def on_error(self, error: KafkaError) -> None:
        """Record an error of the client (its ``error_cb``)."""
        self.note(error)

    def on_statistics(self, text: str) -> None:
        """Record the client's statistics (its ``stats_cb``): which brokers are connected."""
        up, down = _brokers(json.loads(text))
        if up:
            self.arrive()
            if not down:
                self._troubles.pop("unreachable", None)
        elif self.connected:
            self._lose()

    def note(self, error: KafkaError, topic: str = "") -> None:
        """Record one error; ``topic`` is what it is about, where it is about one."""
        trouble = self.explain(error, topic)
        if not trouble.kind:
            return
        if trouble.kind in ("login", "secure") or error.code() == _ALL_DOWN:
            self._lose()
        if trouble.kind == "unreachable" and (error.code() in _VAGUE or "metadata" in error.str()):
            # "1/1 brokers are down" says less than the error that came with it.
            self._troubles.setdefault("unreachable", (trouble, self._clock()))
        elif trouble.final and self._known:
            self._set(dataclasses.replace(trouble, final=False))
        else:
            self._set(trouble)

    def note_topics(self, troubles: Iterable[Trouble]) -> None:
        """Record what is wrong with the topics now; nothing else of that kind remains."""
        current = {trouble.kind: trouble for trouble in troubles}
        for kind in ("unknown", "forbidden", "waiting"):
            if kind in current:
                self._set(current[kind])
            else:
                self._troubles.pop(kind, None)

    def explain(self, error: KafkaError, topic: str = "") -> Trouble:
        """Return what an error means here."""
        detail = self._scrub(error.str())
        return explain(error.code(), detail, servers=self._servers, topic=topic)

    def arrive(self) -> None:
        """Record that the broker answers."""
        self.connected = self._known = True
        self._probed = None
        for kind in ("login", "secure", "other"):
            self._troubles.pop(kind, None)

    def newest(self) -> Trouble:
        """Return the trouble that explains most; a kind of "" if there is none."""
        if not self.connected:
            self._probe()
        now = self._clock()
        for kind in ("login", "secure", "forbidden", "unknown"):
            if kind in self._troubles:
                trouble, since = self._troubles[kind]
                return dataclasses.replace(trouble, final=trouble.final and now - since >= _GRACE)
        newest = next((trouble for trouble, _ in reversed(self._troubles.values())), _NONE)
        if self.connected or self._probed is None:
            return newest
        if self._probed.kind:
            return self._probed
        return Trouble("protocol", f"{newest.text or self._servers}{_ANSWERS}")

    def _set(self, trouble: Trouble) -> None:
        _, since = self._troubles.pop(trouble.kind, (trouble, self._clock()))
        self._troubles[trouble.kind] = (trouble, since)

    def _lose(self) -> None:
        if self.connected:
            self.connected = False
            self._probe_at = self._clock() + _PROBE_AFTER

    def _probe(self) -> None:
        now = self._clock()
        if now >= self._probe_at:
            self._probe_at = now + _PROBE_EVERY
            threading.Thread(target=self._run_probe, name="ztfnb-probe", daemon=True).start()

    def _run_probe(self) -> None:
        self._probed = self._prober(self._servers)


def _brokers(statistics: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many brokers are connected, and how many should be but are not."""
    brokers = [b for b in statistics["brokers"].values() if b["source"] != "logical"]
    tried = [b for b in brokers if b["nodeid"] >= 0 and b["connects"] > 0]
    up = [_answers(b) for b in tried or brokers]
    return sum(up), len(up) - sum(up) if tried else 0


def _answers(broker: Mapping[str, Any]) -> bool:
    silent = broker["waitresp_cnt"] > 0 and broker["rxidle"] > _SILENCE * 1e6
    return broker["state"] == "UP" and not silent
