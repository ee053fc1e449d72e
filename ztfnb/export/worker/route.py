"""From which topics to which: worked out from the settings, and refused where it would go round."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from ztfnb.errors import ConfigError
from ztfnb.kafka_config import addresses, is_loopback
from ztfnb.nightly import FixedTopics, NightlyTopics, Topics

if TYPE_CHECKING:
    from ztfnb.export.worker.settings import WorkerSettings

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
_FILTER = "{filter}"
_DATE = "{date}"
_SEVERAL = "filters"
"""What `_FILTER` is in the one topic of dead letters where there are several filters."""


@dataclass(frozen=True, slots=True)
class Route:
    """From which topics to which."""

    source: str
    """Brokers, ``host:port``."""
    topics: Topics
    target: str
    """Brokers of the output."""
    outputs: tuple[str, ...]
    """The topic of each filter."""
    dead_letters: str
    group: str

    @classmethod
    def of(cls, settings: WorkerSettings, names: Sequence[str]) -> Route:
        """Return the route of filters of these names.

        Raises
        ------
        ConfigError
            If an address is none, or what is written would be read again.
        """
        source, listed, nights = _parse(settings.source, "source")
        target, topics, _ = _parse(settings.output, "output")
        if len(topics) != 1 or _DATE in topics[0]:
            raise ConfigError(f"output: expected one topic, got {settings.output!r}")
        spoken = names[0] if len(names) == 1 else _SEVERAL
        letters = settings.dead_letters or f"{topics[0]}-dead-letters"
        route = cls(
            source,
            _topics(listed, nights),
            target,
            tuple(topics[0].replace(_FILTER, name) for name in names),
            letters.replace(_FILTER, spoken),
            settings.group or f"ztfnb-{'-'.join(names)}",
        )
        route.refuse_loops()
        if settings.transactional and not route.one_cluster:
            raise ConfigError(
                f"transactional: {source} and {target} differ; a transaction cannot span two "
                "clusters: write to the one that is read from, or leave it out"
            )
        return route

    @property
    def one_cluster(self) -> bool:
        """Whether source and output have an address in common."""
        return bool(_known(self.source) & _known(self.target))

    @property
    def written(self) -> tuple[str, ...]:
        """Every topic that is written to, each once."""
        return tuple(dict.fromkeys((*self.outputs, self.dead_letters)))

    def reads(self, topic: str) -> bool:
        """Whether a topic of this name is, or will be, among those that are read."""
        if isinstance(self.topics, FixedTopics):
            return topic in self.topics.fixed
        return bool(night_pattern(self.topics).fullmatch(topic))

    def refuse_loops(self, *, same_cluster: bool = False) -> None:
        """Refuse a topic that is written to and read from, or is both output and dead letters.

        Parameters
        ----------
        same_cluster
            Whether the brokers have told that they are one cluster under two addresses.
        """
        for topic in self.written:
            if (same_cluster or self.one_cluster) and self.reads(topic):
                raise ConfigError(
                    f"{topic} would be read and written, an endless loop; write to another topic"
                )
            if not _NAME.fullmatch(topic.replace(_FILTER, "_")):
                raise ConfigError(
                    f"{topic!r} is no name of a topic; expected letters, digits, '.', '_' and '-'"
                )
        if self.dead_letters in self.outputs:
            raise ConfigError(
                f"dead letters: {self.dead_letters} is the output, too, where they would be taken "
                "for alerts that passed; name another topic"
            )


def night_pattern(topics: NightlyTopics) -> re.Pattern[str]:
    """Return what a name must match to be a topic of some night."""
    text = re.escape(topics.template).replace(re.escape(_DATE), r"(\d{8})")
    return re.compile(text.replace(re.escape("{programid}"), "[123]"))


def _parse(address: str, name: str) -> tuple[str, list[str], str]:
    parts = urlsplit(address)
    topics = [topic for topic in unquote(parts.path).strip("/").split(",") if topic]
    if parts.scheme != "kafka" or not parts.netloc or not topics or "@" in address:
        if "@" in address:  # what may hold a password is not repeated
            raise ConfigError(
                f"{name}: expected kafka://HOST:PORT/TOPIC; a user name and password belong in "
                "ZTFNB_KAFKA_USERNAME and ZTFNB_KAFKA_PASSWORD"
            )
        raise ConfigError(
            f"{name}: expected kafka://HOST:PORT/TOPIC, got {address!r}; a worker goes from topic "
            "to topic: ztfnb replay writes files to one, ztfnb filter test judges files"
        )
    addresses(parts.netloc)
    return parts.netloc, topics, parse_qs(parts.query).get("nights", ["2"])[0]


def _topics(listed: Sequence[str], nights: str) -> Topics:
    if not any(_DATE in topic for topic in listed):
        return FixedTopics(tuple(listed))
    if len(listed) > 1:
        raise ConfigError(f"source: expected one name with {_DATE}, got {', '.join(listed)}")
    if not nights.isdecimal() or int(nights) < 1:
        raise ConfigError(f"source, nights: expected a number from 1, got {nights!r}")
    return NightlyTopics(nights=int(nights), template=listed[0])


def _known(servers: str) -> set[tuple[str, int]]:
    return {
        ("localhost" if is_loopback(host) else host.lower(), port)
        for host, port in addresses(servers)
    }
