"""What a Kafka client's errors mean, in plain words, and what to do about them."""
# ruff: noqa: SLF001 - the client's public error codes start with an underscore

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError

from ztfnb.kafka_config import addresses, is_loopback, on_binder
from ztfnb.wording import one_line

PROBE_TIMEOUT = 4.0
"""How long the probe waits for a host to answer [s]."""

_KINDS: Mapping[str, frozenset[int]] = {
    # A reader of explicit positions needs nothing from the group that it names.
    "": frozenset(
        {
            KafkaError.GROUP_AUTHORIZATION_FAILED,
            KafkaError.COORDINATOR_NOT_AVAILABLE,
            KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        }
    ),
    "login": frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}),
    "secure": frozenset({KafkaError._SSL}),
    "forbidden": frozenset(
        {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}
    ),
    "unknown": frozenset(
        {
            KafkaError.UNKNOWN_TOPIC_OR_PART,
            KafkaError._UNKNOWN_TOPIC,
            KafkaError._UNKNOWN_PARTITION,
        }
    ),
    "unreachable": frozenset(
        {
            KafkaError._ALL_BROKERS_DOWN,
            KafkaError._TRANSPORT,
            KafkaError._RESOLVE,
            KafkaError._TIMED_OUT,
        }
    ),
}
_TEXTS = {
    "": "",
    "login": "{servers} refused the user name or password; check both ({detail})",
    "secure": "{servers}: no secure connection; check host, port and certificate ({detail})",
    "forbidden": "{servers}: this user may not read topic {topic}; ask for access to it",
    "unknown": "{servers} has no topic {topic}; check its name (for a night: its date)",
    "unreachable": "{servers} cannot be reached ({detail})",
    "other": "{servers}: {detail}",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble of a client."""

    kind: str
    """As `ztfnb.advice` names it; ``"other"`` for what has no name there, and empty for what is no
    trouble to a reader."""
    text: str
    """What it is and what to do, in one line."""
    final: bool = False
    """Whether waiting will not help."""


def explain(code: int, detail: str, *, servers: str, topic: str = "") -> Trouble:
    """Return what an error code of librdkafka means here.

    Parameters
    ----------
    code, detail
        The error's code, and what the client says about it.
    servers
        The address that the user gave.
    topic
        The topic that it is about, where it is about one.
    """
    kind = next((kind for kind, codes in _KINDS.items() if code in codes), "other")
    text = _TEXTS[kind].format(servers=servers, topic=topic or "asked for", detail=_short(detail))
    return Trouble(kind, text, final=kind in {"login", "forbidden", "unknown"})


def probe(
    servers: str,
    *,
    timeout: float = PROBE_TIMEOUT,
    environ: Mapping[str, str] | None = None,
) -> Trouble:
    """Open a TCP connection to each address and say what keeps a client from one of them.

    Takes up to ``timeout`` [s] for each address (looking a name up may take longer).

    Returns
    -------
    Trouble
        Its kind and text are empty if all of them answer.
    """
    for host, port in addresses(servers):
        kind, reason = _reason(host, port, timeout)
        if kind:
            if on_binder(environ) and not is_loopback(host):
                kind = "binder"
                reason += (
                    "; a Binder lets no Kafka port out, so no live stream can be read from here: "
                    'ztfnb.connect("demo") shows a simulated night instead'
                )
            return Trouble(kind, f"{host}:{port} cannot be reached: {reason}")
    return Trouble("", "")


def _reason(host: str, port: int, timeout: float) -> tuple[str, str]:
    try:
        with socket.create_connection((host, port), timeout):
            return "", ""
    except socket.gaierror:
        return "host", "there is no host of that name; check the spelling, and that you are online"
    except ConnectionRefusedError:
        return "refused", "nothing listens on that port; check the port, and that the broker runs"
    except TimeoutError:
        blocked = "a firewall seems to block that port, or the host is down"
        return "firewall", f"no answer within {timeout:g} s; {blocked}"
    except OSError as error:
        return "unreachable", f"{error.strerror or error}"


def _short(detail: str) -> str:
    """Return what the client says in one line, without its name for the connection."""
    line = re.sub(r"^\S+/(bootstrap|\d+): | \(after \d+ms in state \w+\)", "", detail)
    return one_line(line, 160)
