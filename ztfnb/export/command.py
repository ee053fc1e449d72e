"""``ztfnb filter export`` and ``ztfnb filter test``: bundles from a terminal."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ztfnb.commanding import add_json, add_verb
from ztfnb.errors import ConfigError, ExportError, FilterError, FilterWarning

if TYPE_CHECKING:
    from ztfnb.commanding import Verbs
    from ztfnb.export.exported import Exported
    from ztfnb.export.proof import Proof
    from ztfnb.filters.filter import Filter


_WRONG = 2
"""Exit code of arguments that are wrong."""


def add_export(actions: Verbs) -> None:
    """Add ``export`` to the actions of ``ztfnb filter``."""
    verb = add_verb(
        actions,
        "export",
        export,
        "write a filter as a folder that can be read, tested and deployed",
        "ztfnb filter export my_filters.py:young young/ --verify ztf_public_20260115.tar.gz",
        "ztfnb filter export ztfnb.recipes:young_supernova young/ --verify night/ --zip",
    )
    verb.add_argument(
        "target", metavar="TARGET", help="the filter: my_filters.py:young or package.module:young"
    )
    verb.add_argument("folder", metavar="FOLDER", type=Path, help="where the bundle is written")
    verb.add_argument(
        "--verify",
        metavar="PATH",
        help="alerts to prove it on: a file, folder or .tar.gz (default: its pinned alerts)",
    )
    verb.add_argument(
        "--param",
        dest="params",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a threshold; several times for several",
    )
    verb.add_argument(
        "--requirements", type=Path, metavar="FILE", help="a lock in place of the one of ztfnb"
    )
    verb.add_argument("--fresh", action="store_true", help="prove it in a new environment")
    verb.add_argument("--wheels", action="store_true", help="download the locked wheels too")
    verb.add_argument("--zip", action="store_true", help="write a zip file of it beside")
    verb.add_argument(
        "--oci", type=Path, metavar="BASE", help="write an image beside, upon this OCI archive"
    )
    verb.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    add_json(verb)


def add_test(actions: Verbs) -> None:
    """Add ``test`` to the actions of ``ztfnb filter``."""
    verb = add_verb(
        actions,
        "test",
        test,
        "run a bundle as a worker does, and compare what it decides (exit code 1 if otherwise)",
        "ztfnb filter test young/",
        "ztfnb filter test young/ --alerts ztf_public_20260115.tar.gz --fresh --json",
    )
    verb.add_argument("bundle", metavar="BUNDLE", type=Path, help="a folder that was exported")
    verb.add_argument(
        "--alerts",
        metavar="PATH",
        help="other alerts than its own: then its function, called here, says what is expected",
    )
    verb.add_argument(
        "--fresh", action="store_true", help="in a new environment of its own requirements"
    )
    add_json(verb)


def export(options: argparse.Namespace) -> int:
    """Export a filter of a file or module; return the exit code."""
    from ztfnb.export.bundling import export as export_filter  # noqa: PLC0415 - only for this verb

    try:
        made = _as_told(options)
    except ConfigError as error:
        return _refuse("export", error)
    with _saying() as say:
        done = export_filter(
            made,
            options.folder,
            verify=options.verify,
            fresh=options.fresh,
            requirements=options.requirements,
            wheels=options.wheels,
            archive=options.zip,
            oci=options.oci,
            overwrite=options.overwrite,
            say=say,
        )
    _print(json.dumps(_exported(done)) if options.json else repr(done))
    return 0


def test(options: argparse.Namespace) -> int:
    """Prove a bundle again; return 1 where it decides otherwise."""
    from ztfnb.export.fixtures import read_fixtures  # noqa: PLC0415 - only for this verb
    from ztfnb.export.packets import packets_of  # noqa: PLC0415
    from ztfnb.export.proof import prove  # noqa: PLC0415
    from ztfnb.export.worker.bundle import load_filter, read_bundle  # noqa: PLC0415

    try:
        bundle = read_bundle(options.bundle)
    except ExportError as error:
        return _refuse("test", error)
    pairs: Any
    if options.alerts is None:
        pairs = [(one.packet, one.decision) for one in read_fixtures(bundle.folder)]
        count = len(pairs)
    else:
        with warnings.catch_warnings():
            # What is to be said of its source was said to its author.
            warnings.simplefilter("ignore", FilterWarning)
            made = load_filter(bundle)
        report = made.evaluate(options.alerts)
        pairs, count = packets_of(report), len(report)
    if not count:
        raise ExportError(f"there is no alert to try {bundle.name} on; give some with --alerts")
    told: dict[str, Any] = {"filter": bundle.name, "version": bundle.version}
    try:
        with _saying() as say:
            proof = prove(bundle.folder, pairs, fresh=options.fresh, total=count, say=say)
    except ExportError as error:
        if not error.differences:
            raise
        told |= {"alike": False, "different": _differences(error.differences)}
        _print(json.dumps(told) if options.json else str(error))
        return 1
    told |= {"alike": True, **_counts(proof)}
    _print(json.dumps(told) if options.json else f"{bundle.name} {bundle.version}: {proof}")
    return 0


def _as_told(options: argparse.Namespace) -> Filter:
    """Return the filter that options name, with its thresholds as they say."""
    from ztfnb.export.worker.bundle import value_of  # noqa: PLC0415 - only where one is exported

    made = filter_of(options.target)
    given = dict(map(_pair, options.params))
    try:
        return made.with_params(
            **{name: value_of(made.threshold(name), text) for name, text in given.items()}
        )
    except (FilterError, ExportError) as error:
        raise ConfigError(f"--param: {error}") from None


def _refuse(action: str, error: Exception) -> int:
    """Tell what is wrong with the arguments; return the exit code, as of the parser."""
    sys.stderr.write(f"ztfnb filter {action}: {error}\n")
    return _WRONG


def filter_of(target: str) -> Filter:
    """Return the filter that a target names: ``my_filters.py:young``, ``package.module:young``.

    The pins of one in a file lie beside that file.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    from ztfnb.filters.filter import Filter  # noqa: PLC0415 - only where filters are asked for

    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise ConfigError(f"expected my_filters.py:young or package.module:young, got {target!r}")
    if place.endswith(".py"):
        module, home = _module_in(Path(place).expanduser().absolute()), Path(place).parent
    else:
        module, home = _module_called(place), Path.cwd()
    made = getattr(module, name, None)
    if not isinstance(made, Filter):
        known = [one for one, value in vars(module).items() if isinstance(value, Filter)]
        raise ConfigError(
            f"{place} defines no filter called {name!r}; it has {', '.join(known) or 'none'}"
        )
    return made._with(home=home.absolute())  # noqa: SLF001 - the same filter, kept elsewhere


def _module_in(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    if path.stem in sys.stdlib_module_names or not path.stem.isidentifier():
        raise ConfigError(
            f"{path.name} cannot be imported by that name; name it like a module, and like none of "
            "Python's own"
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    # As when it is run as a program: what lies beside it can be imported.
    sys.path.insert(0, str(path.parent))
    sys.modules[path.stem] = module
    with _telling(path):
        spec.loader.exec_module(module)
    return module


def _module_called(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    with _telling(name):
        return importlib.import_module(name)


@contextmanager
def _telling(what: object) -> Iterator[None]:
    """Tell what an author's file raises as an error of the command."""
    try:
        yield
    except Exception as error:
        raise ConfigError(f"{what}: {type(error).__name__}: {error}") from error


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--param: expected NAME=VALUE, got {text!r}")
    return name, value


def _exported(done: Exported) -> dict[str, Any]:
    return {
        "folder": str(done.folder),
        "filter": done.name,
        "version": done.version,
        "hash": done.hash,
        **_counts(done.proof),
        "fixtures": done.fixtures,
        "files": sorted(done.files),
        "remarks": list(done.remarks),
        "zip": None if done.archive is None else str(done.archive),
        "image": None if done.image is None else str(done.image),
        "before": None if done.before is None else str(done.before),
    }


def _counts(proof: Proof) -> dict[str, Any]:
    return {
        "alerts": proof.alerts,
        "passed": proof.passed,
        "rejected": proof.rejected,
        "failed": proof.failed,
        "seconds": round(proof.seconds, 3),
        "fresh": proof.fresh,
    }


def _differences(found: Sequence[Any]) -> list[dict[str, str]]:
    return [
        {"candid": str(one.candid), "expected": str(one.notebook), "found": str(one.bundle)}
        for one in found
    ]


@contextmanager
def _saying() -> Iterator[Any]:
    """Tell on stderr how far something has come, in one line that is written over."""
    shown = sys.stderr.isatty()

    def say(words: str) -> None:
        if shown:
            sys.stderr.write(f"\r\033[K{words} ...")
            sys.stderr.flush()

    try:
        yield say
    finally:
        if shown:
            sys.stderr.write("\r\033[K")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
