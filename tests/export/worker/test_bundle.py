"""A bundle as the worker reads it: whole, of this format, and set as it is told."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import sys
from pathlib import Path
from typing import Any

import pytest
from handbundle import bundle_of

from ztfnb.errors import ExportError
from ztfnb.export.worker.bundle import (
    FILE,
    SOURCE,
    Bundle,
    check_params,
    checksum_of,
    load_filter,
    params_in,
    read_bundle,
    value_of,
    write_bundle,
)
from ztfnb.filters.threshold import threshold_of

_SOURCE = """
    import ztfnb

    @ztfnb.filter
    def young(
        alert, *, rb_min: (0.0, 1.0) = 0.5, n: int = 3, strict=True, band: ["g", "r", 1] = "r",
        name="x", SNR_min=5.0,
    ):
        return alert["candidate"]["rb"] > rb_min

    FILTER = young.with_params(rb_min=0.65)
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return bundle_of(tmp_path / "young", _SOURCE, "young")[0]


def test_read_as_written(bundle: Bundle) -> None:
    """What a bundle says of itself is read as it was written; its filter is set as exported."""
    again = read_bundle(bundle.folder)
    assert again == bundle
    made = load_filter(again)
    assert (made.name, made.params["rb_min"], made.hash) == ("young", 0.65, bundle.hash)
    assert bundle.version == bundle.hash[:12]


@pytest.mark.parametrize("file", [SOURCE, "data/table.txt"])
def test_a_file_that_has_changed(bundle: Bundle, file: str) -> None:
    """A bundle with a file that is another, or gone, is refused before anything of it is run."""
    path = bundle.folder / file
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_text("1")
    write_bundle(Bundle(bundle.folder, "young", bundle.hash, {SOURCE: "0" * 64}))
    files = {one: checksum_of(bundle.folder / one) for one in {SOURCE, file}}
    write_bundle(Bundle(bundle.folder, "young", bundle.hash, files))
    load_filter(read_bundle(bundle.folder))
    with path.open("a") as open_file:
        open_file.write("\nraise SystemExit\n")
    with pytest.raises(ExportError, match=f"{path.name} is not what was exported"):
        load_filter(read_bundle(bundle.folder))
    path.unlink()
    with pytest.raises(ExportError, match="cannot be read"):
        load_filter(read_bundle(bundle.folder))


def test_nothing_compiled_is_run(bundle: Bundle) -> None:
    """Only the source that was checked is run; compiled files beside it are neither read nor made.

    They would be there for whoever may write into the folder, and no checksum is theirs.
    """
    path = bundle.folder / SOURCE
    compiled = Path(importlib.util.cache_from_source(str(path)))
    source = path.read_text()
    path.write_text(source.replace("0.65", "0.95"))
    state = path.stat()
    py_compile.compile(str(path))
    path.write_text(source)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert compiled.exists()
    assert load_filter(bundle).params["rb_min"] == 0.65
    compiled.unlink()
    load_filter(bundle)
    assert not compiled.exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (None, "is no bundle: bundle.json: No such file"),
        ("{", "is no JSON"),
        ("[1]", "expected a bundle of format 1, got None"),
        ({"format": 2}, "expected a bundle of format 1, got 2"),
        ({"format": True}, "expected a bundle of format 1, got True"),
        ({"name": "../x"}, "lacks name or files"),
        ({"name": None}, "lacks name or files"),
        ({"files": []}, "lacks name or files"),
        ({"hash": "12"}, "expected a hash of 64 digits, got '12'"),
        ({"files": {"../../etc/passwd": "0" * 64}}, "expected files of the bundle"),
        ({"files": {"/etc/passwd": "0" * 64}}, "expected files of the bundle"),
        ({"files": {"filter.py": 3}}, "expected files of the bundle"),
        ({"files": {}}, "says nothing of filter.py"),
    ],
)
def test_what_is_no_bundle(bundle: Bundle, change: Any, told: str) -> None:
    """What is no bundle of this format, or leads out of its folder, is refused with the reason."""
    path = bundle.folder / FILE
    if change is None:
        path.unlink()
    elif isinstance(change, str):
        path.write_text(change)
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ExportError, match=told.replace("[", r"\[")):
        read_bundle(bundle.folder)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("1 +", "cannot be run: SyntaxError"),
        ("import no_such_module_here", "cannot be run: ModuleNotFoundError"),
        ("raise SystemExit(3)", "cannot be run: SystemExit: 3"),
        ("x = 1", "defines no filter called FILTER"),
        ("FILTER = 3", "defines no filter called FILTER"),
    ],
)
def test_sources_that_give_no_filter(bundle: Bundle, source: str, told: str) -> None:
    """A source that cannot be run, or has no filter, is told; nothing of it stays."""
    (bundle.folder / SOURCE).write_text(source)
    files = {SOURCE: checksum_of(bundle.folder / SOURCE)}
    before = set(sys.modules)
    with pytest.raises(ExportError, match=told):
        load_filter(Bundle(bundle.folder, "broken", bundle.hash, files))
    assert not [one for one in set(sys.modules) - before if "broken" in one]


def test_params_of_the_environment(bundle: Bundle) -> None:
    """Variables set thresholds; those with the filter's name before count for it alone."""
    environ = {
        "ZTFNB_PARAM_RB_MIN": "0.7",
        "ZTFNB_PARAM_YOUNG__RB_MIN": "0.8",
        "ZTFNB_PARAM_OLD__RB_MIN": "0.1",
        "ZTFNB_PARAM_SNR_MIN": "7",
        "ZTFNB_GROUP": "x",
    }
    found = params_in(environ, bundle)
    assert found == {"rb_min": "0.8", "snr_min": "7"}
    made = load_filter(bundle, found)
    assert (made.params["rb_min"], made.params["SNR_min"]) == (0.8, 7.0)
    with pytest.raises(ExportError, match=r"ZTFNB_PARAM_OLD__RB_MIN .* ZTFNB_PARAM_YOUNG__<NAME>"):
        check_params(environ, [bundle])
    check_params(environ, [bundle, Bundle(bundle.folder, "old", bundle.hash)])


def test_params_that_it_does_not_take(bundle: Bundle) -> None:
    """A threshold that there is none of, or a value beyond its range, is told by name."""
    with pytest.raises(ExportError, match=r"young has no threshold 'rb'; it has rb_min, n, strict"):
        load_filter(bundle, {"rb": "1"})
    with pytest.raises(ExportError, match=r"rb_min: expected a number from 0 to 1, got 3\.0"):
        load_filter(bundle, {"rb_min": "3"})
    with pytest.raises(ExportError, match="expected a finite number, got nan"):
        load_filter(bundle, {"SNR_min": "nan"})


@pytest.mark.parametrize(
    ("default", "stated", "text", "value"),
    [
        (0.5, None, " 0.25 ", 0.25),
        (0.5, None, "1e-3", 0.001),
        (3, None, "12345678901234567890", 12345678901234567890),
        (3, None, "4.0", 4),
        (3, float, "4.5", 4.5),
        (True, None, "off", False),
        (False, None, "TRUE", True),
        ("g", ["g", "r"], "r", "r"),
        (1, [1, 2], "2", 2),
        ("1", ["1", 2], "1", "1"),
        (True, [True, 3], "true", True),
        ("some text", None, " kept ", " kept "),
    ],
)
def test_values_from_text(default: Any, stated: Any, text: str, value: Any) -> None:
    """Text is read as the threshold's default and choices tell."""
    found = threshold_of("it", default, stated).check(
        value_of(threshold_of("it", default, stated), text)
    )
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("default", "stated", "text", "told"),
    [
        (0.5, None, "high", "it: expected a number, got 'high'"),
        (3, None, "4.5", "it: expected a whole number, got '4.5'"),
        (3, None, "inf", "it: expected a whole number, got 'inf'"),
        (True, None, "maybe", "it: expected true or false, got 'maybe'"),
        ("g", ["g", "r"], "i", "it: expected one of g, r, got 'i'"),
    ],
)
def test_text_that_is_no_value(default: Any, stated: Any, text: str, told: str) -> None:
    """Text that is no value of a threshold is told with what is expected."""
    with pytest.raises(ExportError, match=told):
        value_of(threshold_of("it", default, stated), text)
