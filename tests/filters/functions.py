"""Functions of one alert, of as many kinds of control flow as real filters have.

They are no good filters, and some are no good Python: what matters is that their traced twins do
the same. ``FUNCTIONS`` holds all of them.
"""
# What linters would make of them is what they must not be.
# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204, ARG001, B012, C416, E731
# ruff: noqa: F821, PLC0415, PLC3002, PLR0133, PLW2901, PT018, RET502, RET504, RET505, RUF021
# ruff: noqa: SIM201, SIM208
# mypy: ignore-errors

from __future__ import annotations

import contextlib
import functools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

import ztfnb
from ztfnb.filters.filter import Filter

LIMIT = 19.0
BANDS = {1: "g", 2: "r", 3: "i"}
ZEROS = np.zeros(3)
FUNCTIONS = []


def one(function):
    FUNCTIONS.append(function)
    return function


# Helpers


def is_real(candidate, rb_min):
    if candidate["nbad"] > 0:
        return False
    return candidate["rb"] >= rb_min


def magnitude(candidate):
    if candidate["distnr"] is not None and candidate["distnr"] < 1.4:
        return candidate["magpsf"] - 0.1
    return candidate["magpsf"]


def detections(alert):
    return [p for p in alert["prv_candidates"] or [] if p["magpsf"] is not None]


def depth(number, limit=3):
    if number <= 0:
        return limit
    return depth(number - 1, limit=limit)


def even(number):
    return True if number == 0 else odd(number - 1)


def odd(number):
    return False if number == 0 else even(number - 1)


def first_of(candidate, *names, default=None, **more):
    for name in names:
        if candidate.get(name) is not None:
            return candidate[name]
    return default or more


def checked(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@checked
def decorated_helper(candidate):
    return candidate["rb"] > 0.3


class Cut:
    def __init__(self, field, low):
        self.field, self.low = field, low

    def __call__(self, candidate):
        return candidate[self.field] > self.low

    def holds(self, candidate):
        return self(candidate)


class Odd:
    """A value whose truth cannot be had, or is no bool, and that counts how often it was asked."""

    def __init__(self, truth):
        self.truth, self.asked = truth, 0

    def __bool__(self):
        self.asked += 1
        if self.truth is None:
            raise ValueError("no truth here")
        return self.truth

    def __repr__(self):
        return f"Odd({self.truth}, asked {self.asked} times)"

    def __lt__(self, other):
        return Odd(self.truth)

    __gt__ = __le__ = __ge__ = __lt__

    def __eq__(self, other):
        return isinstance(other, Odd) and other.truth is self.truth

    def __hash__(self):
        return 1


@dataclass
class Point:
    ra: float
    dec: float


REAL = Cut("rb", 0.5)


@Filter
def bright(alert, *, mag_max=18.5):
    return alert["candidate"]["magpsf"] < mag_max


@Filter
def noted(alert, *, rb_min=0.4):
    c = alert["candidate"]
    if c["rb"] < rb_min:
        return None
    return {"rb": c["rb"], "band": BANDS.get(c["fid"], "?")}


# Filters


@one
def constant(alert):
    return True


@one
def nothing(alert):
    """Returns None."""


@one
def single(alert, *, rb_min=0.65):
    return alert["candidate"]["rb"] >= rb_min


@one
def early_returns(alert, *, rb_min=0.65, fwhm_max=5.0):
    candidate = alert["candidate"]
    if candidate["rb"] < rb_min:
        return False
    if candidate["fwhm"] > fwhm_max:
        return False
    if candidate["nbad"]:
        return
    return candidate["isdiffpos"] in ("t", "1")


@one
def purity(alert, *, rb_min=0.65, fwhm_max=5.0, elong_max=1.2, magdiff_max=0.1):
    c = alert["candidate"]
    return (
        c["rb"] >= rb_min
        and c["nbad"] == 0
        and c["fwhm"] <= fwhm_max
        and c["elong"] <= elong_max
        and abs(c["magdiff"]) <= magdiff_max
    )


@one
def values_of_and_or(alert):
    c = alert["candidate"]
    return c["nbad"] and c["rb"] or c["fwhm"] and (c.get("ssnamenr") or c["ndethist"])


@one
def deep_and_or(alert):
    c = alert["candidate"]
    return (c["nbad"] or (c["rb"] and c["fid"] == 2)) and not (c["fid"] == 1 or c["nneg"] > 5) or []


@one
def negations(alert):
    c = alert["candidate"]
    if not (c["rb"] > 0.5 and not c["nbad"]):
        return not c["fid"] == 1
    return not not c["ndethist"]


@one
def nested_ifs(alert, *, rb_min=0.5):
    c = alert["candidate"]
    if c["fid"] == 1:
        if c["rb"] > rb_min:
            if c["magpsf"] < 19:
                return True
            else:
                return c["ndethist"]
        elif c["nbad"] == 0:
            return 0.0
    elif c["fid"] == 2:
        return c["rb"]
    return False


@one
def ternary(alert, *, g_max=19.0, r_max=18.5):
    c = alert["candidate"]
    limit = g_max if c["fid"] == 1 else r_max
    return c["magpsf"] < limit


@one
def nested_ternary(alert):
    c = alert["candidate"]
    return (
        c["rb"] if c["fid"] == 1 else None if c["fid"] == 2 else c["magpsf"] > 18 if c["rb"] else 7
    )


@one
def ternary_tests(alert):
    c = alert["candidate"]
    if c["rb"] > 0.5 if c["fid"] == 1 else c["rb"] > 0.7:
        return (c["nbad"] if c["magpsf"] > 18 else c["fwhm"]) or (0 if c["nneg"] else {})
    return (c["ra"] > 180 if c["dec"] > 0 else not c["field"]) and c["rcid"]


@one
def chained(alert, *, low=0.3, high=0.9):
    c = alert["candidate"]
    if low < c["rb"] < high:
        return 15 < c["magpsf"] < 21 > c["diffmaglim"]
    return c["fid"] == 1 != c["nbad"]


@one
def chain_values(alert):
    c = alert["candidate"]
    found = 0 < c["rb"] < 1 and (0 <= c["nbad"] <= 3 <= c["ndethist"] or 1 < c["fid"] < 3)
    return found or 5 < c["fwhm"] < c["elong"]


@one
def not_chain(alert):
    c = alert["candidate"]
    if not 0 < c["rb"] <= 0.5 <= 1:
        return "high"
    return not (1 < c["fid"] < 3) or 0 < c["nbad"] in (1, 2)


@one
def membership(alert):
    c = alert["candidate"]
    if "drb" in c and c["drb"] is not None:
        return c["drb"] > 0.5
    return c["fid"] not in {1, 3} or "prv_candidates" not in alert


@one
def identity(alert):
    c = alert["candidate"]
    if c.get("ssdistnr") is None or c.get("drb") is not None:
        return c["rb"] is c["rb"]
    return c["fid"] is not None


@one
def walrus(alert, *, n_min=2):
    if (n := len(alert["prv_candidates"] or [])) < n_min:
        return n
    if (good := alert["candidate"]["rb"] > 0.4) and (band := BANDS.get(alert["candidate"]["fid"])):
        return good and band == "r"
    return (late := n > 10) or late


@one
def walrus_chain(alert):
    c = alert["candidate"]
    if 0.3 < (rb := c["rb"]) < (limit := 0.5 + c["nbad"]):
        return rb < limit
    return (x := c["fid"]) and x


@one
def while_loop(alert, *, steps=5):
    number, c = 0, alert["candidate"]
    while number < steps and c["rb"] > 0.1:
        number += 1
        if number * 3 > c["fwhm"]:
            return True
        if number > 3:
            break
    else:
        return None
    return number


@one
def for_return(alert, *, before=0.02):
    for p in alert["prv_candidates"] or ():
        if p["isdiffpos"] in ("t", "1") and p["jd"] < alert["candidate"]["jd"] - before:
            return True
    return False


@one
def for_else(alert):
    for p in alert["prv_candidates"] or []:
        if p["magpsf"] is not None and p["magpsf"] < 18:
            break
        if p["fid"] == 3:
            continue
    else:
        return False
    return p["magpsf"]


@one
def for_else_returns(alert):
    for p in alert["prv_candidates"] or []:
        if p["fid"] == 1:
            if p["magpsf"]:
                return p["magpsf"]
            break
        for _ in range(2):
            if p["fid"] == 3:
                break
        else:
            continue
        break
    else:
        if alert["candidate"]["rb"] > 0.5:
            return "else"
    return alert["candidate"]["fid"] == 1


@one
def counted(alert, *, n_min=2, mag_max=20.0):
    n = 0
    for p in alert["prv_candidates"] or []:
        if p["magpsf"] is not None and p["magpsf"] < mag_max:
            n += 1
    return n >= n_min


@one
def found_flag(alert):
    found = False
    for p in alert["prv_candidates"] or []:
        if p["magpsf"] is None:
            found = True
            break
    if not found:
        return False
    return alert["candidate"]["rb"] > 0.2


@one
def comprehension(alert, *, n_min=2):
    if not alert["prv_candidates"]:
        return False
    mags = [p["magpsf"] for p in alert["prv_candidates"] if p["magpsf"] is not None]
    if len([m for m in mags if m < 19]) >= n_min:
        return min(mags)
    return {p["fid"] for p in alert["prv_candidates"]} == {1, 2}


@one
def any_all(alert, *, mag_max=19.0):
    rows = alert["prv_candidates"] or []
    if any(p["magpsf"] is not None and p["magpsf"] < mag_max for p in rows):
        return all((q := p["fid"]) in (1, 2) for p in rows) and q
    return not any(rows)


@one
def scopes_of_comprehensions(alert):
    c, limit = alert["candidate"], 19
    p = "kept"
    rows = [(p, limit) for p in (alert["prv_candidates"] or []) if p["jd"] < c["jd"]]
    table = {n: [m for m in range(n)] for n in range(2) if n or c["fid"] == 1}
    return p == "kept" and len(rows) > 2 or table


@one
def generator_expression(alert):
    rows = (p["magpsf"] for p in alert["prv_candidates"] or [] if p["magpsf"])
    first = next(rows, None)
    if first is None:
        return next((p for p in alert["prv_candidates"] or [] if p["fid"] == 2), None)
    return sum(rows) > 30 and max(rows, default=first) == first


@one
def inner_generator(alert, *, low=17.0):
    def mags():
        for p in alert["prv_candidates"] or []:
            if p["magpsf"] is not None:
                yield p["magpsf"]

    if min(mags(), default=99) < low:
        return True
    return sum(1 for _ in mags()) > 3


@one
def assigned(alert, *, rb_min=0.6, fwhm_max=4.0):
    c = alert["candidate"]
    good = c["rb"] > rb_min
    sharp = c["fwhm"] < fwhm_max
    both = good and sharp
    if not both:
        return False
    return good


@one
def assigned_or(alert):
    c = alert["candidate"]
    rows = alert["prv_candidates"] or []
    clean: bool = c["nbad"] == 0 or not c["nneg"]
    if rows:
        return clean and len(rows) > 3
    return clean


@one
def assigned_again(alert):
    c = alert["candidate"]
    ok = c["rb"] > 0.3
    if c["fid"] == 1:
        ok = ok and c["rb"] > 0.5
    ok = not ok or c["nbad"] == 0
    return ok


@one
def assigned_in_arithmetic(alert):
    c = alert["candidate"]
    score = (c["rb"] > 0.5) + (c["fwhm"] < 4) + (c["nbad"] == 0)
    real = c["rb"] > 0.2
    return score + real >= 3


@one
def augmented(alert):
    c = alert["candidate"]
    ok = True
    ok &= c["rb"] > 0.4
    ok |= c["fid"] == 3
    ok ^= c["nbad"] > 0
    return ok


@one
def bitwise(alert):
    c = alert["candidate"]
    return (c["rb"] > 0.5) & (c["nbad"] == 0) | (c["fid"] == 3)


@one
def helper(alert, *, rb_min=0.65):
    c = alert["candidate"]
    if not is_real(c, rb_min):
        return False
    return magnitude(c) < 19 and is_real(c, rb_min=0.8)


@one
def helper_assigned(alert):
    real = is_real(alert["candidate"], 0.3)
    rows = detections(alert)
    if not real:
        return None
    return bool(rows) and len(rows) > 1


@one
def helper_values(alert):
    return first_of(alert["candidate"], "drb", "rb", default=0, other=1) and depth(2) and even(4)


@one
def helper_in_operand(alert):
    c = alert["candidate"]
    return (magnitude(c) if c["fid"] == 1 else c["magpsf"]) < depth(1, limit=18)


@one
def decorated(alert):
    return decorated_helper(alert["candidate"]) or REAL(alert["candidate"])


@one
def methods(alert):
    c = alert["candidate"]
    if REAL.holds(c) and c.get("rb"):
        return " ".join([str(c["fid"]), "x"]).startswith("1")
    return Cut("fwhm", 3).holds(c)


@one
def filters_within(alert, *, mag_max=18.0):
    if bright(alert, mag_max=mag_max):
        return noted(alert)
    return not noted(alert, rb_min=0.9)


@one
def filters_combined(alert, *, rb_min=0.5):
    first = noted(alert, rb_min=rb_min)
    if not ztfnb.filters.passes(first):
        return False
    second = bright(alert)
    if not ztfnb.filters.passes(second):
        return False
    return ztfnb.filters.merged(first, second)


@one
def bad_threshold(alert):
    if alert["candidate"]["rb"] > 0.5:
        return bright(alert, mag_maximum=18)
    return bright(alert, mag_max="18")


@one
def nested_helper(alert, *, rb_min=0.5):
    c = alert["candidate"]

    def good(field, low=rb_min):
        if c[field] is None:
            return False
        return c[field] > low

    if not good("rb"):
        return False
    return good("fwhm", 2) and not good("nbad", low=1)


@one
def nested_in_loop(alert):
    def faint(p):
        return p["magpsf"] is None or p["magpsf"] > 20

    rows = alert["prv_candidates"] or []
    return [p for p in rows if faint(p)] and not any(map(faint, rows))


@one
def nested_recursive(alert):
    def fact(n):
        return 1 if n <= 1 else n * fact(n - 1)

    return fact(alert["candidate"]["fid"]) > 1 and fact(3) == 6


@one
def nonlocal_state(alert):
    count = 0

    def add(value):
        nonlocal count
        if value:
            count += 1
        return value

    if add(alert["candidate"]["rb"] > 0.3) and add(alert["candidate"]["nbad"] == 0):
        return count == 2
    return count


@one
def lambdas(alert, *, low=0.5):
    test = lambda c, key="rb": c[key] > low and c["nbad"] == 0
    if test(alert["candidate"]):
        return (lambda: alert["candidate"]["fid"])()
    return sorted(alert["prv_candidates"] or [], key=lambda p: (p["jd"] > 0, p["jd"]))[:1]


@one
def inner_class(alert):
    class Row:
        limit = 19 if alert["candidate"]["fid"] == 1 else 18

        def good(self, m):
            return m is not None and m < self.limit

    return Row().good(alert["candidate"]["magpsf"]) and Row.__qualname__ or Row.good.__qualname__


@one
def match_numbers(alert):
    c = alert["candidate"]
    match c["fid"]:
        case 1:
            return c["rb"] > 0.5
        case 2 | 3 if c["rb"] > 0.7:
            return "red"
        case 2:
            pass
        case _:
            return None
    return c["nbad"] == 0


@one
def match_open(alert):
    c = alert["candidate"]
    kind = 0
    match (c["fid"], c["isdiffpos"]):
        case (1, "t" | "1") if c["nbad"] == 0 and c["rb"] > 0.3:
            kind = 1
        case (band, "f"):
            kind = band
        case (2, str(sign)) if sign not in ("f", "0"):
            return sign
    return kind and kind > 1


@one
def match_mapping(alert):
    match alert:
        case {"candidate": {"fid": 2, "rb": float(rb)}} if rb > 0.5:
            return rb
        case {"prv_candidates": [first, *rest]} if len(rest) > 2:
            return first["fid"] == 1 and {"n": len(rest)}
        case {"objectId": name, **others} if (n := len(others)) > 3:
            return name and n
    return False


@one
def match_class(alert):
    c = alert["candidate"]
    match Point(c["ra"], c["dec"]):
        case Point(ra=0):
            return 1
        case Point(dec=d) if d > 0 and (d < 30 or c["fid"] == 1):
            return d
        case Point() as p if p.ra > 180:
            return p
    return 0 < c["ra"] < 90


@one
def match_everything(alert):
    match alert["candidate"]["rb"]:
        case rb if rb is None:
            return "none"
        case rb if rb > 0.5:
            return rb > 0.8 or "good"
        case other:
            return other


@one
def try_except(alert, *, drb_min=0.5):
    c = alert["candidate"]
    try:
        if c["drb"] < drb_min:
            return False
    except KeyError:
        return c["rb"] > 0.65
    except TypeError as error:
        return str(error)
    return True


@one
def try_value(alert):
    c = alert["candidate"]
    try:
        ratio = c["rb"] / c["nbad"]
    except ZeroDivisionError:
        return "clean"
    except (TypeError, KeyError):
        return False
    else:
        if ratio > 0.5:
            return True
    return ratio


@one
def try_finally(alert):
    c, log = alert["candidate"], []
    try:
        if c["drb"] > 0.5 and c["rb"] > 0.5:
            return log
        log.append(1)
    finally:
        log.append(c["fid"] == 1 and 2)
    return log


@one
def finally_swallows(alert):
    c = alert["candidate"]
    for _ in range(2):
        try:
            if c["drb"] > 0.9:
                return True
        finally:
            break
    try:
        return c["magpsf"] < 15 and c["missing"]
    finally:
        if c["rb"] > 0.5:
            return "swallowed"


@one
def reraised(alert):
    c = alert["candidate"]
    try:
        try:
            good = c["drb"] > 0.5
        except KeyError as error:
            if c["fid"] == 1:
                raise ValueError("no drb") from error
            raise
    except ValueError as error:
        return repr(error.__cause__)
    return good


@one
def raised(alert):
    c = alert["candidate"]
    if c["rb"] is None or c["rb"] != c["rb"]:
        raise ValueError("no rb") from None
    if c["rb"] < 0.2:
        raise LookupError(c["objectId"] if c["fid"] == 1 else "low")
    return c["rb"] > 0.5


@one
def asserted(alert):
    c = alert["candidate"]
    assert c["rb"] is not None and c["rb"] > 0.2, f"rb of {c['rb']}"
    assert not c["nbad"]
    return c["fid"] == 2


@one
def groups(alert):
    c = alert["candidate"]
    try:
        if c["drb"] > 0.5:
            raise ExceptionGroup("two", [ValueError(1), TypeError(2)])
    except* ValueError:
        number = 1
    except* KeyError:
        number = 2
    return c["rb"] > 0.5 and number == 2


@one
def suppressed(alert):
    c = alert["candidate"]
    with contextlib.suppress(KeyError, TypeError):
        if c["drb"] > 0.5:
            return "real"
        if c["rb"] > 0.5:
            return c["nothing"]
    with contextlib.ExitStack() as stack, contextlib.nullcontext(c["fid"]) as fid:
        stack.callback(list)
        return fid == 1 or c["rb"]


@one
def imports_inside(alert):
    import math as m
    from statistics import median

    mags = [p["magpsf"] for p in alert["prv_candidates"] or [] if p["magpsf"] is not None]
    if len(mags) < 2 or not m.isfinite(mags[0]):
        return False
    return median(mags) < 19.5


@one
def numpy_values(alert, *, snr_min=5.0):
    mags = np.array(
        [p["magpsf"] for p in alert["prv_candidates"] or [] if p["magpsf"] is not None], dtype=float
    )
    if mags.size < 2:
        return np.False_
    bright_ones = mags < 19
    if np.any(bright_ones) and mags.std() > 0.1:
        return mags.mean() < snr_min * 4
    return (mags > 18).sum() > 3


@one
def array_truth(alert):
    rows = np.array([alert["candidate"]["rb"], 1.0])
    if rows > 0.5 if alert["candidate"]["fid"] == 1 else alert["candidate"]["nbad"]:
        return 1
    return rows > 0.5


@one
def array_returned(alert):
    c = alert["candidate"]
    return c["nbad"] or ZEROS[: c["fid"]] < 1


@one
def odd_truth(alert):
    c = alert["candidate"]
    yes, no, never = Odd(True), Odd(False), Odd(None)
    if (yes and c["rb"] > 0.3) or no:
        return (no and never) or (yes > 3) and (no < 5 or yes) and yes
    if c["fid"] == 1 and not never:
        return 1
    return (no < 1 < 2) or (yes or never)


@one
def annotated(alert, *, rb_min=0.4):
    c = alert["candidate"]
    if c["rb"] < rb_min:
        return False
    notes = {"rb": c["rb"], "bright": c["magpsf"] < 18, "band": BANDS.get(c["fid"], "?")}
    notes["late"] = c["ndethist"] > 5 or None
    return notes


@one
def grouped(alert):
    by_band = defaultdict(list)
    for p in alert["prv_candidates"] or []:
        if p["magpsf"] is None:
            continue
        by_band[p["fid"]].append(p["magpsf"])
    counts = Counter(BANDS.get(p["fid"]) for p in alert["prv_candidates"] or [])
    if len(by_band) < 2:
        return counts["r"] > 3
    return all(max(m) - min(m) > 0.2 for m in by_band.values())


@one
def slopes(alert, *, rate=0.1):
    rows = [
        (p["jd"], p["magpsf"])
        for p in alert["prv_candidates"] or []
        if p["magpsf"] is not None and p["fid"] == alert["candidate"]["fid"]
    ]
    if len(rows) < 2:
        return False
    (first, bright_one), *_, (last, faint) = sorted(rows)
    return last > first and (faint - bright_one) / (last - first) > rate


@one
def unpacked(alert):
    c = alert["candidate"]
    low, (high, *rest) = c["rb"] > 0.3, (c["fwhm"] < 5, c["nbad"] == 0)
    a = b = c["fid"] == 2
    return low and high and rest and rest[0] and a is b


@one
def live_globals(alert):
    return alert["candidate"]["magpsf"] < LIMIT and math.isfinite(alert["candidate"]["ra"])


@one
def strings(alert):
    c = alert["candidate"]
    name = f"{alert['objectId'] if c['fid'] == 1 else 'x'}{c['rb'] > 0.5!r}"
    if (
        "\n"
        in """several
    lines"""
        and name
    ):
        return name.startswith("ZTF") or name
    return False


@one
def deleted(alert):
    c = alert["candidate"]
    ok = c["rb"] > 0.3
    if not ok:
        del ok
    return ok


@one
def unbound(alert):
    if alert["candidate"]["fid"] == 1:
        level = 3
    return level > 2 or undefined_name


@one
def returns_in_with_loops(alert, *, n=3):
    with contextlib.nullcontext():
        for i, p in enumerate(alert["prv_candidates"] or []):
            try:
                if p["magpsf"] > 19:
                    return i > n or p["fid"]
            except TypeError:
                continue
            finally:
                i += 1
    return {} if alert["candidate"]["fid"] == 1 else []


@one
def positional(alert, /, *, a=1, b=2.0):
    c = alert["candidate"]
    return a < c["fid"] <= b or (b > c["rb"] and a == c["fid"])


@one
def rebound(alert, *, rb_min=0.5, fwhm_max=5.0):
    c = alert["candidate"]
    if c["fid"] == 1:
        rb_min = rb_min + 0.1
    return c["rb"] > rb_min and fwhm_max > c["fwhm"]


def closed_over():
    limit = 0.5
    seen = []

    @one
    def closure(alert, *, low=0.2):
        """A docstring
        of two lines."""
        c = alert["candidate"]
        if c["rb"] < low or c["rb"] < limit:
            return False
        return not seen and c["fid"] == 1

    return closure


closed_over()
