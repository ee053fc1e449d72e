"""What every Kafka client here needs: a safe end, also in a forked process.

The client's threads do not survive a fork. A copy of it in the child must not be touched, not
even by being freed, which would wait for those threads for ever.
"""

from __future__ import annotations

import ctypes
import logging
import math
import os
from collections.abc import Callable
from sys import intern
from typing import Any, TypeVar

from confluent_kafka import KafkaException

from ztfnb.errors import ConfigError, StreamClosedError
from ztfnb.kafka_config import Properties
from ztfnb.source import Packet

log = logging.getLogger("ztfnb.kafka")
# What the client tells goes to whoever listens, never to the terminal.
log.addHandler(logging.NullHandler())

_Client = TypeVar("_Client")
_open: dict[int, object] = {}


def open_client(kind: Callable[..., _Client], properties: Properties) -> _Client:
    """Create a client (`confluent_kafka.Consumer`, ``Producer``, ...) and hold on to it.

    Raises
    ------
    ConfigError
        If a property is unknown or wrong; the message shows no secret.
    """
    try:
        client = kind(dict(properties), logger=log)
    except (KafkaException, TypeError, ValueError) as error:
        text = properties.scrub(str(error.args[0] if error.args else error))
        raise ConfigError(f"the Kafka client refuses these settings: {text}") from None
    _open[id(client)] = client
    return client


def let_go(client: object) -> None:
    """Hold a client no longer: it is closed, and may be freed."""
    _open.pop(id(client), None)


def packet_from(message: Any) -> Packet:
    """Return a message as a packet; holds its bytes, but not the message.

    Parameters
    ----------
    message
        A `confluent_kafka.Message` without an error.
    """
    kind, milliseconds = message.timestamp()
    headers = message.headers()
    return Packet(
        message.value() or b"",
        intern(message.topic()),
        message.partition(),
        message.offset(),
        milliseconds / 1000 if kind else math.nan,
        message.key(),
        tuple((name, value or b"") for name, value in headers) if headers else (),
    )


def check_process(pid: int, name: str) -> None:
    """Raise if this is not the process that opened ``name``.

    Raises
    ------
    StreamClosedError
        In a forked child.
    """
    if os.getpid() != pid:
        raise StreamClosedError(
            f"{name} was opened before this process was forked and works only in its parent; "
            "open it again here"
        )


def _never_free() -> None:
    for client in _open.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_never_free)
