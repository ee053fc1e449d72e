"""A filter as one file that stands alone: the same filter, wherever it is loaded."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest
from cells import Notebook
from export.collected import IMPORTS, alone, decisions_of, filter_of, loaded, written
from export.notebooklike import CASES
from filters.functions import FUNCTIONS
from filters.written import sources
from hypothesis import HealthCheck, given, settings

import ztfnb
from ztfnb.errors import ExportError
from ztfnb.export.collecting.collect import Collected, collect, formatted
from ztfnb.filters.filter import Filter

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")
_RECIPES = {name: getattr(ztfnb.recipes, name) for name in ztfnb.recipes.__all__}
_UNDEFINED = "unbound"  # uses a name that is not defined: that cannot be exported


@pytest.mark.parametrize("name", CASES)
def test_the_same_filter(name: str, tmp_path: Path) -> None:
    """What is collected loads as the same filter: same version, thresholds and decisions."""
    made = filter_of(*CASES[name])
    written(made, tmp_path / name)
    again = loaded(tmp_path / name)
    assert (again.hash, again.params) == (made.hash, made.params)
    assert again.thresholds == made.thresholds
    assert decisions_of(again) == decisions_of(made)


def test_all_in_a_clean_process(tmp_path: Path) -> None:
    """All of them decide so in one process that has nothing of the notebook, and no lab."""
    made, folders = {}, {}
    for name, cells in CASES.items():
        made[name], folders[name] = filter_of(*cells), tmp_path / name
        written(made[name], folders[name])
    told = alone(folders, tmp_path)
    found = {name: (told[name]["hash"], told[name]["decisions"]) for name in made}
    assert found == {name: (one.hash, decisions_of(one)) for name, one in made.items()}
    roots = {name.partition(".")[0] for name in told["modules"]}
    assert not roots & {"IPython", "ipywidgets", "bokeh", "astropy", "scipy", "matplotlib", "ruff"}


@pytest.mark.parametrize("name", _RECIPES)
def test_recipes(name: str, tmp_path: Path) -> None:
    """Each recipe stands in its bundle to be read, with all thresholds named as they are set."""
    made = _RECIPES[name]
    found = written(made, tmp_path)
    assert loaded(tmp_path).hash == made.hash
    assert f"def {name}(" in found.text
    last = found.text.rpartition("\nFILTER = ")[2]
    assert ast.unparse(ast.parse(last).body[0]) == (
        f"{name}.with_params({', '.join(f'{one}={value!r}' for one, value in made.params.items())})"
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.__name__)
def test_functions_of_all_kinds(function: object, tmp_path: Path) -> None:
    """Functions of every kind of control flow, with their helpers, are the same when loaded."""
    made = Filter(function)  # type: ignore[arg-type]
    if made.name == _UNDEFINED:
        with pytest.raises(ExportError, match="undefined_name is not defined"):
            collect(made)
        return
    written(made, tmp_path)
    assert loaded(tmp_path).hash == made.hash


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(source=sources())
def test_functions_at_random(source: str, tmp_path: Path) -> None:
    """Whatever a function is made of, it is the same when loaded."""
    notebook = Notebook()
    notebook.run(f"{IMPORTS}import contextlib\nfrom contextlib import *")
    notebook.run(source)
    made = Filter(notebook["f"])
    try:
        written(made, tmp_path / "bundle")
    except ExportError as error:
        assert "is not defined" in str(error)  # noqa: PT017 - it draws names that are not
        return
    again = loaded(tmp_path / "bundle")
    assert (again.hash, decisions_of(again)) == (made.hash, decisions_of(made))


def test_text() -> None:
    """The file reads as a person would write it: imports, constants, helpers, filter, its name."""
    made = filter_of(
        "from math import pi, hypot\n# Duev et al. 2019\nRB = 0.65  # real\n",
        "def far(c):\n    # as the crow flies\n    return hypot(c['ra'], c['dec']) > pi\n",
        '# The one.\n@ztfnb.filter\ndef f(alert, *, rb_min=RB, band: ["g", "r"] = "r"):\n'
        '    """Pass what is far."""\n    return far(alert["candidate"])\n',
    )
    set_so = made.with_params(band="g", rb_min=0.8)
    text = collect(set_so).text
    assert text.startswith('"""f: Pass what is far.\n\nExported by ztfnb ')
    assert f"version {made.hash[:12]}" in text
    _, _, body = text.partition('"""\n\n')
    assert (
        body
        == """from __future__ import annotations

from math import hypot, pi

import ztfnb

# Duev et al. 2019
RB = 0.65  # real


def far(c):
    # as the crow flies
    return hypot(c["ra"], c["dec"]) > pi


# The one.
@ztfnb.filter
def f(alert, *, rb_min=RB, band: ["g", "r"] = "r"):
    \"\"\"Pass what is far.\"\"\"
    return far(alert["candidate"])


FILTER = f.with_params(rb_min=0.8, band="g")
"""
    )
    assert collect(set_so) == collect(set_so)


def test_only_what_it_needs() -> None:
    """What the notebook has beside, and other filters in it, are left there."""
    found = collect(
        filter_of(
            "import scipy.stats, math\nfrom pathlib import Path\nUSED, UNUSED = 1, 2\n",
            "def unused(c):\n    return scipy.stats.norm(c) + UNUSED\n",
            "@ztfnb.filter\ndef other(alert):\n    return unused(alert)\n",
            "@ztfnb.filter\ndef f(alert):\n    return math.floor(USED)\n",
        )
    )
    assert found == Collected(text=found.text)
    assert "unused" not in found.text
    assert "scipy" not in found.text
    assert "other" not in found.text


def test_without_ruff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ruff is not installed, the extra that brings it is told."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ExportError, match=r"needs ruff.*ztfnb\[lab\]"):
        formatted("x = 1")
