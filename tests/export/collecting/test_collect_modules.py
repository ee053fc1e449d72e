"""What a filter has from the author's own modules, and from files, goes with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from export.collected import alone, decisions_of, filter_of, loaded, written

from ztfnb.errors import ExportError
from ztfnb.export.collecting.collect import collect

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")

_CUTS = """
from math import floor
import numpy as np
LIMIT = 19.0  # mag
def bright(c):
    return c["magpsf"] < LIMIT and np.isfinite(floor(c["magpsf"]))
"""
Write = Callable[..., None]


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Modules of the author beside the notebook."""
    here = tmp_path / "notebooks"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(here))
    names: list[str] = []

    def write(**texts: str) -> None:
        for name, text in texts.items():
            path = here / (name.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            names.append(name.partition("__")[0])

    yield write
    for one in [one for one in sys.modules if one.partition(".")[0] in names]:
        del sys.modules[one]


_USES = """
@ztfnb.filter
def f(alert, *, rb_min=0.3):
    c = alert["candidate"]
    return {}
"""


def test_functions_of_modules_are_copied(modules: Write, tmp_path: Path) -> None:
    """A function from a module of the author stands in filter.py, with what it uses there."""
    modules(cuts_a=_CUTS)
    made = filter_of("from cuts_a import bright as b", _USES.format("b(c) and c['rb'] > rb_min"))
    found = written(made, tmp_path / "bundle")
    assert not found.modules
    assert "LIMIT = 19.0  # mag" in found.text
    assert "import floor" in found.text
    assert loaded(tmp_path / "bundle").hash == made.hash


def test_modules_are_brought_whole(modules: Write, tmp_path: Path) -> None:
    """A module that is used by its name goes along, with the modules that it imports itself."""
    modules(
        cuts_b=_CUTS + "import more_b\nfrom pkg_b.inner import low\nT = more_b.T\n",
        more_b="T = 3\n",
        pkg_b__inner="from .deep import low\n",
        pkg_b__deep="def low(c):\n    from . import other\n    return other.LOW\n",
        pkg_b__other="LOW = 0.5\n",
    )
    made = filter_of(
        "import cuts_b\nimport pkg_b.inner\nimport more_b as m",
        _USES.format("cuts_b.bright(c) and c['rb'] > cuts_b.low(c) and m.T and pkg_b.inner.low(c)"),
    )
    folder = tmp_path / "bundle"
    found = written(made, folder)
    paths = {"cuts_b.py", "more_b.py", "pkg_b/__init__.py", "pkg_b/inner.py", "pkg_b/deep.py"}
    assert set(found.modules) == {*paths, "pkg_b/other.py"}
    assert found.distributions == ("numpy",)
    told = alone({"f": folder}, tmp_path)["f"]
    assert (told["hash"], told["decisions"]) == (made.hash, decisions_of(made))
    assert loaded(folder).hash == made.hash


def test_modules_imported_inside(modules: Write, tmp_path: Path) -> None:
    """A module that is imported when the filter runs is there too."""
    modules(cuts_c=_CUTS)
    made = filter_of(
        "@ztfnb.filter\ndef f(alert):\n    import cuts_c\n    from cuts_c import LIMIT as limit\n"
        "    return cuts_c.bright(alert['candidate']) and limit\n"
    )
    folder = tmp_path / "bundle"
    written(made, folder)
    told = alone({"f": folder}, tmp_path)["f"]
    assert (told["hash"], told["decisions"]) == (made.hash, decisions_of(made))


def test_names_of_modules_that_collide(modules: Write, tmp_path: Path) -> None:
    """Where a module has another value under a name of the notebook, it stays a module."""
    modules(cuts_d=_CUTS)
    made = filter_of(
        "from cuts_d import bright\nLIMIT = 18.5\n", _USES.format("(bright(c), c['rb'] < LIMIT)")
    )
    folder = tmp_path / "bundle"
    found = written(made, folder)
    assert set(found.modules) == {"cuts_d.py"}
    assert "from cuts_d import bright" in found.text
    again = loaded(folder)
    assert (again.hash, decisions_of(again)) == (made.hash, decisions_of(made))


def test_recipes_that_collide(tmp_path: Path) -> None:
    """A recipe that is called by a filter with other values of its names stays in ztfnb."""
    made = filter_of(
        "known = 3\n@ztfnb.filter\ndef real(alert):\n    return known\n"
        "f = real & ztfnb.recipes.purity\n"
    )
    found = written(made, tmp_path / "bundle")
    assert "from ztfnb.recipes.purity import purity" in found.text
    assert loaded(tmp_path / "bundle").hash == made.hash


def test_bundles_do_not_share_modules(modules: Write, tmp_path: Path) -> None:
    """Two bundles with modules of one name, in one process, each have their own."""
    folders, made = {}, {}
    for name, limit in (("one", "18"), ("other", "20")):
        modules(helpers_e=_CUTS.replace("19.0", limit))
        sys.modules.pop("helpers_e", None)
        sys.path_importer_cache.clear()
        made[name] = filter_of(
            "import helpers_e\ndef late(c):\n    import helpers_e as h\n    return h.LIMIT\n",
            _USES.format("helpers_e.bright(c), late(c)"),
        )
        folders[name] = tmp_path / name
        written(made[name], folders[name])
        if name == "one":
            first = made[name].hash, decisions_of(made[name])
    told = alone(folders, tmp_path)
    assert (told["one"]["hash"], told["one"]["decisions"][0]) == (first[0], first[1][0])
    assert told["other"]["decisions"] == decisions_of(made["other"])
    assert "helpers_e" not in told["modules"]


def test_a_module_may_not_do_what_a_filter_may_not(modules: Write) -> None:
    """What is refused in a filter is refused in its modules, with their lines."""
    modules(
        cuts_g="import os\nHOME = os.environ['HOME']\nURL = 'https://me:secret1@host/x'\nX = 1\n"
    )
    made = filter_of("import cuts_g", _USES.format("cuts_g.X"))
    with pytest.raises(ExportError) as caught:
        collect(made)
    told = str(caught.value).splitlines()
    assert [one.partition(": ")[0] for one in told] == ["cuts_g.py, line 2", "cuts_g.py, line 3"]


def test_a_module_named_like_the_bundle(modules: Write) -> None:
    """A module that would stand where the bundle has its own file is refused."""
    modules(test_filter="X = 1\n")
    made = filter_of("import test_filter as t", _USES.format("t.X"))
    with pytest.raises(ExportError, match=r"a bundle has a test_filter\.py of its own"):
        collect(made)


def test_packages_are_told_with_their_place() -> None:
    """What has to be installed is told by the names of packages, with the line of its first use."""
    made = filter_of(
        "from scipy import stats\nimport astropy.units as u\n",
        "def helper(c):\n    import yaml\n    return yaml\n",
        _USES.format("stats.norm.cdf(c['rb']) > rb_min and u.deg and helper(c)"),
    )
    found = collect(made)
    assert {one.lower() for one in found.distributions} == {"pyyaml", "astropy", "scipy"}
    assert found.imported["scipy"] == "f, line 4: scipy"
    assert {"from scipy import stats", "import astropy.units as u"} <= set(found.text.split("\n"))


def test_files_and_setup(modules: Write, tmp_path: Path) -> None:
    """Data files lie in data/, each once; the setup is run with them where the bundle is loaded."""
    modules()
    for name, text in (("table.txt", "0.5"), ("sub/table.txt", "19"), ("own.txt", "1")):
        path = tmp_path / "notebooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    made = filter_of(
        "def load(low, high):\n    return {'low': float(low.read_text()), "
        "'high': float(high.read_text())}\n",
        "@ztfnb.filter(files={'low': 'table.txt', 'high': 'sub/table.txt', 'own': 'own.txt'},"
        " setup=load)\ndef one(alert, *, own, low_high, rb_min=0.3):\n"
        "    return low_high['low'] + float(own.read_text()) + rb_min\n"
        "@ztfnb.filter(files={'same': 'own.txt'})\ndef two(alert, *, same):\n"
        "    return alert['candidate']['magpsf'] < 10 + float(same.read_text())\n"
        "f = one & ~two\n",
    )
    folder = tmp_path / "bundle"
    found = written(made, folder)
    assert set(found.files) == {"data/table.txt", "data/high_table.txt", "data/own.txt"}
    told = alone({"f": folder}, tmp_path)["f"]
    assert (told["hash"], told["decisions"]) == (made.hash, decisions_of(made))
