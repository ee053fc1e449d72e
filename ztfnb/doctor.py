"""What could keep ztfnb from working here, and what to do about it.

Each check looks at one thing and returns a `Check`. What it looks at (versions, folders, the
environment) is an argument with the real thing as its default, so a check can be asked about a
machine that is not this one.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ztfnb import advice, kafka_config, kafka_trouble, profiles, schema
from ztfnb.broker import parts
from ztfnb.errors import BrokerError, ConfigError, ZtfnbError

State = Literal["ok", "warn", "fail"]
Versions = Callable[[str], str | None]

# What each extra is for, in the words of somebody who wonders whether to install it.
EXTRAS = {
    "lab": "widgets in JupyterLab",
    "codecs": "container files packed with snappy or zstandard",
    "worker": "metrics of an exported filter at work",
    "cluster": "filters on many nights on many machines",
    "broker": "Java for the local Apache Kafka, where the machine has none",
}
CREDENTIALS = ("ZTFNB_KAFKA_USERNAME", "ZTFNB_KAFKA_PASSWORD", "ZTFNB_KAFKA_PASSWORD_FILE")
LABEXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of looking at one thing."""

    name: str
    state: State
    """``ok``; ``warn``: something works less well, or is not there yet; ``fail``."""
    found: str
    """What was seen."""
    advice: str = ""
    """What to do; empty where nothing needs doing."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package that ztfnb asks for, as its metadata state it."""

    package: str
    extra: str
    """The extra that asks for it; empty for the core."""
    minimum: str
    excluded: tuple[str, ...] = ()

    def unmet(self, version: str | None) -> str:
        """Say why ``version`` does not do; empty if it does."""
        if version is None:
            return f"{self.package} is missing"
        if _release(version) < _release(self.minimum):
            return f"{self.package} {version} is older than {self.minimum}"
        if version in self.excluded:
            return f"{self.package} {version} does not work, another one does"
        return ""


def diagnose(
    broker: str | None = None, *, environ: Mapping[str, str] | None = None
) -> tuple[Check, ...]:
    """Look at everything.

    Parameters
    ----------
    broker
        A Kafka broker to reach (``HOST:PORT``, or the name of a profile); none is tried unless
        one is given.
    environ
        The environment; `os.environ` unless given.
    """
    environ = os.environ if environ is None else environ
    wanted = requirements()
    checks = [
        check_python(),
        check_packages(wanted),
        *(check_packages(wanted, extra) for extra in EXTRAS),
        check_schemas(),
        check_labextensions(*_jupyter_folders()),
        check_loopback(),
        check_network(environ),
        check_java(environ),
        check_kafka(environ),
        *check_profiles(environ),
        check_credentials(environ),
    ]
    if broker is not None:
        checks.append(check_broker(broker, environ))
    return tuple(checks)


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Look whether Python is 3.11 or later."""
    found = ".".join(map(str, version))
    if version < (3, 11):
        return Check("Python", "fail", found, "install Python 3.11 or later")
    return Check("Python", "ok", found)


def installed_version(package: str) -> str | None:
    """Return the version of an installed package; None if it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def requirements(lines: Iterable[str] | None = None) -> tuple[Requirement, ...]:
    """Read what ztfnb asks for.

    Parameters
    ----------
    lines
        Requirements as package metadata write them; ztfnb's own unless given.
    """
    if lines is None:
        lines = importlib.metadata.requires("ztfnb") or ()
    found = []
    for line in lines:
        wanted, _, marker = line.partition(";")
        package = re.match(r"[\w.-]+", wanted)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        if package is None or package[0] == "ztfnb":  # an extra that includes another one
            continue
        minimum = re.search(r">=\s*([\d.]+)", wanted)
        found.append(
            Requirement(
                package[0],
                extra[1] if extra else "",
                minimum[1] if minimum else "0",
                tuple(re.findall(r"!=\s*([\d.]+)", wanted)),
            )
        )
    return tuple(found)


def check_packages(
    wanted: Iterable[Requirement],
    extra: str = "",
    version: Versions = installed_version,
) -> Check:
    """Look whether the packages of the core, or of one extra, are there and new enough."""
    wanted = [one for one in wanted if one.extra == extra]
    here = {one.package: version(one.package) for one in wanted}
    unmet = "; ".join(why for one in wanted if (why := one.unmet(here[one.package])))
    if not extra:
        found = unmet or _versions(here)
        advice = "pip install --upgrade ztfnb" if unmet else ""
        return Check("packages", "fail" if unmet else "ok", found, advice)
    name = f"extra {extra}"
    if not unmet:
        return Check(name, "ok", _versions(here))
    # Without the extra "lab" there are no widgets; the others wait until somebody wants them.
    outdated = any(one.unmet(here[one.package]) for one in wanted if here[one.package])
    state: State = "warn" if outdated or extra == "lab" else "ok"
    return Check(name, state, unmet, f'for {EXTRAS[extra]}: pip install --upgrade "ztfnb[{extra}]"')


def check_schemas() -> Check:
    """Look whether the alert schemas came along."""
    try:
        fields = len(schema.ztf_schema("4.02")["fields"])
    except (OSError, ZtfnbError) as error:
        again = "install ztfnb again: pip install --force-reinstall --no-deps ztfnb"
        return Check("schemas", "fail", str(error), again)
    return Check("schemas", "ok", f"4.02, {fields} fields, in {schema.schema_files()}")


def check_labextensions(folders: Iterable[Path], page_configs: Iterable[Path]) -> Check:
    """Look whether JupyterLab has the extensions that show the widgets, and none is disabled.

    Parameters
    ----------
    folders
        Where Jupyter looks for extensions.
    page_configs
        The ``page_config.json`` files in which they can be disabled.
    """
    name = "notebook extensions"
    folders = tuple(folders)
    missing = [
        extension
        for extension in LABEXTENSIONS
        if not any((folder / extension / "package.json").is_file() for folder in folders)
    ]
    if missing:
        advice = 'pip install --upgrade "ztfnb[lab]", in the environment that runs JupyterLab'
        return Check(name, "warn", f"missing: {', '.join(missing)}", advice)
    disabled = sorted(_disabled(page_configs) & set(LABEXTENSIONS))
    if disabled:
        return Check(
            name,
            "fail",
            f"disabled: {', '.join(disabled)}",
            f"jupyter labextension enable {' '.join(disabled)}",
        )
    return Check(name, "ok", ", ".join(LABEXTENSIONS))


def check_loopback(connect: Callable[[], None] | None = None) -> Check:
    """Look whether a server on a free port of this machine can be reached from it."""
    name = "local ports"
    try:
        (connect or _reach_oneself)()
    except OSError as error:
        advice = "allow connections to 127.0.0.1: the demo and the local broker need them"
        return Check(name, "fail", f"127.0.0.1 cannot be reached: {error}", advice)
    return Check(name, "ok", "127.0.0.1 has free ports")


def check_network(environ: Mapping[str, str]) -> Check:
    """Look for known limits on reaching Kafka brokers elsewhere."""
    name = "network"
    if kafka_config.on_binder(environ):
        return Check(
            name,
            "warn",
            "this is Binder, which lets out no port that Kafka uses",
            'use ztfnb.connect("demo"), or read an archive file',
        )
    return Check(name, "ok", "no known restriction; try a broker with ztfnb doctor HOST:PORT")


def check_java(environ: Mapping[str, str]) -> Check:
    """Look for the Java that a local Apache Kafka needs."""
    try:
        return Check("Java", "ok", str(parts.find_java(environ)))
    except BrokerError as error:
        return Check(
            "Java", "warn", str(error), "only for a local Apache Kafka; the demo needs none"
        )


def check_kafka(environ: Mapping[str, str]) -> Check:
    """Look for the libraries of Apache Kafka, or for Maven, which fetches them."""
    name = "Apache Kafka"
    if environ.get("KAFKA_HOME"):
        try:
            return Check(name, "ok", str(parts.find_jars(Path(), environ=environ)))
        except BrokerError as error:
            return Check(name, "warn", str(error), "only for a local Apache Kafka")
    cache = parts.cache_folder(environ)
    if any(cache.glob("kafka-*/kafka_*.jar")):
        return Check(name, "ok", f"its libraries are in {cache}")
    if shutil.which("mvn", path=environ.get("PATH")):
        return Check(name, "ok", "not here yet", "ztfnb broker start fetches it with Maven")
    return Check(
        name,
        "warn",
        "neither its libraries nor Maven, which fetches them, are here",
        "for a local Apache Kafka, as root: apt-get install maven; or set KAFKA_HOME",
    )


def check_profiles(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Look whether each profile says what a connection needs, and its secrets are kept safely.

    Secrets are read, as a connection would read them, and shown nowhere.
    """
    path = profiles.profiles_path(environ)
    try:
        names = profiles.profile_names(environ)
    except ConfigError as error:
        return (Check("profiles", "fail", str(error), f"mend {path}, or move it away"),)
    if not names:
        return (Check("profiles", "ok", f"none in {path}; the demo and archives need none"),)
    return tuple(_check_profile(name, environ) for name in names)


def check_credentials(environ: Mapping[str, str]) -> Check:
    """Look whether the credentials in the environment are complete and safely kept."""
    name = "credentials"
    if not any(environ.get(variable) for variable in CREDENTIALS):
        return Check(name, "ok", "none in the environment; public streams need none")
    try:
        kafka_config.client_properties("broker.invalid:9092", {}, environ=environ)
    except ConfigError as error:
        found = str(error).removeprefix("broker.invalid:9092: ")
        return Check(name, "fail", found, f"set them with {', '.join(CREDENTIALS)}")
    return Check(name, "ok", "user name and password are in the environment (not shown)")


def check_broker(broker: str, environ: Mapping[str, str]) -> Check:
    """Try to reach a broker.

    Parameters
    ----------
    broker
        ``HOST:PORT``, or the name of a profile.
    environ
        The environment.
    """
    name = f"broker {broker}"
    try:
        known = broker in profiles.profile_names(environ)
        servers = profiles.profile(broker, environ).bootstrap if known else broker
        trouble = kafka_trouble.probe(servers, environ=environ)
    except ConfigError as error:
        return Check(name, "fail", str(error), "write HOST:PORT or the name of a profile")
    if trouble.kind:
        help_ = advice.advise(trouble.kind)
        steps = [step for step in help_.steps if step != advice.DOCTOR] if help_ else []
        return Check(name, "fail", trouble.text, " ".join(steps))
    return Check(name, "ok", f"{servers} answers")


def _check_profile(name: str, environ: Mapping[str, str]) -> Check:
    title = f"profile {name}"
    try:
        one = profiles.profile(name, environ)
        kafka_config.client_properties(
            one.bootstrap, {}, one.settings, insecure=one.insecure, environ=environ
        )
    except ConfigError as error:
        return Check(title, "fail", str(error), f"mend it in {profiles.profiles_path(environ)}")
    return Check(title, "ok", f"{one.bootstrap}; its settings are complete (secrets not shown)")


def _versions(here: Mapping[str, str | None]) -> str:
    return ", ".join(f"{package} {version}" for package, version in here.items())


def _release(version: str) -> tuple[int, ...]:
    numbers = re.match(r"[\d.]*\d", version)
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else ()


def _disabled(page_configs: Iterable[Path]) -> set[str]:
    disabled: set[str] = set()
    for path in page_configs:
        try:
            entries = json.loads(path.read_text(encoding="utf-8")).get("disabledExtensions", {})
        except (OSError, ValueError, AttributeError):
            continue  # Jupyter passes over such a file too
        disabled.update(name for name in entries if not isinstance(entries, dict) or entries[name])
    return disabled


def _jupyter_folders() -> tuple[list[Path], list[Path]]:
    try:
        from jupyter_core import paths  # noqa: PLC0415 - comes with the extra "lab"
    except ImportError:
        return [], []
    folders = [Path(folder) for folder in paths.jupyter_path("labextensions")]
    configs = [Path(folder, "page_config.json") for folder in paths.jupyter_config_path()]
    configs += [path.parent / "labconfig" / path.name for path in configs]
    return folders, configs


def _reach_oneself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
