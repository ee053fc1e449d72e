"""Kafka's ids of topics: one that is made anew has its old name, and a new id.

The consumer does not tell them (KIP-516); a second client asks, and nobody waits for the answer.
Brokers that know no ids, or tell them to nobody, are asked in vain.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from confluent_kafka import KafkaException, TopicCollection, Uuid
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # lists no names
    AdminClient,
    TopicDescription,
)

from ztfnb.export.worker.asking import WAIT
from ztfnb.kafka_client import let_go
from ztfnb.kafka_config import Properties
from ztfnb.kafka_sink import open_admin

_NONE = str(Uuid(0, 0))
"""What a topic has that was made before there were ids."""


class TopicIds:
    """Asks for the ids of topics.

    Parameters
    ----------
    properties
        Of any client of the same brokers.
    """

    def __init__(self, properties: Properties) -> None:
        self._properties = properties
        self._admin: AdminClient | None = None
        self._asked: dict[str, Future[TopicDescription]] = {}
        self._heard = False

    @property
    def awaited(self) -> bool:
        """Whether the first answer is still to come: nothing is known yet, and may be soon."""
        return bool(self._asked) and not self._heard

    def ask(self, topics: Iterable[str]) -> None:
        """Ask for the ids of topics, one question at a time; `answers` has them soon."""
        names = list(topics)
        if not names or self._asked:
            return
        if self._admin is None:
            self._admin = open_admin(self._properties)
        self._admin.poll(0)  # for its log
        self._asked = self._admin.describe_topics(TopicCollection(names), request_timeout=WAIT)

    def answers(self) -> dict[str, str]:
        """Return ids by topic, as far as they were told since this was called last."""
        told = {}
        for name, future in list(self._asked.items()):
            if future.done():
                del self._asked[name]
                self._heard = True
                try:
                    told[name] = str(future.result().topic_id)
                except KafkaException:
                    continue  # it does not exist at the moment, or may not be known
        return {name: topic_id for name, topic_id in told.items() if topic_id != _NONE}

    def close(self) -> None:
        """Ask no more."""
        if self._admin is not None:
            let_go(self._admin)
            self._admin = None
