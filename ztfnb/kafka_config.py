"""Settings of a Kafka client, worked out as a pure function of what the user wrote.

Defaults are filled in, the user's own settings win, and what would be unsafe is refused here,
before any connection is made: plaintext to another machine, and secrets written into code.

Secrets
-------
A setting that holds a secret (``sasl.password``, ``ssl.key.password``, ...) is never written out
but pointed to:

========================  ==========================================================
``"env:NAME"``            the environment variable ``NAME``
``"file:PATH"``           a file that only its owner can read (mode 0600), or root's
                          that our group may read (0440), as Kubernetes gives it
``"keyring:SERVICE"``     the system keyring, under ``SERVICE`` and ``sasl.username``
========================  ==========================================================

Without any, ``sasl.username`` comes from ``ZTFNB_KAFKA_USERNAME``, and ``sasl.password`` from
``ZTFNB_KAFKA_PASSWORD`` or from the file that ``ZTFNB_KAFKA_PASSWORD_FILE`` names.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ztfnb.errors import ConfigError

Settings = Mapping[str, Any]
Memory = Literal["large", "small"]

_SECRET = re.compile(
    r"password|passphrase|secret|\.private\.|key\.pem$|oauthbearer\.config$|jaas", re.IGNORECASE
)
# Settings under which the certificate of a broker is not, or not fully, looked at.
_CARELESS = {
    "enable.ssl.certificate.verification": "false",
    "ssl.endpoint.identification.algorithm": "none",
}
_BINDER = ("BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST", "BINDER_REPO_URL")

# Telemetry is on and checksums are off unless one says otherwise; a reader must never create the
# topic that it mistyped.
_CLIENT: Settings = {
    "client.id": "ztfnb",
    "enable.metrics.push": False,
    "reconnect.backoff.max.ms": 2_000,
    "socket.keepalive.enable": True,
}
_READER: Settings = {
    **_CLIENT,
    # The client wants a name here, though a reader of explicit positions never joins a group.
    "group.id": "ztfnb-reader",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "allow.auto.create.topics": False,
    "check.crcs": True,
    # A new position is fetched from only after the last request is answered: keep that short.
    "fetch.wait.max.ms": 100,
}
# A full queue is looked at again only after the back-off, 1 s unless it is lowered: a reader that
# is slower than the network would stand still most of that second.
_QUEUES: Mapping[str, Settings] = {
    "large": {"queued.max.messages.kbytes": 65_536, "fetch.queue.backoff.ms": 5},
    "small": {
        "queued.max.messages.kbytes": 4_096,
        "fetch.max.bytes": 1_048_576,
        "fetch.message.max.bytes": 262_144,
        "fetch.queue.backoff.ms": 5,
    },
}
_WRITER: Settings = {
    **_CLIENT,
    "enable.idempotence": True,
    "acks": "all",
    # With more, a request that the broker refused while it took the one behind it counts as
    # written (confluent-kafka-go issue 921, librdkafka issue 2501): it happens where a broker has
    # nothing of this writer yet, as in partitions that were just created, and loses alerts that
    # were confirmed.
    "max.in.flight.requests.per.connection": 1,
    "linger.ms": 50,
    "compression.type": "zstd",
    "queue.buffering.max.kbytes": 65_536,
}


class Properties(dict[str, Any]):
    """Properties of a client, secrets and all; its ``repr`` shows ``***`` for each of those."""

    def __repr__(self) -> str:
        shown = {name: "***" if is_secret(name) else value for name, value in self.items()}
        return f"Properties({shown!r})"

    __str__ = __repr__

    def scrub(self, text: str) -> str:
        """Return ``text`` with every secret of these properties replaced by ``***``."""
        secrets = [str(value) for name, value in self.items() if is_secret(name) and value]
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    return bool(_SECRET.search(name))


def reader_defaults(memory: Memory = "large") -> Settings:
    """Return what a reader starts from.

    Parameters
    ----------
    memory
        ``"large"`` keeps up to 64 MiB of packets waiting and reads as fast as the client can;
        ``"small"`` keeps 4 MiB, for a browser session: about half that speed.
    """
    if memory not in _QUEUES:
        raise ConfigError(f"memory: expected 'large' or 'small', got {memory!r}")
    return {**_READER, **_QUEUES[memory]}


def writer_defaults() -> Settings:
    """Return what a writer starts from: nothing is lost, nothing is written twice."""
    return dict(_WRITER)


def client_properties(
    bootstrap: str,
    defaults: Settings,
    settings: Settings | None = None,
    *,
    insecure: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Properties:
    """Return the properties of a client: ``defaults``, then ``settings``, then what is missing.

    Loopback is reached in plaintext and any other host by ``SASL_SSL`` with ``SCRAM-SHA-512``,
    unless ``settings`` say otherwise. Neither mapping is changed.

    Parameters
    ----------
    bootstrap
        ``host:port``, or several with commas between them.
    defaults
        What this kind of client starts from.
    settings
        The user's own, under librdkafka's names; they win. Secrets are pointed to, not written:
        see the module's docstring.
    insecure
        Allow plaintext, or certificates that are not checked, to another machine.
    environ
        The environment; `os.environ` unless given.

    Raises
    ------
    ConfigError
        If an address or secret is missing, a secret is written out or kept where others can read
        it, or the connection would be unsafe.
    """
    environ = os.environ if environ is None else environ
    settings = settings or {}
    properties = Properties({"bootstrap.servers": bootstrap, **defaults, **settings})
    servers = str(properties["bootstrap.servers"])
    if "metadata.broker.list" in properties:
        raise ConfigError("settings: write bootstrap.servers, not metadata.broker.list")
    local = all(is_loopback(host) for host, _ in addresses(servers))
    given = {name for name in settings if name.startswith("sasl.")}
    protocol = "SASL_SSL" if not local else "SASL_PLAINTEXT" if given else "PLAINTEXT"
    protocol = str(properties.setdefault("security.protocol", protocol)).upper()
    _refuse_unsafe(properties, protocol, local=local, insecure=insecure)
    if protocol.startswith("SASL"):
        _fill_sasl(properties, environ)
    for name in [name for name in properties if is_secret(name)]:
        properties[name] = _secret(name, str(properties[name]), properties, environ)
    return properties


def addresses(bootstrap: str) -> list[tuple[str, int]]:
    """Split ``host:port,host:port`` into pairs; the port is 9092 where none is written.

    Raises
    ------
    ConfigError
        If it names no host, or a port is not a number.
    """
    pairs = []
    for part in str(bootstrap).split(","):
        server = part.strip().split("://")[-1]
        if not server:
            continue
        match = re.fullmatch(r"(\[[0-9a-fA-F:.%\w]+\]|[^\[\]:/\s]+)(?::(\d{1,5}))?", server)
        if match is None:
            raise ConfigError(f"bootstrap: expected host:port, got {part.strip()!r}")
        pairs.append((match[1].strip("[]"), int(match[2] or 9092)))
    if not pairs:
        raise ConfigError(f"bootstrap: expected host:port, got {bootstrap!r}")
    return pairs


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def on_binder(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this runs on a Binder, whose network lets no Kafka port out."""
    environ = os.environ if environ is None else environ
    return any(environ.get(name) for name in _BINDER)


def _refuse_unsafe(properties: Properties, protocol: str, *, local: bool, insecure: bool) -> None:
    if local or insecure:
        return
    servers = properties["bootstrap.servers"]
    if not protocol.endswith("SSL"):
        raise ConfigError(
            f"{servers}: {protocol} would send alerts and credentials readable by anyone on the "
            "way; use SASL_SSL or SSL, or write insecure=True if this stream has nothing else"
        )
    for name, value in _CARELESS.items():
        if str(properties.get(name, "")).lower() == value:
            raise ConfigError(
                f"{servers}: {name}={value} would trust any server; leave it out, or write "
                "insecure=True if this stream has nothing else"
            )


def _fill_sasl(properties: Properties, environ: Mapping[str, str]) -> None:
    aliases = ("sasl.mechanism", "sasl.mechanisms")
    mechanism = next((properties[name] for name in aliases if name in properties), None)
    if mechanism is None:
        mechanism = properties["sasl.mechanism"] = "SCRAM-SHA-512"
    if not re.match("SCRAM|PLAIN", str(mechanism).upper()):
        return
    servers = properties["bootstrap.servers"]
    if "sasl.username" not in properties:
        if not environ.get("ZTFNB_KAFKA_USERNAME"):
            raise ConfigError(
                f"{servers}: no user name; set the environment variable ZTFNB_KAFKA_USERNAME "
                "(and ZTFNB_KAFKA_PASSWORD), or sasl.username in a profile"
            )
        properties["sasl.username"] = environ["ZTFNB_KAFKA_USERNAME"]
    if "sasl.password" not in properties:
        if environ.get("ZTFNB_KAFKA_PASSWORD"):
            properties["sasl.password"] = "env:ZTFNB_KAFKA_PASSWORD"
        elif environ.get("ZTFNB_KAFKA_PASSWORD_FILE"):
            properties["sasl.password"] = "file:" + environ["ZTFNB_KAFKA_PASSWORD_FILE"]
        else:
            raise ConfigError(
                f"{servers}: no password; set the environment variable ZTFNB_KAFKA_PASSWORD, or "
                "name a file of mode 0600 in ZTFNB_KAFKA_PASSWORD_FILE"
            )


def _secret(name: str, pointer: str, properties: Properties, environ: Mapping[str, str]) -> str:
    kind, _, place = pointer.partition(":")
    if kind == "env" and place:
        value = environ.get(place, "")
        if not value:
            raise ConfigError(f"{name}: the environment variable {place} is not set")
        return value
    if kind == "file" and place:
        return _from_file(name, Path(place).expanduser())
    if kind == "keyring" and place:
        return _from_keyring(name, place, str(properties.get("sasl.username", "")))
    raise ConfigError(
        f"{name}: a secret does not belong in code or a notebook; write where it is instead: "
        "'env:NAME', 'file:PATH' (mode 0600) or 'keyring:SERVICE'"
    )


def _from_file(name: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            if not _is_private(found):
                mode = stat.S_IMODE(found.st_mode)
                raise ConfigError(
                    f"{name}: others can read {path} (mode {mode:04o}); run: chmod 600 {path}"
                )
            value = file.read().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{name}: cannot read {path}: {error.strerror}") from None
    if not value:
        raise ConfigError(f"{name}: {path} is empty")
    return value


def _is_private(found: os.stat_result) -> bool:
    """Return whether nobody else can read a file, or nobody whom root did not choose.

    Kubernetes gives a pod that is not root its secrets as files of root, mode 0440, whose group is
    the pod's own: nothing stricter can be had there. A file that is ours must be ours alone.
    """
    others = stat.S_IMODE(found.st_mode) & 0o077
    if others != stat.S_IRGRP:
        return not others
    return found.st_uid == 0 and os.geteuid() != 0


def _from_keyring(name: str, service: str, username: str) -> str:
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - optional
    except ImportError:
        raise ConfigError(f"{name}: no keyring here; run: pip install keyring") from None
    value = keyring.get_password(service, username)
    if not value:
        raise ConfigError(f"{name}: the keyring holds nothing for {username!r} under {service!r}")
    return str(value)
