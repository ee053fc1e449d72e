"""What is said of a filter's source, where, and what is not said."""
# ruff: noqa: E501 - each case stands in one line

from __future__ import annotations

import ast
import inspect
import linecache
import math
import statistics
import textwrap
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ztfnb.fields import fields
from ztfnb.filters.filter import Filter
from ztfnb.filters.lint import Remark, lint
from ztfnb.filters.lint_comparisons import number
from ztfnb.filters.lint_flow import Flow
from ztfnb.filters.lint_values import _RANGES, TEXTS, Const

_cells = count()


def remarks_of(
    body: str, *, signature: str = "alert", setup: Any = None, **names: Any
) -> tuple[Remark, ...]:
    """Return what is said of a function with this body, which begins in line 2."""
    text = f"def f({signature}):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    file = f"<lint {next(_cells)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": "cell", **names}
    exec(compile(text, file, "exec"), space)  # noqa: S102 - as a cell is run
    return lint(Filter(space["f"], setup=setup))


C = 'c = alert["candidate"]\n'

SAID = [
    # A field that no schema has.
    ('return alert["candidate"]["rbb"] == 1', 2, 'no schema has alert["candidate"]["rbb"]; did you mean rb'),
    ('return alert["candidate"].get("rbb") == 1', 2, "did you mean rb"),
    ("return alert.candidate.rbb == 1", 2, "no schema has alert.candidate.rbb"),
    (C + 'return c["magspf"] < 19', 3, "did you mean magpsf"),
    ('return alert["magpsf"] < 19', 2, 'write alert|stands in the candidate: alert["candidate"]["magpsf"]'),
    (C + 'return c["objectId"] == "ZTF18aaa"', 3, 'alert["objectId"]'),
    ("return alert.magpsf < 19", 2, "alert.candidate.magpsf"),
    ('return any(p["magnitude"] == 1 for p in alert["prv_candidates"] or [])', 2, 'no schema has p["magnitude"]'),
    ('for p in alert["prv_candidates"] or []:\n    if p["drb"] == 1:\n        return True\nreturn False', 3, 'no schema has p["drb"]'),
    ('return any(p["magpsf"] == 1 for p in alert.get("fp_hists") or [])', 2, 'no schema has p["magpsf"]'),
    # Newer than the oldest alerts.
    (C + 'return c["drb"] is not None and c["drb"] > 0.5', 3, "since schema 3.3 only"),
    ('return bool(alert["fp_hists"])', 2, "since schema 4.01 only"),
    # What may be null.
    (C + 'return c["rb"] > 0.65', 3, 'c["rb"] may be null'),
    (C + 'rb = c["rb"]\nreturn rb > 0.65', 4, "rb may be null"),
    (C + 'return 0.65 < c["rb"]', 3, "may be null"),
    (C + 'return c["jd"] - c["jdstarthist"] < 5', 3, 'c["jdstarthist"] may be null'),
    (C + 'return abs(c["magdiff"]) < 0.1', 3, 'c["magdiff"] may be null'),
    (C + 'return c.get("drb") > 0.5', 3, "is None before schema 3.3"),
    (C + 'return c.get("rb", 0) > 0.5', 3, "get() replaces only an absent one"),
    (C + 'return c["rb"] is not None or c["rb"] > 0.5', 3, "may be null"),
    (C + 'return c["rb"] > 0.6 and c["nbad"] == 0 and c["fwhm"] < 5', 3, 'c["rb"] may be null and c["fwhm"] may be null'),
    # Markers.
    (C + 'd = c["ssdistnr"]\nreturn d is not None and d < 5', 4, "so that d < 5 is true there"),
    (C + 'd = c["ssdistnr"]\nreturn d is not None and d > 5', 4, "so that d > 5 is false there"),
    (C + 'return c["sgscore1"] is not None and c["sgscore1"] < 0.5', 3, "is -999 where there is no value"),
    (C + 'm = c["magnr"]\nreturn m is not None and m - c["magpsf"] < 3', 4, "calculated with"),
    (C + 'return c["ssdistnr"] < 5', 3, "it may be null, too"),
    # The same for every alert.
    (C + 'return c["isdiffpos"] == 1', 3, "always false: isdiffpos is text"),
    (C + 'return c["isdiffpos"] != True', 3, "always true: isdiffpos is text"),
    (C + 'return c["isdiffpos"] == "true"', 3, "one of 't', '1', 'f', '0'"),
    (C + 'return c["fid"] == "r"', 3, "'r' is 2"),
    (C + 'return c["fid"] < "r"', 3, "raises TypeError for every alert"),
    (C + 'return c["fid"] == 4', 3, "always false: fid is a number from 1 to 3"),
    (C + 'return c["fid"] in (1, 2, 3)', None, ""),
    (C + 'return c["fid"] in (4, 5)', 3, "always false"),
    (C + 'return c["isdiffpos"] in ("t", 1)', 3, "1 is never found: isdiffpos is text"),
    (C + 'return c["rb"] is not None and c["rb"] > 1.5', 3, "always false: rb is a number from 0 to 1"),
    (C + 'return c["rb"] is not None and c["rb"] >= 0', 3, "always true"),
    (C + 'return c["rb"] is not None and 0 <= c["rb"] <= 1', 3, "always true"),
    (C + 'return c["jd"] is not None', 3, "jd is never null"),
    (C + 'return c["magpsf"] == float("nan")', 3, "math.isnan"),
    (C + 'import math\nreturn c["magpsf"] != math.nan', 4, "always true: nothing equals NaN"),
    ("return 1 < 2", 2, "both sides are constants"),
    (C + 'return c["isdiffpos"] == "t" or "1"', 3, '"1" stands alone here and is always true; write c["isdiffpos"] in ("t", "1")'),
    (C + 'if c["isdiffpos"]:\n    return True\nreturn False', 3, "any text counts as true"),
    # History that may not be there.
    ('for p in alert["prv_candidates"]:\n    pass\nreturn True', 2, 'write (alert["prv_candidates"] or [])'),
    ('return len(alert["prv_candidates"]) > 2', 2, "the length of None raises TypeError"),
    ('return sum(1 for p in alert["prv_candidates"]) > 2', 2, "looping over None"),
    ('h = alert.get("prv_candidates", [])\nreturn len(h) > 2', 3, "what get() would give instead is not given"),
    ('return (alert["prv_candidates"] or [])[-1]["jd"] > 3', 2, "raises IndexError"),
    ('return min(p["jd"] for p in alert["prv_candidates"] or []) > 3', 2, "raises ValueError"),
    ('return any(p["magpsf"] < 19 for p in alert["prv_candidates"] or [])', 2, "where the epoch is an upper limit"),
    ('h = alert["prv_candidates"] or [1]\nreturn max(p["magpsf"] for p in h) > 1', 3, "upper limit"),
    ('for i, p in enumerate(alert["prv_candidates"] or []):\n    if p["magpsf"] < 19:\n        return True\nreturn False', 3, "upper limit"),
    # Whether it returns.
    (C + 'if c["fid"] == 1:\n    return True', 4, "gets None, which counts as False"),
    (C + 'c["fid"] == 1', 2 - 1, "never returns a value"),
    (C + 'c["fid"] == 1\nreturn True', 3, 'write return c["fid"] == 1'),
    ("return True\nreturn False", 3, "never reached: line 2"),
    ('if alert["candid"] > 5:\n    return True\nelse:\n    return False\nprint()', 6, "never reached"),
    # The world.
    ("import time\nreturn time.time() > 5", 3, "asks for the time"),
    ("from datetime import datetime\nreturn datetime.now() > 5", 3, "asks for the time"),
    ("import datetime as d\nreturn d.datetime.now(d.UTC).hour > 5", 3, "asks for the time"),
    ("from astropy.time import Time\nreturn Time.now().jd > 5", 3, "asks for the time"),
    ("import random\nreturn random.random() > 0.5", 3, "left to chance"),
    ("import numpy as np\nreturn np.random.default_rng().random() > 0.5", 3, "left to chance"),
    ("import numpy as np\nreturn np.random.rand() > 0.5", 3, "left to chance"),
    ('return "x" in open("names.txt").read()', 2, "declare it with files="),
    ('from pathlib import Path\nreturn "x" in Path("a").read_text()', 3, "declare it with files="),
    ('import numpy as np\nreturn np.load("a.npy").sum() > 1', 3, "declare it with files="),
    ('import requests\nreturn requests.get("http://x").ok', 3, "uses the network"),
    ('from urllib.request import urlopen\nreturn bool(urlopen("http://x"))', 3, "uses the network"),
    ("from astroquery.simbad import Simbad\nreturn bool(Simbad.query_object('x'))", 3, "uses the network"),
    ("global n\nn = 5\nreturn n > 3", 3, "n keeps something"),
    ('alert["candidate"]["rb"] = 1\nreturn True', 2, "an alert cannot be changed"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "line", "words"), [one for one in SAID if one[1] is not None])
def test_what_is_said(body: str, line: int, words: str) -> None:
    """One remark, at its line, with what to write instead."""
    found = [one for one in remarks_of(body) if any(word in one.text for word in words.split("|"))]
    assert [one.line for one in found] == [line], remarks_of(body)


FINE = [
    C + 'return c["magpsf"] < 19',
    C + 'return c["rb"] is not None and c["rb"] > 0.65',
    C + 'if c["rb"] is None or c["rb"] < 0.65:\n    return False\nreturn c["rb"] < 0.9',
    C + 'if c["rb"] is None:\n    return False\nif c["fid"] == 1:\n    return c["rb"] > 0.6\nreturn c["rb"] > 0.7',
    C + 'rb = c["rb"]\nif rb is None:\n    return False\nreturn rb > 0.65',
    C + 'if not c["rb"]:\n    return False\nreturn c["rb"] > 0.65',
    C + 'return (c["rb"] or 0) > 0.65',
    C + 'return c["rb"] > 0.65 if c["rb"] is not None else False',
    C + 'try:\n    return c["rb"] > 0.65\nexcept TypeError:\n    return False',
    C + 'if (rb := c["rb"]) is not None and rb > 0.65:\n    return True\nreturn False',
    C + 'ok = c["rb"] is not None\nif not ok:\n    return False\nreturn c["rb"] > 0.65',
    C + 'if None in (c["rb"], c["fwhm"]):\n    return False\nreturn c["rb"] > 0.65 and c["fwhm"] < 5',
    C + 'if any(c[n] is None for n in ("rb", "fwhm")):\n    return False\nreturn c["rb"] > 0.6 and c["fwhm"] < 5',
    C + 'for n in ("rb", "fwhm"):\n    if c.get(n) is None:\n        return False\nreturn c["rb"] > 0.6 and c["fwhm"] < 5',
    C + 'if not all(c[n] is not None for n in NAMES):\n    return False\nreturn c["rb"] > 0.6 and c["fwhm"] < 5',
    C + 'assert c["rb"] is not None\nreturn c["rb"] > 0.6',
    C + 'match c["rb"]:\n    case None:\n        return False\n    case rb:\n        return rb > 0.6',
    C + 'return isinstance(c["rb"], float) and c["rb"] > 0.6',
    C + 'if not there(c["rb"]):\n    return False\nreturn c["rb"] > 0.6',
    # Newer fields.
    C + 'drb = c.get("drb")\nreturn drb is not None and drb > 0.5',
    C + 'return c.get("drb", 0) > 0.5',
    C + 'return "drb" in c and c["drb"] is not None and c["drb"] > 0.5',
    C + 'if "drb" not in c:\n    return False\nreturn c["drbversion"] == "d6_m7"',
    C + 'try:\n    v = c["drbversion"]\nexcept KeyError:\n    return False\nreturn v == "d6_m7"',
    C + 'drb = getattr(c, "drb", None)\nreturn drb is not None and drb > 0.5',
    C + 'if (alert.get("schemavsn") or "") < "3.3":\n    return False\nreturn c["drbversion"] == "d6_m7"',
    # Markers.
    C + 'return c["sgscore1"] is not None and c["sgscore1"] > 0.5',
    C + 'd = c["ssdistnr"]\nif d is None or d < 0:\n    return True\nreturn d > 5',
    C + 'd = c["ssdistnr"]\nif d is None or d == -999:\n    return True\nreturn d > 5',
    C + 'd = c["ssdistnr"]\nreturn d is not None and d > -999 and d < 5',
    C + 'd = c["ssdistnr"]\nreturn not (d is not None and 0 <= d <= 5)',
    C + 'd = c["ssdistnr"]\nreturn d is not None and 5 > d >= 0',
    C + 'd = c["ssdistnr"]\nreturn d is None or d < 0 or d > 5',
    C + 'return c["ssdistnr"] == -999 or c["ssdistnr"] is None',
    C + 'm = c["magnr"]\nif m is None or m < 0:\n    return False\nreturn m - c["magpsf"] < 3',
    # What depends.
    C + 'return c["isdiffpos"] in ("t", "1")',
    C + 'return c["isdiffpos"] == "t" or c["isdiffpos"] == "1"',
    C + 'return c["rb"] is not None and c["rb"] >= 1',
    C + 'return c["fid"] != 3',
    C + 'return c["magpsf"] != c["magpsf"]',
    C + 'name = c["ssnamenr"] or "none"\nreturn name != "null"',
    "while True:\n    return True",
    # History.
    'for p in alert["prv_candidates"] or []:\n    if p["magpsf"] is None:\n        continue\n    if p["magpsf"] < 19:\n        return True\nreturn False',
    'h = alert["prv_candidates"]\nif h is None:\n    return False\nreturn len(h) > 2',
    'if not alert["prv_candidates"]:\n    return False\nreturn alert["prv_candidates"][0]["jd"] > 3',
    'return len(alert.get("prv_candidates") or ()) > 2',
    'd = [p for p in alert["prv_candidates"] or [] if p["candid"] is not None]\nreturn len(d) > 1 and d[-1]["magpsf"] < 19',
    'd = [p for p in alert["prv_candidates"] or [] if p["magpsf"]]\nif not d:\n    return False\nreturn min(p["magpsf"] for p in d) < 19',
    'm = [p["magpsf"] for p in alert["prv_candidates"] or [] if p["magpsf"] is not None]\nif not m:\n    return False\nreturn max(m) - min(m) > 1',
    'return min((p["jd"] for p in alert["prv_candidates"] or []), default=0) > 3',
    'best = None\nfor p in alert["prv_candidates"] or []:\n    if p["magpsf"] is not None and (best is None or p["magpsf"] < best):\n        best = p["magpsf"]\nreturn best is not None and best < 18',
    'e = [*(alert["prv_candidates"] or []), alert["candidate"]]\nreturn e[0]["jd"] > 3',
    'f = alert.get("fp_hists")\nreturn f is not None and any(e["forcediffimflux"] is not None for e in f)',
    'if alert["prv_candidates"] is None:\n    return False\nd = sorted(alert["prv_candidates"], key=lambda p: p["jd"])\nreturn bool(d) and d[0]["jd"] > 3',
    # The alert's own properties, names that are not the alert, and returning None by word.
    "return alert.mag < 19 and alert.band == 'r' and alert.candid > 3",
    'thing = make()\nreturn thing["rbb"] > 3 and thing.magnitude < 2',
    C + 'if c["fid"] == 1:\n    return True\nreturn None',
    C + 'if c["fid"] == 1:\n    return {"why": "g"}\nraise ValueError',
    # The world.
    "import random\nreturn random.Random(alert['candid']).random() > 0.5",
    "import numpy as np\nreturn np.random.default_rng(5).random() > 0.5",
    "from datetime import datetime\nreturn datetime(2020, 1, 1).year > 3",
    "seen = set()\nseen.add(1)\nreturn 1 in seen",
    "import json\nreturn json.loads('1') == 1",
    "total = 0\ndef more():\n    nonlocal total\n    total += 1\nmore()\nreturn total > 0",
]  # fmt: skip


@pytest.mark.parametrize("body", FINE)
def test_what_is_not_said(body: str) -> None:
    """A check in any of the usual ways is understood; what is not known is left alone."""
    names: dict[str, Any] = {"NAMES": ("rb", "fwhm"), "there": lambda _: True, "make": dict}
    assert remarks_of(body, **names) == ()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("seen.add(1)\nreturn True", "seen"),
        ("seen[1] = 2\nreturn True", "seen"),
        ("seen.pop(0, None)\nreturn True", "seen"),
        ("del seen[1]\nreturn True", "seen"),
        ("f.count = 1\nreturn True", "f"),
        ("return next(seen) > 3", "seen"),
    ],
)
def test_what_is_kept_between_alerts_is_said(body: str, name: str) -> None:
    """Something outside the function is changed, also what a setup made."""
    found = remarks_of(body, seen=set())
    assert [(one.line, one.text.split()[0]) for one in found] == [(2, name)]
    if name == "seen":
        assert remarks_of(body, signature="alert, *, seen", setup=lambda: {1}) == found


def test_a_threshold_counts_by_its_default() -> None:
    """Its value can be set, so nothing is always so; but a marker is below any radius."""
    body = C + 'd = c["ssdistnr"]\nreturn d is not None and d < radius'
    (found,) = remarks_of(body, signature="alert, *, radius=5.0")
    assert "d < radius is true there" in found.text
    body = C + 'return c["rb"] is not None and c["rb"] > rb_min'
    assert remarks_of(body, signature="alert, *, rb_min=1.0") == ()


def test_a_field_is_told_once() -> None:
    """Who mends the first place sees the others; several of a line are told together."""
    body = C + 'if c["rb"] < 0.5 or c["fwhm"] > 5:\n    return False\nreturn c["rb"] < 0.9'
    (found,) = remarks_of(body)
    assert found.line == 3
    assert 'c["rb"] may be null and c["fwhm"] may be null' in found.text


@pytest.mark.parametrize(
    "body",
    [
        C + 'return c["nbad"] > 30',
        C + 'return c["ssdistnr"] < 5',
        C + 'return c["drb"] > 0.5',
        'return alert["prv_candidates"][0]["jd"] > 3',
    ],
)
def test_a_place_has_one_remark(body: str) -> None:
    """The one that matters most there."""
    assert len(remarks_of(body)) == 1


def test_lines_are_those_of_the_file() -> None:
    """A remark names the line where the function was written."""

    def wrong(alert: Any) -> bool:
        return bool(alert["candidate"]["rbb"])

    (found,) = lint(Filter(wrong))
    assert found.line == inspect.getsourcelines(wrong)[1] + 1
    assert str(found).startswith(f"line {found.line}: no schema has")


def test_ranges_are_those_of_the_documentation() -> None:
    """Each range that is taken for granted is a field's, whose documentation states it."""
    words = {
        "fid": "1 is g, 2 is r, 3 is i", "programid": "1 public survey, 2 partnership, 3 Caltech",
        "tooflag": "1 where", "rcid": "0 to 63", "nneg": "5 x 5", "nbad": "5 x 5",
    }  # fmt: skip
    for name in _RANGES:
        (one,) = fields(f"candidate.{name}")
        ends = ("from 0 (", "to 1 (")
        assert all(word in one.doc for word in ((words[name],) if name in words else ends))
    (sign,) = fields("candidate.isdiffpos")
    assert all(repr(text) in sign.doc for text in TEXTS["isdiffpos"])


@pytest.mark.parametrize("module", [ast, inspect, statistics, linecache])
def test_any_function_can_be_read(module: Any) -> None:
    """Whatever Python holds, reading it ends without an error."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions
    for function in functions:
        Flow({}, lambda *_: None, ast.unparse, any_version=False).run(function, {})


def test_a_number_larger_than_all_others_is_compared() -> None:
    """A whole number that no float holds is read like any other: a filter can be defined."""
    assert number(Const(10**400)) == math.inf
    assert number(Const(-(10**400))) == -math.inf
