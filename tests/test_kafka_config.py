"""Settings of Kafka clients: defaults, refusals and secrets."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from ztfnb.errors import ConfigError
from ztfnb.kafka_config import (
    Properties,
    addresses,
    client_properties,
    is_loopback,
    is_secret,
    on_binder,
    reader_defaults,
    writer_defaults,
)

CANARY = "canary-81c2"
LOGIN = {"ZTFNB_KAFKA_USERNAME": "me", "ZTFNB_KAFKA_PASSWORD": CANARY}


def test_loopback_is_plaintext_and_needs_no_login() -> None:
    """On loopback nothing is asked for, even where the environment holds a login."""
    properties = client_properties("127.0.0.1:9092", reader_defaults(), environ=LOGIN)
    assert properties["security.protocol"] == "PLAINTEXT"
    assert not any(name.startswith("sasl.") for name in properties)


def test_another_machine_gets_sasl_ssl_with_scram() -> None:
    """Off loopback the connection is encrypted and authenticated, from the environment."""
    properties = client_properties("alerts.example.org:9092", reader_defaults(), environ=LOGIN)
    assert properties["security.protocol"] == "SASL_SSL"
    assert properties["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (properties["sasl.username"], properties["sasl.password"]) == ("me", CANARY)


def test_the_user_wins_and_nothing_given_is_changed() -> None:
    """The user's settings replace defaults; neither mapping is edited."""
    defaults = dict(reader_defaults())
    settings = {"check.crcs": False, "fetch.wait.max.ms": 7}
    before = dict(defaults), dict(settings)
    properties = client_properties("localhost:9092", defaults, settings, environ={})
    assert properties["check.crcs"] is False
    assert properties["fetch.wait.max.ms"] == 7
    assert (defaults, settings) == before


def test_readers_follow_the_rules_of_browsing() -> None:
    """A reader checks checksums, commits nothing, creates nothing and sends no telemetry."""
    for memory in ("large", "small"):
        defaults = reader_defaults(memory)
        assert defaults["check.crcs"] is True
        assert defaults["enable.auto.commit"] is False
        assert defaults["enable.auto.offset.store"] is False
        assert defaults["allow.auto.create.topics"] is False
        assert defaults["enable.metrics.push"] is False
        assert defaults["auto.offset.reset"] == "error"
    assert reader_defaults("small")["queued.max.messages.kbytes"] == 4096
    with pytest.raises(ConfigError, match="'large' or 'small'"):
        reader_defaults("tiny")  # type: ignore[arg-type]


def test_writers_lose_nothing() -> None:
    """A writer waits for all replicas and writes nothing twice."""
    defaults = writer_defaults()
    assert defaults["acks"] == "all"
    assert defaults["enable.idempotence"] is True
    assert defaults["max.in.flight.requests.per.connection"] == 1


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT", "plaintext"])
def test_s29_plaintext_to_another_machine_is_refused(protocol: str) -> None:
    """Plaintext leaves this machine only where the user writes insecure=True."""
    settings = {"security.protocol": protocol}
    for servers in ("alerts.example.org:9092", "127.0.0.1:9092,10.0.0.1:9092"):
        with pytest.raises(ConfigError, match="insecure=True"):
            client_properties(servers, {}, settings, environ=LOGIN)
        client_properties(servers, {}, settings, insecure=True, environ=LOGIN)
    client_properties("127.0.0.1:9092", {}, settings, environ=LOGIN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable.ssl.certificate.verification", "false"),
        ("enable.ssl.certificate.verification", False),
        ("ssl.endpoint.identification.algorithm", "none"),
    ],
)
def test_s29_certificates_are_checked(name: str, value: object) -> None:
    """Trusting any server is refused unless the user writes insecure=True."""
    with pytest.raises(ConfigError, match="trust any server"):
        client_properties("alerts.example.org", {}, {name: value}, environ=LOGIN)
    client_properties("alerts.example.org", {}, {name: value}, insecure=True, environ=LOGIN)


def test_the_host_that_is_reached_is_the_one_that_is_judged() -> None:
    """Addresses hidden among the settings are judged too, or refused."""
    hidden = {"bootstrap.servers": "alerts.example.org:9092", "security.protocol": "PLAINTEXT"}
    with pytest.raises(ConfigError, match="readable by anyone"):
        client_properties("127.0.0.1:9092", {}, hidden, environ={})
    with pytest.raises(ConfigError, match=r"bootstrap\.servers"):
        client_properties("127.0.0.1:9092", {}, {"metadata.broker.list": "x"}, environ={})


def test_a_missing_login_is_said() -> None:
    """What is missing is named, with the variable that brings it."""
    with pytest.raises(ConfigError, match="ZTFNB_KAFKA_USERNAME"):
        client_properties("alerts.example.org", {}, environ={})
    with pytest.raises(ConfigError, match="ZTFNB_KAFKA_PASSWORD"):
        client_properties("alerts.example.org", {}, environ={"ZTFNB_KAFKA_USERNAME": "me"})


def test_other_mechanisms_need_no_password() -> None:
    """OAUTHBEARER has no user name, SSL alone no login."""
    bearer = {"sasl.mechanism": "OAUTHBEARER"}
    assert "sasl.password" not in client_properties("a.example.org", {}, bearer, environ={})
    alone = {"security.protocol": "SSL"}
    assert "sasl.mechanism" not in client_properties("a.example.org", {}, alone, environ={})


def test_s28_a_secret_written_out_is_refused() -> None:
    """A password in code is refused, and not repeated in the refusal."""
    settings = {"sasl.username": "me", "sasl.password": CANARY}
    with pytest.raises(ConfigError, match="does not belong in code") as caught:
        client_properties("alerts.example.org", {}, settings, environ={})
    assert CANARY not in str(caught.value)


def test_secrets_from_the_environment_and_from_a_file(tmp_path: Path) -> None:
    """A secret is taken from the variable or the file that a setting points to."""
    file = tmp_path / "secret"
    file.write_text(f"{CANARY}\n")
    file.chmod(0o600)
    for pointer in ("env:SECRET", f"file:{file}"):
        settings = {"sasl.username": "me", "sasl.password": pointer}
        properties = client_properties(
            "alerts.example.org", {}, settings, environ={"SECRET": CANARY}
        )
        assert properties["sasl.password"] == CANARY
    environ = {"ZTFNB_KAFKA_USERNAME": "me", "ZTFNB_KAFKA_PASSWORD_FILE": str(file)}
    properties = client_properties("alerts.example.org", {}, environ=environ)
    assert properties["sasl.password"] == CANARY


def test_a_secret_file_must_be_private(tmp_path: Path) -> None:
    """A file that others can read is refused, with the command that mends it; so is none."""
    file = tmp_path / "secret"
    settings = {"sasl.username": "me", "sasl.password": f"file:{file}"}
    with pytest.raises(ConfigError, match="cannot read"):
        client_properties("alerts.example.org", {}, settings, environ={})
    file.write_text("")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="is empty"):
        client_properties("alerts.example.org", {}, settings, environ={})
    file.write_text(CANARY)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        client_properties("alerts.example.org", {}, settings, environ={})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        (0, 0o440, 65532, True),  # as Kubernetes gives it with an fsGroup
        (0, 0o640, 65532, True),
        (65532, 0o400, 65532, True),
        (0, 0o444, 65532, False),  # anybody's
        (0, 0o460, 65532, False),  # the group may write
        (65532, 0o440, 65532, False),  # it is ours: then it can be ours alone
        (1000, 0o440, 65532, False),  # another user chose who reads it
        (0, 0o440, 0, False),  # root itself
    ],
)
def test_a_secret_that_root_gave_to_the_group(
    given: tuple[int, int, int, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readable by a group is a secret only of root, for somebody else, and for reading alone."""
    owner, mode, reader, accepted = given
    file = tmp_path / "password"
    file.write_text(CANARY)
    true = file.stat()

    def told(_fd: int) -> os.stat_result:
        return os.stat_result((0o100000 | mode, *true[1:4], owner, *true[5:]))

    monkeypatch.setattr("ztfnb.kafka_config.os.fstat", told)
    monkeypatch.setattr("ztfnb.kafka_config.os.geteuid", lambda: reader)
    settings = {"sasl.username": "me", "sasl.password": f"file:{file}"}
    if accepted:
        found = client_properties("alerts.example.org", {}, settings, environ={})
        assert found["sasl.password"] == CANARY
    else:
        with pytest.raises(ConfigError, match="others can read"):
            client_properties("alerts.example.org", {}, settings, environ={})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to a group")
def test_a_mounted_secret_is_read_by_a_user_of_its_group(tmp_path: Path) -> None:
    """A process that is not root reads a file of root, mode 0440, through its group."""
    file = tmp_path / "password"
    file.write_text(CANARY)
    os.chown(file, 0, 65532)
    file.chmod(0o440)
    tmp_path.chmod(0o711)
    code = (
        "import os, sys\n"
        "from ztfnb.kafka_config import client_properties as given\n"
        "os.setgroups([]), os.setgid(65532), os.setuid(65532)\n"
        "settings = {'sasl.username': 'me', 'sasl.password': 'file:password'}\n"
        "found = given('alerts.example.org', {}, settings, environ={})\n"
        "print(found['sasl.password'] == sys.argv[1])"
    )
    # By a relative path: the folders above may be closed to other users.
    done = subprocess.run(
        [sys.executable, "-c", code, CANARY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "True", done.stderr


def test_a_secret_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring is asked by service and user name; a missing one is said."""
    settings = {"sasl.username": "me", "sasl.password": "keyring:ztf"}
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match="pip install keyring"):
        client_properties("alerts.example.org", {}, settings, environ={})
    held = {("ztf", "me"): CANARY}
    ring = types.SimpleNamespace(get_password=lambda *key: held.get(key))
    monkeypatch.setitem(sys.modules, "keyring", ring)
    properties = client_properties("alerts.example.org", {}, settings, environ={})
    assert properties["sasl.password"] == CANARY
    held.clear()
    with pytest.raises(ConfigError, match="holds nothing"):
        client_properties("alerts.example.org", {}, settings, environ={})


def test_an_unset_variable_is_said() -> None:
    """A pointer to nothing is an error that names it."""
    settings = {"sasl.username": "me", "sasl.password": "env:NOT_THERE"}
    with pytest.raises(ConfigError, match="NOT_THERE is not set"):
        client_properties("alerts.example.org", {}, settings, environ={})


def test_s28_secrets_show_nowhere() -> None:
    """Neither repr nor str of the properties, nor text that passes scrub, shows a secret."""
    properties = Properties({"sasl.password": CANARY, "ssl.key.password": f"{CANARY}+", "a": 1})
    for text in (repr(properties), str(properties), f"{properties}"):
        assert CANARY not in text
        assert "***" in text
    assert properties.scrub(f"bad value {CANARY}+ and {CANARY}") == "bad value *** and ***"


@pytest.mark.parametrize(
    "name",
    [
        "sasl.password",
        "ssl.key.password",
        "ssl.keystore.password",
        "ssl.key.pem",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.assertion.private.key.passphrase",
    ],
)
def test_what_holds_a_secret(name: str) -> None:
    """Every setting of librdkafka that holds a secret is known as one."""
    assert is_secret(name)


@pytest.mark.parametrize("name", ["sasl.username", "ssl.key.location", "bootstrap.servers"])
def test_what_holds_no_secret(name: str) -> None:
    """Names, places and addresses are shown."""
    assert not is_secret(name)


def test_addresses() -> None:
    """Hosts and ports are found in all the ways in which people write them."""
    assert addresses("a:1, b ,[::1]:3,SSL://c.example.org:4,") == [
        ("a", 1),
        ("b", 9092),
        ("::1", 3),
        ("c.example.org", 4),
    ]
    for wrong in ("", " , ", "a:b", "a:1:2", "http://a/b"):
        with pytest.raises(ConfigError, match="expected host:port"):
            addresses(wrong)


def test_loopback() -> None:
    """Only this machine is loopback; names that merely look like it are not."""
    assert all(map(is_loopback, ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"]))
    hosts = ["10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "", "0.0.0.0"]  # noqa: S104
    assert not any(map(is_loopback, hosts))


def test_binder_is_known_by_its_environment() -> None:
    """A Binder sets variables of its own."""
    assert on_binder({"BINDER_SERVICE_HOST": "10.0.0.1"})
    assert on_binder({"BINDER_LAUNCH_HOST": "https://mybinder.org/"})
    assert not on_binder({"JUPYTERHUB_USER": "me"})
