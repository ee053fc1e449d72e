"""A Kafka client's errors in plain words."""

from __future__ import annotations

import socket

import pytest
from confluent_kafka import KafkaError

from ztfnb.kafka_trouble import explain, probe

SERVERS = "alerts.example.org:9092"


@pytest.mark.parametrize(
    ("code", "kind", "told", "final"),
    [
        (KafkaError._AUTHENTICATION, "login", "refused the user name or password", True),
        (KafkaError.SASL_AUTHENTICATION_FAILED, "login", "check both", True),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "forbidden", "may not read topic night", True),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "unknown", "has no topic night", True),
        (KafkaError._SSL, "secure", "no secure connection", False),
        (KafkaError._ALL_BROKERS_DOWN, "unreachable", "cannot be reached", False),
        (KafkaError._TRANSPORT, "unreachable", "cannot be reached", False),
        (KafkaError.INVALID_MSG, "other", "the detail", False),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "", "", False),
    ],
)
def test_codes_become_words(code: int, kind: str, told: str, final: bool) -> None:
    """Each code is one line that names the place and says what to do; some are final."""
    trouble = explain(code, "the detail\n", servers=SERVERS, topic="night")
    assert (trouble.kind, trouble.final) == (kind, final)
    assert told in trouble.text
    assert "\n" not in trouble.text
    assert not trouble.kind or SERVERS in trouble.text


def test_the_client_is_quoted_without_its_jargon() -> None:
    """What the client says is quoted without its names for connections and states."""
    detail = "127.0.0.1:9/bootstrap: Connect failed: refused (after 3ms in state CONNECT)"
    trouble = explain(KafkaError._TRANSPORT, detail, servers=SERVERS)
    assert trouble.text == f"{SERVERS} cannot be reached (Connect failed: refused)"


def test_a_port_that_answers_is_no_trouble() -> None:
    """The probe finds nothing where connections are accepted."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not probe(f"127.0.0.1:{server.getsockname()[1]}").kind


def test_a_port_where_nothing_listens() -> None:
    """A refused connection points to the port; on loopback a Binder makes no difference."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        told = probe(f"127.0.0.1:{port}", environ={"BINDER_SERVICE_HOST": "x"})
    assert told.kind == "refused"
    assert told.text.startswith(f"127.0.0.1:{port} cannot be reached: nothing listens on that port")
    assert "Binder" not in told.text


def test_a_host_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody knows points to the spelling, and on a Binder to the demo."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "create_connection", unknown)
    told = probe(SERVERS, environ={})
    assert told.kind == "host"
    assert "no host of that name" in told.text
    told = probe(SERVERS, environ={"BINDER_SERVICE_HOST": "x"})
    assert told.kind == "binder"
    assert "a Binder lets no Kafka port out" in told.text
    assert 'ztfnb.connect("demo")' in told.text


def test_a_port_that_swallows_packets() -> None:
    """No answer at all points to a firewall."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # With its queue full, the kernel drops what comes next, as a firewall does.
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            told = probe(f"127.0.0.1:{address[1]}", timeout=0.3)
    assert told.kind == "firewall"
    assert "no answer within 0.3 s; a firewall seems to block that port" in told.text
