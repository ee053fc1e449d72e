"""What a worker is told: options, environment, file, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ztfnb.errors import ConfigError
from ztfnb.export.worker.clients import reader_properties, writer_properties
from ztfnb.export.worker.route import Route
from ztfnb.export.worker.settings import WorkerSettings, settings_from

PLACES = {
    "ZTFNB_SOURCE": "kafka://localhost:9092/night",
    "ZTFNB_OUTPUT": "kafka://localhost:9092/out",
}


def of(given: Mapping[str, object] | None = None, /, **environ: str) -> WorkerSettings:
    return settings_from(PLACES | environ, {"bundles": ["young"], **(given or {})})


def test_options_come_before_the_environment_and_that_before_a_file(tmp_path: Path) -> None:
    """And what nobody says is a default."""
    file = tmp_path / "worker.toml"
    file.write_text(
        'group = "file"\nbatch = 10\nseconds = 2.5\nmemory = "512m"\n'
        '[kafka]\n"client.id" = "file"\n[params]\nrb_min = 0.7\n'
    )
    made = of(
        {"config": str(file), "group": "option", "params": ["MAG_MAX=19"], "start": None},
        ZTFNB_GROUP="environment",
        ZTFNB_BATCH="20",
        ZTFNB_PARAM_RB_MIN="0.9",
    )
    assert (made.group, made.batch, made.start) == ("option", 20, "latest")
    assert (made.limits.seconds, made.limits.memory) == (2.5, 512 << 20)
    assert made.kafka == {"client.id": "file"}
    assert made.params == {"ZTFNB_PARAM_RB_MIN": "0.9", "ZTFNB_PARAM_MAG_MAX": "19"}


def test_client_settings_of_the_environment() -> None:
    """Their names have underscores; a secret is pointed to, and stands in no repr."""
    secret = dict.fromkeys(("ZTFNB_KAFKA_SSL_KEY_PASSWORD", "ZTFNB_KAFKA_PASSWORD"), "canary")
    secret["ZTFNB_KAFKA_USERNAME"] = "me"
    made = of(ZTFNB_KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT", **secret)
    assert made.kafka == {
        "security.protocol": "SASL_PLAINTEXT",
        "ssl.key.password": "env:ZTFNB_KAFKA_SSL_KEY_PASSWORD",
    }
    assert "canary" not in repr(made)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ZTFNB_BATCH", "many", "ZTFNB_BATCH: expected a whole number from 1 to 100000"),
        ("ZTFNB_PORT", "70000", "ZTFNB_PORT: expected a whole number from 0 to 65535"),
        ("ZTFNB_SECONDS", "0", "ZTFNB_SECONDS: expected a number of seconds above 0"),
        ("ZTFNB_MEMORY", "big", "ZTFNB_MEMORY: expected a size such as 512m or 1g"),
        ("ZTFNB_START", "middle", "ZTFNB_START: expected latest or beginning"),
        ("ZTFNB_STRICT", "maybe", "ZTFNB_STRICT: expected true or false"),
        ("ZTFNB_SOURCE", "a.avro", "source: expected kafka://HOST:PORT/TOPIC, got 'a.avro'; a wo"),
        ("ZTFNB_OUTPUT", "/out", "output: expected kafka://HOST:PORT/TOPIC, got '/out'; a worker"),
        ("ZTFNB_SOURCE", "kafka://h/a,b_{date}", r"source: expected one name with \{date\}"),
        ("ZTFNB_OUTPUT", "kafka://h/a,b", "output: expected one topic"),
        ("ZTFNB_OUTPUT", "kafka://127.0.0.1/night", "endless loop"),
        ("ZTFNB_DEAD_LETTERS", "night", "endless loop"),
        ("ZTFNB_DEAD_LETTERS", "out", "dead letters: out is the output, too"),
        ("ZTFNB_DEAD_LETTERS", "a letter", "is no name of a topic"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    variable: str, value: str, told: str
) -> None:
    """By the variable, or by what it means."""
    with pytest.raises(ConfigError, match=told):
        of(**{variable: value})


@pytest.mark.parametrize("variable", ["ZTFNB_KAFKA_PASSWORD", "ZTFNB_KAFKA_PASSWORD_FILE"])
def test_a_password_needs_a_user_name(variable: str) -> None:
    """Also where the client would not log in, as to this machine: it is not ignored in silence."""
    with pytest.raises(ConfigError, match=f"{variable} is set.*: set ZTFNB_KAFKA_USERNAME, or"):
        of(**{variable: "/run/secrets/kafka"})
    for name in ("ZTFNB_KAFKA_USERNAME", "ZTFNB_KAFKA_SASL_USERNAME"):
        of(**{variable: "/run/secrets/kafka", name: "me"})


def test_what_must_be_given() -> None:
    """A bundle, a source and an output."""
    with pytest.raises(ConfigError, match="no bundle: name the folder"):
        settings_from(PLACES)
    with pytest.raises(ConfigError, match=r"no source: give --from .*, or set ZTFNB_SOURCE"):
        settings_from({}, {"bundles": ["young"]})


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    """In a file and among the options; a file that is none, too."""
    file = tmp_path / "worker.toml"
    file.write_text("batches = 10")
    with pytest.raises(ConfigError, match="got batches"):
        of({"config": file})
    with pytest.raises(ConfigError, match="got batches"):
        of({"batches": 10})
    with pytest.raises(ConfigError, match="expected a TOML file of settings"):
        of({"config": tmp_path / "none.toml"})
    with pytest.raises(ConfigError, match="expected NAME=VALUE, got 'rb'"):
        of({"params": ["rb"]})


def test_a_password_in_an_address_is_not_repeated() -> None:
    """It is refused, with the place where it belongs."""
    with pytest.raises(ConfigError, match="ZTFNB_KAFKA_PASSWORD") as caught:
        of(ZTFNB_SOURCE="kafka://me:canary@host/night")
    assert "canary" not in str(caught.value)


def test_topics_of_several_filters() -> None:
    """Each has its own where the output says so; the topic of dead letters is one."""
    made = of(ZTFNB_OUTPUT="kafka://localhost:9092/ztf-{filter}")
    both = Route.of(made, ["young", "old"])
    assert both.outputs == ("ztf-young", "ztf-old")
    assert both.dead_letters == "ztf-filters-dead-letters"
    assert both.group == "ztfnb-young-old"
    assert Route.of(made, ["young"]).dead_letters == "ztf-young-dead-letters"


def test_a_night_is_not_written_to() -> None:
    """Also where only the template would read the output, on some day."""
    with pytest.raises(ConfigError, match="ztf_20260115_a would be read and written"):
        of(
            ZTFNB_SOURCE="kafka://localhost:9092/ztf_{date}_a",
            ZTFNB_OUTPUT="kafka://localhost:9092/ztf_20260115_a",
        )


def test_what_nothing_is_lost_by_cannot_be_set() -> None:
    """Commits, acknowledgements and the group are the worker's own."""
    route = Route.of(of(), ["young"])
    made = of(ZTFNB_KAFKA_ACKS="1")
    with pytest.raises(ConfigError, match="acks: a worker sets this itself"):
        writer_properties(made, route, {})
    made = of(ZTFNB_KAFKA_ENABLE_AUTO_COMMIT="true")
    with pytest.raises(ConfigError, match=r"enable.auto.commit: a worker sets this itself"):
        reader_properties(made, route, {})


def test_what_only_readers_know_is_for_the_reader() -> None:
    """The producer is not told of sessions and fetches, of which it would warn in the log."""
    made = of(ZTFNB_KAFKA_SESSION_TIMEOUT_MS="6000", ZTFNB_KAFKA_FETCH_MIN_BYTES="9")
    route = Route.of(made, ["young"])
    given = {"session.timeout.ms": "6000", "fetch.min.bytes": "9"}
    assert given.items() <= {**reader_properties(made, route, {})}.items()
    assert not given.keys() & {**writer_properties(made, route, {})}.keys()


def test_another_machine_is_not_reached_in_plaintext() -> None:
    """Unless it is said that the stream has nothing else."""
    far = {"ZTFNB_SOURCE": "kafka://far:9092/night", "ZTFNB_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}
    made = of(**far)
    with pytest.raises(ConfigError, match="readable by anyone"):
        reader_properties(made, Route.of(made, ["young"]), {})
    made = of(**far, ZTFNB_INSECURE="true")
    assert reader_properties(made, Route.of(made, ["young"]), {})["security.protocol"]


def test_a_transaction_needs_one_cluster() -> None:
    """Offsets and output are committed together, or not at all."""
    with pytest.raises(ConfigError, match="a transaction cannot span two clusters"):
        of(ZTFNB_OUTPUT="kafka://elsewhere:9092/out", ZTFNB_TRANSACTIONAL="true")
    made = of(ZTFNB_TRANSACTIONAL="yes", ZTFNB_TRANSACTIONAL_ID="one")
    assert writer_properties(made, Route.of(made, ["young"]), {})["transactional.id"] == "one"
