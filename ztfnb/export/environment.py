"""A virtual environment that holds a bundle's requirements and nothing else.

Made once for each set of requirements and kept in the user's cache, since that takes a minute.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ztfnb.broker.parts import cache_folder
from ztfnb.errors import ExportError

REQUIREMENTS = "requirements.txt"
WHEELS = "wheels"
KEPT = 3
"""Environments that stay, the last used; an older one is removed a day after its last use."""
_DAY = 86_400.0
_OFFLINE = re.compile(
    "failed to establish a new connection|name resolution|name or service not known|"
    "network is unreachable|connection refused|timed out|connection broken|proxy",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"(://)[^/@\s]+@")
_LONGEST = 500
_OWN = ("PYTHONPATH", "PIP_TARGET", "PIP_USER", "PIP_PREFIX")
"""Variables that say where the notebook's own packages are."""

Say = Callable[[str], None]


def environment(
    folder: Path, *, say: Say | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Return the Python of an environment with a bundle's requirements, made if need be.

    Wheels alone are installed, each with the hash that the requirements name: nothing is built,
    and no code of a package runs. The index is the one that ``pip`` is set to.

    Parameters
    ----------
    folder
        The bundle.
    say
        Told in words what is going on.
    environ
        The environment that ``pip`` works in; `os.environ` unless given.

    Raises
    ------
    ExportError
        If it cannot be made: no network, a wheel that is missing or not the one of the lock.
    """
    environ = os.environ if environ is None else environ
    say = say or (lambda _words: None)
    place = cache_folder(environ) / "environments" / _key(folder)
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        _make(folder, place, say, environ)
    os.utime(place)
    _tidy(place)
    return _python(place)


def _key(folder: Path) -> str:
    path = folder / REQUIREMENTS
    try:
        requirements = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}") from None
    # An environment is bound to the interpreter that it was made with.
    made_with = f"{sys.base_prefix} {platform.python_version()} {platform.machine()}"
    return hashlib.sha256(requirements + made_with.encode()).hexdigest()[:24]


def _make(folder: Path, place: Path, say: Say, environ: Mapping[str, str]) -> None:
    if importlib.util.find_spec("pip") is None:
        raise ExportError(
            "a fresh environment needs pip, which is not in this one; run: python -m ensurepip, or "
            "install pip as you install other packages here"
        )
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="making-") as temporary:
        fresh = Path(temporary, "venv")
        say("making a fresh environment")
        # The pip of this environment serves: in the new one there is only what the bundle needs.
        run_python(
            ["-I", "-m", "venv", "--without-pip", str(fresh)],
            environ,
            "no virtual environment can be made",
        )
        wanted = (folder / REQUIREMENTS).read_text("utf-8").count("==")
        say(f"installing the bundle's requirements ({wanted} packages at most)")
        run_python(
            [
                *("-I", "-m", "pip", "--python", str(_python(fresh)), "install"),
                "--no-input",
                *("--disable-pip-version-check", "--progress-bar", "off", "--quiet"),
                *("--retries", "2", "--require-hashes", "--only-binary", ":all:"),
                *("--find-links", str(folder.absolute() / WHEELS)),
                *("--requirement", str(folder.absolute() / REQUIREMENTS)),
            ],
            environ,
            "the bundle's requirements cannot be installed (without fresh=True it is proven in "
            "this environment)",
        )
        try:
            fresh.rename(place)
        except OSError:
            # Another process may have been first; then its environment serves as well.
            if not place.is_dir():
                raise


def run_python(arguments: Sequence[str], environ: Mapping[str, str], wrong: str) -> None:
    """Run a module of this interpreter that installs something elsewhere.

    Raises
    ------
    ExportError
        If it fails: ``wrong``, and why.
    """
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        # What belongs to the notebook's environment has no part in this one.
        env={name: value for name, value in environ.items() if name not in _OWN},
        check=False,
    )
    if done.returncode:
        raise ExportError(f"{wrong}: {reason_of(done.stderr or done.stdout)}")


def reason_of(output: str) -> str:
    """Return in one line why ``pip`` failed, as far as it says; credentials are taken out."""
    output = _CREDENTIALS.sub(r"\1***@", output)
    if _OFFLINE.search(output):
        return "the package index cannot be reached; check the network and the settings of pip"
    errors = [line for line in output.splitlines() if line.strip().startswith("ERROR")]
    told = " ".join(errors or output.split("\n")[-3:]).replace("ERROR:", "").strip()
    return f"{' '.join(told.split())[:_LONGEST] or 'pip does not say why'}"


def _python(place: Path) -> Path:
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _tidy(current: Path) -> None:
    """Remove what has not been used for a day, and is not among the last used."""
    places = [path for path in current.parent.iterdir() if not path.name.startswith("making-")]
    used = {path: _used(path) for path in places}
    for place in sorted(places, key=used.__getitem__, reverse=True)[KEPT:]:
        if place != current and time.time() - used[place] > _DAY:
            shutil.rmtree(place, ignore_errors=True)


def _used(place: Path) -> float:
    """Return when an environment was used last; 0 where another process has just removed it."""
    try:
        return place.stat().st_mtime
    except FileNotFoundError:
        return 0.0
