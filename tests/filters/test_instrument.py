"""The traced twin of a filter decides exactly as the filter, and tells what it compared."""

from __future__ import annotations

import contextlib
import copy
import gc
import math
import sys
import traceback
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cloudpickle
import numpy as np
import pytest
from filters import functions
from filters.twins import (
    Recording,
    filter_from,
    function_from,
    outcome,
    plain_outcome,
    real_alerts,
    traced_outcome,
)
from filters.written import sources
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import needs_real_packets

from ztfnb.filters.condition import Step
from ztfnb.filters.decision import passes
from ztfnb.filters.filter import Filter
from ztfnb.filters.instrument import Traced, traced
from ztfnb.filters.recorder import OPERATORS, Recorder

NAMES = [function.__name__ for function in functions.FUNCTIONS]
FILTERS = {function.__name__: Filter(function) for function in functions.FUNCTIONS}


def candidate(**changed: Any) -> dict[str, Any]:
    values = {
        "rb": 0.8, "drb": 0.9, "nbad": 0, "nneg": 3, "fwhm": 2.5, "elong": 1.1, "magdiff": 0.05,
        "magpsf": 18.2, "diffmaglim": 20.5, "isdiffpos": "t", "fid": 1, "jd": 2458450.7,
        "jdstarthist": 2458448.7, "ndethist": 4, "distnr": 0.7, "ra": 210.5, "dec": 12.25,
        "field": 600, "rcid": 12, "ssdistnr": -999.0, "objectId": "x",
    }  # fmt: skip
    values |= changed
    return {name: value for name, value in values.items() if value is not Ellipsis}


def previous(*mags: float | None, fid: int = 1, **changed: Any) -> list[dict[str, Any]]:
    return [
        {"jd": 2458450.7 - 1 - i, "magpsf": mag, "fid": fid + i % 2, "isdiffpos": "t"} | changed
        for i, mag in enumerate(mags)
    ]


def made_alert(before: Any = None, **changed: Any) -> dict[str, Any]:
    return {"objectId": "ZTF18a", "candid": 1, "prv_candidates": before} | {
        "candidate": candidate(**changed)
    }


ODD_VALUES = (None, math.nan, -999.0, 0, 0.4, 1, 2, 3, math.inf, ...)


def made_alerts() -> Iterator[dict[str, Any]]:
    """Alerts with every field of a candidate absent, null, NaN or odd; and such histories."""
    yield made_alert()
    for name in candidate():
        for value in ODD_VALUES:
            yield made_alert(previous(19.1, 18.0), **{name: value})
            yield made_alert(None, **{"fid": 2, "rb": 0.45, name: value})
    for fid in (1, 2, 3, None):
        for mags in (
            (),
            (None,),
            (19.5, None, 17.5),
            (16.0,) * 5,
            (math.nan, 20.5, 17),
            (None,) * 4,
        ):
            yield made_alert(previous(*mags), fid=fid)
            yield made_alert(previous(*mags, fid=2), fid=fid, rb=0.3, nbad=2)
    yield made_alert(previous(19.0, isdiffpos=None), isdiffpos="f")
    yield made_alert([{}, {"jd": None}])
    yield {"candidate": {}}
    yield {"candidate": None, "prv_candidates": 3}
    yield {}


@pytest.mark.parametrize("name", NAMES)
def test_every_function_can_be_traced(name: str) -> None:
    """None of the hand-written functions is put aside."""
    assert traced(FILTERS[name]).obstacle == ""


def test_there_are_enough_functions() -> None:
    """The claim is about at least forty functions."""
    assert len(functions.FUNCTIONS) >= 40
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_decides_as_the_plain_function_on_made_alerts(name: str) -> None:
    """Value, exception, message, cause and the lines of the traceback are the same."""
    made = FILTERS[name]
    twin = traced(made)
    for alert in made_alerts():
        before = copy.deepcopy(alert)
        assert traced_outcome(twin, made, alert) == plain_outcome(made, alert), alert
        assert repr(alert) == repr(before)


@needs_real_packets
@pytest.mark.parametrize("name", NAMES)
def test_decides_as_the_plain_function_on_real_packets(name: str) -> None:
    """The same, on fastavro's dictionary of every packet in the real set."""
    made = FILTERS[name]
    twin = traced(made)
    assert len(real_alerts()) > 500
    for alert in real_alerts():
        assert traced_outcome(twin, made, alert) == plain_outcome(made, alert), alert["objectId"]


@pytest.mark.parametrize("name", NAMES)
def test_asks_the_alert_as_the_plain_function_does(name: str) -> None:
    """Every access, comparison and truth in the same order, none twice."""
    made = FILTERS[name]
    twin = traced(made)
    for alert in made_alerts():
        logs: list[list[Any]] = [[], []]
        plain_outcome(made, Recording(alert, logs[0]))
        traced_outcome(twin, made, Recording(alert, logs[1]))
        assert _truths_once(logs[1]) == _truths_once(logs[0])
        assert len(logs[1]) <= len(logs[0])


def _truths_once(log: list[Any]) -> list[Any]:
    """The log, with a truth that is taken twice in a row once: Python may do so for ``not``."""
    return [
        one for i, one in enumerate(log) if not (i and one[0] == "__bool__" and log[i - 1] == one)
    ]


GENERATED_ALERTS = (
    made_alert(previous(19.1, 17.0)),
    made_alert(None, rb=0.2, fid=2, nbad=2),
    made_alert(previous(None, 17.5), rb=math.nan, fid=3, drb=...),
    made_alert([], drb=None, fid=1, fwhm=None),
    made_alert(previous(math.nan), fid=2, magpsf=None, ndethist=..., nbad=1),
    {"candidate": {"fid": 1}},
)


@settings(max_examples=100)
@given(source=sources())
def test_generated_functions_are_decided_alike(source: str) -> None:
    """Any function: the same value or exception, from the same asking of the alert."""
    made = filter_from(source, contextlib=contextlib)
    twin = traced(made)
    assert not twin.obstacle
    alerts = (*GENERATED_ALERTS, *real_alerts()[::97])
    for alert in alerts:
        assert traced_outcome(twin, made, alert) == plain_outcome(made, alert)
        logs: list[list[Any]] = [[], []]
        plain_outcome(made, Recording(alert, logs[0]))
        traced_outcome(twin, made, Recording(alert, logs[1]))
        assert _truths_once(logs[1]) == _truths_once(logs[0])
        run = twin.run(alert, made.params, {})
        for step in run.steps:
            condition = twin.conditions[step.place]
            assert step.place == condition.place
            assert step.judged or step.held is None or any(map(_holds_nan, step.values))


def _holds_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


@settings(max_examples=60)
@given(source=sources(compared=True), value=st.sampled_from([0, 0.4, 0.9, 1, 1.5, 2, 3, 18, 19.5]))
def test_thresholds_that_only_compare_decide_by_their_comparisons(
    source: str, value: float
) -> None:
    """Where no comparison with a changed threshold comes out otherwise, no decision does."""
    made = filter_from(source, contextlib=contextlib)
    twin = traced(made)
    for name in made.params.keys() - twin.opaque:
        for alert in GENERATED_ALERTS:
            before = twin.run(alert, made.params, {})
            if not any(_comes_otherwise(twin, step, name, value) for step in before.steps):
                after = twin.run(alert, {**made.params, name: value}, {})
                assert outcome(after.value, None) == outcome(before.value, None)
                assert type(after.error) is type(before.error)


def _comes_otherwise(twin: Traced, step: Step, name: str, value: Any) -> bool:
    condition = twin.conditions[step.place]
    if condition.compares != name:
        return False
    if step.held is None:
        return True
    at = condition.operands.index(name)
    other = step.values[1 - at]
    compared = OPERATORS[condition.operator](*((value, other) if at == 0 else (other, value)))
    return bool(compared) is not step.held


# Steps, by hand


STEPS = """
def f(alert, *, rb_min=0.65, mag_max=19.0):
    c = alert["candidate"]
    if c["rb"] < rb_min or c["nbad"]:
        return False
    if not 0 < c["fwhm"] < 5:
        return None
    return c["magpsf"] <= mag_max and {"mag": c["magpsf"]}
"""

BY_HAND = [
    ({}, [(0, False, (0.8, 0.65), True), (1, False, (0,), True), (2, True, (0, 2.5, 5), True),
          (3, True, (18.2, 19.0), True)]),
    ({"rb": 0.5}, [(0, True, (0.5, 0.65), True)]),
    ({"nbad": 2}, [(0, False, (0.8, 0.65), True), (1, True, (2,), True)]),
    ({"rb": None}, [(0, None, (None, 0.65), False)]),
    ({"rb": ...}, [(0, None, (), False)]),
    ({"fwhm": -1.0}, [(0, False, (0.8, 0.65), True), (1, False, (0,), True),
                      (2, False, (0, -1.0), True)]),
    ({"fwhm": None}, [(0, False, (0.8, 0.65), True), (1, False, (0,), True),
                      (2, None, (0, None), False)]),
    ({"magpsf": 20}, [(0, False, (0.8, 0.65), True), (1, False, (0,), True),
                      (2, True, (0, 2.5, 5), True), (3, False, (20, 19.0), True)]),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "expected"), BY_HAND)
def test_steps_worked_out_by_hand(changed: dict[str, Any], expected: list[Any]) -> None:
    """Which conditions were reached, in order, what each came to and what entered it."""
    made = filter_from(STEPS)
    run = traced(made).run(made_alert(**changed), made.params, {})
    assert list(run.steps) == expected


def test_a_comparison_with_a_nan_decides_and_is_not_judged() -> None:
    """As Python decides: all false but !=. What only asks whether it is one, is judged."""
    source = """
def f(alert, *, low=0.5):
    x = alert["x"]
    a = x > low
    b = x != low
    c = low < x < 3
    d = x is None
    e = x != x
    return a or b or c or d or e or x
"""
    made = filter_from(source)
    steps = traced(made).run({"x": math.nan}, made.params, {}).steps
    assert [(step.held, step.judged) for step in steps] == [
        (False, False), (True, False), (False, False), (False, True), (True, True),
    ]  # fmt: skip
    odd = traced(made).run({"x": np.float32("nan")}, made.params, {}).steps
    assert [step.judged for step in odd] == [False, False, False, True, True]


def test_an_exception_that_the_function_handles_leaves_a_step() -> None:
    """The condition that it came from was not judged; then what the function did instead."""
    source = """
def f(alert, *, low=0.5):
    c = alert["candidate"]
    try:
        if c["drb"] > low:
            return True
    except (KeyError, TypeError):
        return c["rb"] > low
    return False
"""
    made = filter_from(source)
    twin = traced(made)
    texts = [one.text for one in twin.conditions]
    absent = twin.run(made_alert(drb=...), made.params, {})
    assert absent.value is True
    told = [(texts[step.place], step.held, step.values, step.judged) for step in absent.steps]
    assert told == [
        ('c["drb"] > low', None, (), False),
        ('c["rb"] > low', True, (0.8, 0.5), True),
    ]
    null = twin.run(made_alert(drb=None), made.params, {})
    assert null.steps[0] == (0, None, (None, 0.5), False)
    assert len(null.steps) == 2


@pytest.mark.parametrize("around", ["suppress", "finally", "except"])
def test_an_exception_that_goes_no_further_is_told_once(around: str) -> None:
    """Whatever stops it: a context manager, a return in finally, a handler."""
    ways = {
        "suppress": "    with contextlib.suppress(KeyError):\n        if c['no'] > 1: return 1\n",
        "finally": "    try:\n        if c['no'] > 1: return 1\n    finally:\n        return 2\n",
        "except": "    try:\n        try:\n            if c['no'] > 1: return 1\n"
        "        except KeyError: raise\n    except KeyError: pass\n",
    }
    source = f"def f(alert):\n    c = alert['candidate']\n{ways[around]}"
    made = filter_from(source, contextlib=contextlib)
    run = traced(made).run(made_alert(), {}, {})
    assert run.error is None
    assert [step for step in run.steps if step.place == 0] == [(0, None, (), False)]


def test_loops_are_told_by_their_outcome() -> None:
    """Once for each time they were reached: left early, come to an end, or cut short."""
    made = FILTERS["for_return"]
    twin = traced(made)
    runs = [
        twin.run(made_alert(before), made.params, {})
        for before in (previous(19.0), None, previous(19.0, jd=None), 3)
    ]
    assert [run.steps for run in runs] == [
        ((0, True, (True,), True),),
        ((0, False, (), True),),
        ((0, None, (), False),),
        ((0, None, (), False),),
    ]


def test_a_case_is_told_with_those_before_it() -> None:
    """A case that fits, after those that did not; all of them where none did."""
    source = """
def f(alert):
    match alert["fid"]:
        case 1 | 4:
            return "g"
        case 2 if alert["rb"] > 0.5:
            return "r"
        case 3:
            return "i"
    return False
"""
    made = filter_from(source)
    twin = traced(made)
    texts = [one.text.partition(": ")[2] or one.text for one in twin.conditions]

    def told(fid: int, rb: float) -> list[tuple[str, bool | None]]:
        steps = twin.run({"fid": fid, "rb": rb}, {}, {}).steps
        return [(texts[step.place], step.held) for step in steps]

    assert told(1, 0) == [("case 1 | 4", True)]
    assert told(2, 0.9) == [("case 1 | 4", False), ("case 2", True), ('alert["rb"] > 0.5', True)]
    assert told(2, 0.1) == [
        ("case 1 | 4", False), ("case 2", True), ('alert["rb"] > 0.5', False), ("case 3", False),
    ]  # fmt: skip
    assert told(9, 0.1) == [("case 1 | 4", False), ("case 2", False), ("case 3", False)]


# Counterfactual runs


def test_a_condition_can_be_made_to_come_out_otherwise() -> None:
    """The rest then runs on the alert's own values; what was compared is told."""
    made = filter_from(STEPS)
    twin = traced(made)
    low = made_alert(rb=0.2, magpsf=18.0)
    run = twin.run(low, made.params, {}, {0: False})
    assert run.value == {"mag": 18.0}
    assert run.steps[0] == (0, False, (0.2, 0.65), True)
    assert twin.run(low, made.params, {}).value is False
    assert twin.run(made_alert(fwhm=7.0), made.params, {}, {2: True}).value == {"mag": 18.2}
    assert twin.run(made_alert(), made.params, {}, {2: False}).value is None
    assert twin.run(made_alert(), made.params, {}, {3: False}).value is False
    assert twin.run(made_alert(nbad=1), made.params, {}, {1: False}).value == {"mag": 18.2}
    assert twin.run(made_alert(rb=None), made.params, {}, {0: False}).value == {"mag": 18.2}


@pytest.mark.parametrize("name", NAMES)
def test_forcing_what_comes_anyway_changes_nothing(name: str) -> None:
    """A run with its own outcomes forced decides as it did."""
    made = FILTERS[name]
    twin = traced(made)
    fixed = {one.place for one in twin.conditions if not one.forcible}
    for alert in list(made_alerts())[::11]:
        run = twin.run(alert, made.params, {})
        forced = {step.place: step.held for step in run.steps if step.held is not None}
        if len(forced) < len(run.steps):  # an exception, or reached twice
            continue
        again = twin.run(
            alert, made.params, {}, {p: h for p, h in forced.items() if p not in fixed}
        )
        assert [one[:2] for one in again.steps] == [one[:2] for one in run.steps]
        if run.error is None:
            assert passes(again.value) is passes(run.value)


# What must not leak


def test_nothing_leaks_between_threads() -> None:
    """Many at once: each run tells of its own alert alone."""
    made = FILTERS["helper"]
    twin = traced(made)
    alerts = [made_alert(rb=i / 400, magpsf=15 + i / 80) for i in range(400)]
    alone = [twin.run(alert, made.params, {}) for alert in alerts]
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda alert: twin.run(alert, made.params, {}), alerts * 3))
    finally:
        sys.setswitchinterval(switching)
    assert together == alone * 3


def test_a_run_keeps_nothing_alive() -> None:
    """An alert is let go of with its run, also after an exception: no cycles wait for the GC."""

    class Kept(dict[str, Any]):
        pass

    for name in ("early_returns", "helper", "try_except", "nested_helper", "raised"):
        made = FILTERS[name]
        twin = traced(made)
        gc.collect()
        gc.disable()
        try:
            for changed in ({}, {"rb": None}, {"drb": ..., "rb": 0.1}):
                alert = Kept(made_alert(**changed))
                known = weakref.ref(alert)
                run: Any = twin.run(alert, made.params, {})
                del run, alert
                assert known() is None, name
        finally:
            gc.enable()


def test_a_traced_filter_can_be_sent_elsewhere() -> None:
    """It is made anew there, from the filter."""
    made = filter_from(STEPS)
    twin = traced(made)
    again = cloudpickle.loads(cloudpickle.dumps(twin))
    assert again.conditions == twin.conditions
    assert again.run(made_alert(), made.params, {}) == twin.run(made_alert(), made.params, {})


def test_no_name_is_added() -> None:
    """The names of the function are its own; a twin's code has one cell more, for the recorder."""
    made = filter_from(STEPS)
    twin = traced(made)._twin
    assert twin is not None
    code = twin(Recorder(traced(made)._plan)).__code__
    assert code.co_varnames == made.function.__code__.co_varnames
    assert code.co_freevars == ("@recorder",)


def test_globals_and_cells_are_those_of_now() -> None:
    """What a notebook sets later counts; a helper that is defined anew is called, not its twin."""
    source = """
def helper(c):
    return c["rb"] > 0.5

def f(alert):
    return helper(alert) and alert["mag"] < LIMIT
"""
    made = filter_from(source, LIMIT=19)
    twin = traced(made)
    alert = {"rb": 0.6, "mag": 18}
    assert twin.run(alert, {}, {}).value is True
    space = made.function.__globals__
    space["LIMIT"] = 17
    assert twin.run(alert, {}, {}).value is False
    space["helper"] = lambda _c: "anew"
    space["LIMIT"] = 20
    run = twin.run(alert, {}, {})
    assert run.value is True
    assert [step.place for step in run.steps] == [1]
    del space["helper"]
    assert isinstance(twin.run(alert, {}, {}).error, NameError)


def test_a_traceback_points_at_the_authors_own_text() -> None:
    """Line, column and what went before are those of the plain function."""
    made = FILTERS["helper"]
    alert = made_alert(rb=None)
    run = traced(made).run(alert, made.params, {})
    assert run.error is not None
    twins = traceback.TracebackException.from_exception(run.error)
    try:
        made.function(alert)
    except TypeError as error:
        plain = traceback.TracebackException.from_exception(error)
    shown = [(one.filename, one.lineno, one.colno, one.end_colno, one.name) for one in twins.stack]
    expected = [(one.filename, one.lineno, one.name) for one in plain.stack][1:]
    assert [(file, line, name) for file, line, _, _, name in shown] == expected
    assert shown[0][2] is not None
    assert "functions.py" in shown[-1][0]


def test_a_base_exception_goes_through() -> None:
    """Stopping the kernel stops the run; it is no outcome of the filter."""
    made = filter_from("def f(alert):\n    return alert['x'] > 1")

    class Stop(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        traced(made).run(Stop(), {}, {})


# What is not traced, or not repeated


OBSTACLES = {
    "locals": "return len(locals()) > 1",
    "vars": "return vars()",
    "eval": "return eval('alert')",
    "exec": "exec('1')",
    "getframe": "import sys\n    return sys._getframe().f_lineno",
    "renamed": "return names()",
    "inspect": "import inspect\n    return inspect.currentframe() is None",
    "helper": "return looks()",
}
LOOKS = "import sys\ndef looks():\n    return sorted(sys._getframe(1).f_locals)\nnames = locals\n"


@pytest.mark.parametrize("name", OBSTACLES)
def test_a_function_that_looks_at_itself_is_left_alone(name: str) -> None:
    """It decides as it does, and is one condition as a whole."""
    made = filter_from(f"{LOOKS}def f(alert, *, low=1):\n    {OBSTACLES[name]}\n")
    twin = traced(made)
    assert twin.obstacle
    assert len(twin.conditions) == 1
    assert traced_outcome(twin, made, {}) == plain_outcome(made, {})
    run = twin.run({}, made.params, {})
    assert [step.place for step in run.steps] == [0]
    for outcome_wanted in (True, False):
        assert passes(twin.run({}, made.params, {}, {0: outcome_wanted}).value) is outcome_wanted


def test_a_failure_of_what_is_left_alone_is_told() -> None:
    """With its own way, and a step that was not judged."""
    made = filter_from("def f(alert):\n    locals()\n    return alert['x']\n")
    run = traced(made).run({}, {}, {})
    assert isinstance(run.error, KeyError)
    assert run.steps == ((0, None, (), False),)
    assert [line for _, line in traceback.walk_tb(run.error.__traceback__)] == [3]


def test_a_changed_source_is_not_believed() -> None:
    """Where the text is not what was compiled, the function itself decides."""
    made = filter_from("def f(alert):\n    return alert['x'] > 1\n")
    other = function_from("def f(alert):\n    return alert['x'] > 2\n")
    vars(made)["function"] = other
    twin = traced(made)
    assert "source" in twin.obstacle
    assert twin.run({"x": 2}, {}, {}).value is False


STATEFUL = {
    "global count\n    count = 1": True,
    "seen.append(1)": True,
    "seen[0] = 1": True,
    "cache.setdefault('a', 1)": True,
    "alert['x'] = 1": True,
    "c = alert['candidate']\n    c['x'] = 1": True,
    "for p in alert['prv_candidates']:\n        p['x'] = 1": True,
    "f.calls = 1": True,
    "import random\n    return random.random()": True,
    "import time\n    return time.time()": True,
    "return datetime.datetime.now()": True,
    "return np.random.rand()": True,
    "return open('x')": True,
    "return next(numbers)": True,
    "return keeps(alert)": True,
    "rows = alert['prv_candidates']\n    rows.sort()": True,
    "rows = alert['prv_candidates']\n    rows += [1]": True,
    "found = []\n    found.append(1)\n    return found": False,
    "found = {}\n    found['x'] = 1\n    found |= {'y': 2}": False,
    "n = 0\n    for p in alert:\n        n += 1\n    return n": False,
    "rows = sorted(alert['prv_candidates'])\n    rows.reverse()": False,
    "c = dict(alert['candidate'])\n    c['x'] = 1": False,
    "return next((p for p in alert), None)": False,
    "n = 0\n    def add():\n        nonlocal n\n        n += 1\n    add()": False,
    "mags = np.array([1.0])\n    mags[mags > 1] = 0\n    return mags": False,
    "return tracker.first(alert['candid'])": True,
    "return tracker(alert)": True,
    "return tracker.far(alert['candid'])": False,
    "return Tracker.count()": True,
    "import heapq\n    heapq.heappush(alert['h'], 1)": True,
    "return alert['candidate']['rb'] > 0.5": False,
}
WORLD = """
import datetime, itertools
import numpy as np
seen, cache, numbers = [], {}, itertools.count()
def keeps(x):
    seen.append(x)
class Tracker:
    known = set()
    def first(self, x):
        new = x not in self.known
        self.known.add(x)
        return new
    def far(self, x):
        return x > 5
    def __call__(self, x):
        self.last = x
        return True
    @classmethod
    def count(cls):
        cls.times = 1
        return True
tracker = Tracker()
"""


class Refusing(np.ndarray[Any, Any]):
    """An array of an author's own, which may not be asked for more than the filter asks it."""

    __array_ufunc__: Any = None

    def __bool__(self) -> bool:
        raise ValueError("asked for its truth")


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(1).view(Refusing),
        np.array([Refusing((1,))], dtype=object),
        np.ma.masked,
        np.ma.array([np.nan], mask=[True]),
        np.zeros(1, dtype=[("rb", "f4")])[0],
        np.datetime64("NaT"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_returned_is_asked_for_nothing(value: Any) -> None:
    """Arrays are passed on as they are, also those that have no truth."""
    made = filter_from("def f(alert):\n    x = value\n    return x\n", value=value)
    run = traced(made).run({}, {}, {})
    assert run.error is None
    assert run.value is value


@pytest.mark.parametrize("body", STATEFUL)
def test_what_lasts_longer_than_a_run_is_found(body: str) -> None:
    """State between alerts, chance, the clock, files: such a run is not repeated."""
    made = filter_from(f"{WORLD}def f(alert):\n    {body}\n")
    assert traced(made).stateful is STATEFUL[body]


def test_hand_written_functions_keep_no_state() -> None:
    """None of them does; saying so would cost their funnels."""
    keeping = [name for name in NAMES if traced(FILTERS[name]).stateful]
    assert keeping == []
