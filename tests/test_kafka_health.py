"""Health of a connection, worked out from events alone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ztfnb.kafka_health import Health
from ztfnb.kafka_trouble import Trouble

DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
REFUSED = KafkaError(KafkaError._TRANSPORT, "h:1/1: Connect failed: refused")
LOGIN = KafkaError(KafkaError._AUTHENTICATION, "no")
UNKNOWN = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "unknown")


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health("h:1", clock=clock, prober=lambda _: Trouble("", ""))


def connected(health: Health) -> bool:
    return health.connected


def broker(state: str = "UP", **changes: object) -> dict[str, Any]:
    values = {"state": state, "nodeid": 1, "source": "learned", "connects": 1}
    return {**values, "waitresp_cnt": 0, "rxidle": 0, **changes}


def statistics(*brokers: Mapping[str, Any]) -> str:
    return json.dumps({"brokers": {str(i): b for i, b in enumerate(brokers)}})


def test_at_first_nothing_is_known(health: Health) -> None:
    """Before anything is reported, it is not connected, and nothing is wrong."""
    assert not connected(health)
    assert health.newest().text == ""
    assert health.trying


def test_a_broker_that_is_up_connects(health: Health) -> None:
    """One broker up is enough; a logical connection or an untried broker is none."""
    health.on_statistics(statistics(broker(source="logical"), broker("INIT", connects=0)))
    assert not connected(health)
    health.on_statistics(statistics(broker(), broker("TRY_CONNECT", nodeid=2)))
    assert connected(health)


def test_down_and_up_again(health: Health) -> None:
    """All brokers down is disconnected, with the telling error; statistics bring it back."""
    health.on_statistics(statistics(broker()))
    health.on_error(REFUSED)
    assert connected(health)
    health.on_error(DOWN)
    assert not connected(health)
    assert not health.trying
    assert health.newest() == Trouble(
        "unreachable", "h:1 cannot be reached (Connect failed: refused)"
    )
    health.on_statistics(statistics(broker("DOWN")))
    assert not connected(health)
    health.on_statistics(statistics(broker()))
    assert connected(health)
    assert health.newest().text == ""


def test_one_of_two_brokers_down(health: Health) -> None:
    """While another broker is up it stays connected, but the trouble shows until it is over."""
    health.on_statistics(statistics(broker(), broker(nodeid=2)))
    health.on_error(REFUSED)
    health.on_statistics(statistics(broker(), broker("CONNECT", nodeid=2)))
    health.arrive()
    assert connected(health)
    assert "refused" in health.newest().text
    health.on_statistics(statistics(broker(), broker(nodeid=2)))
    assert health.newest().text == ""


def test_a_silent_connection_is_none(health: Health) -> None:
    """A broker that owes answers for 7 s counts as gone, though the connection stands."""
    health.on_statistics(statistics(broker(waitresp_cnt=1, rxidle=6_900_000)))
    assert connected(health)
    health.on_statistics(statistics(broker(waitresp_cnt=1, rxidle=7_100_000)))
    assert not connected(health)
    health.on_statistics(statistics(broker(waitresp_cnt=0, rxidle=60_000_000)))
    assert connected(health)


def test_a_refused_login_is_final_only_after_a_while(health: Health, clock: Clock) -> None:
    """A broker that has just started may refuse for a moment; one that goes on is final."""
    health.on_error(LOGIN)
    assert health.newest().kind == "login"
    assert not health.newest().final
    clock.now += 3.1
    health.on_error(LOGIN)
    health.on_error(DOWN)
    assert health.newest().final
    assert not health.trying


def test_what_worked_once_does_not_become_final(health: Health, clock: Clock) -> None:
    """After a connection that worked, a refused login or a missing topic may pass."""
    health.arrive()
    for error in (LOGIN, UNKNOWN):
        health.note(error, "t")
        clock.now += 60
        health.note(error, "t")
        assert health.newest().text
        assert not health.newest().final


def test_topics_are_judged_anew_each_time(health: Health, clock: Clock) -> None:
    """A topic's trouble lasts as long as it is found, and is then forgotten."""
    health.arrive()
    unknown = health.explain(UNKNOWN, "t")
    health.note_topics([unknown])
    assert not health.newest().final
    clock.now += 4
    health.note_topics([unknown])
    assert health.newest().final
    health.note_topics([])
    assert health.newest().text == ""


def test_harmless_errors_are_none(health: Health) -> None:
    """A group that may not be used is no trouble to a reader."""
    health.note(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED, "no"))
    assert health.newest().text == ""


def test_secrets_are_scrubbed() -> None:
    """What the client says passes through the scrubber."""
    health = Health("h:1", scrub=lambda text: text.replace("canary", "***"))
    health.note(KafkaError(KafkaError.INVALID_MSG, "the canary sings"))
    assert health.newest().text == "h:1: the *** sings"


def wait_for(health: Health, text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in health.newest().text:
        assert time.monotonic() < deadline, health.newest()
        time.sleep(0.005)


def test_an_outage_is_probed(clock: Clock) -> None:
    """After a second without a connection, and every ten after that, the port is tried."""
    answers = [Trouble("refused", "h:1 cannot be reached: nothing listens"), Trouble("", "")]
    health = Health("h:1", clock=clock, prober=lambda _: answers.pop(0))
    health.newest()
    assert len(answers) == 2
    clock.now += 1.1
    wait_for(health, "nothing listens")
    assert health.newest().kind == "refused"
    clock.now += 9
    health.newest()
    assert len(answers) == 1
    clock.now += 2
    wait_for(health, "h:1; something listens there")
    assert health.newest().kind == "protocol"
    health.arrive()
    assert health.newest().text == ""
