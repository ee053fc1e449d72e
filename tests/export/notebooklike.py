"""Filters as people write them in notebooks: the cells of each, by what is odd about them."""

# The texts of one cell stand below one another; some names are Greek, as astronomers write.
# ruff: noqa: E501, ISC004, RUF001

from __future__ import annotations

_FILTER = """
@ztfnb.filter
def f(alert, *, rb_min=0.5):
    c = alert["candidate"]
    return {}
"""


def _f(test: str) -> str:
    return _FILTER.format(test)


CASES: dict[str, tuple[str, ...]] = {
    "plain": (_f('c["rb"] >= rb_min'),),
    "no_thresholds": ("@ztfnb.filter\ndef f(alert):\n    return True\n",),
    "helpers_in_cells": (
        "def brightness(c):\n    # fainter is larger\n    return -c['magpsf']\n",
        "def bright(c, limit=-19):\n    return brightness(c) > limit\n",
        _f('bright(c) and c["rb"] > rb_min'),
    ),
    "helper_redefined_later": (
        "def bright(c):\n    return False\n",
        _f("bright(c)"),
        "def bright(c):\n    return c['magpsf'] < 19\n",
    ),
    "two_helpers_of_one_name": (
        "def bright(c):\n    return c['magpsf'] < 19\nold = bright\n",
        "def bright(c):\n    return old(c) or c['rb'] > 0.95\n",
        _f("bright(c)"),
    ),
    "constant_rebound": ("LIMIT = 17\n", _f('c["magpsf"] < LIMIT'), "LIMIT = 19\n"),
    "constants_of_all_kinds": (
        """
        import datetime as dt
        import decimal, fractions, re, math
        from collections import Counter, OrderedDict, defaultdict, deque
        from types import SimpleNamespace
        NAN, INF = float("nan"), -math.inf
        WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone.utc)
        STEP = dt.timedelta(days=1.5)
        EXACT = decimal.Decimal("1.10")
        HALF = fractions.Fraction(1, 2)
        NAME = re.compile(r"^ZTF\\d{2}[a-z]+$", re.IGNORECASE | re.M)
        RAW = re.compile(rb"a+", re.DOTALL)
        DEEP = {"a": [1, (2.5, None), {3, 4}], ("b", 1): frozenset({"x"}), "e": {}, "s": set()}
        COUNTED = Counter("abca")
        ORDERED = OrderedDict(a=1, b=2)
        LISTS = defaultdict(list, {"a": [1]})
        LAST = deque([1, 2], maxlen=5)
        SPACE = SimpleNamespace(low=1, high=2.5)
        COMPLEX = complex(-0.0, float("inf"))
        SPAN, PART, DOTS, DATA = range(1, 9, 2), slice(None, 3), ..., b"\\x00\\xff"
        TEXT = 'quotes " and \\' and \\n lines and \\u00e9 \\U0001f600'
        """,
        _f(
            "[NAN != NAN, INF, str(WHEN), STEP, EXACT, HALF, bool(NAME.match(alert['objectId'])), "
            "RAW.flags, sorted(map(str, DEEP)), COUNTED, list(ORDERED), LISTS['a'], LAST.maxlen, "
            "SPACE.high, COMPLEX, SPAN, PART, DOTS, DATA, TEXT]"
        ),
    ),
    "arrays": (
        """
        EDGES = np.array([17.0, 18.5, float("nan"), -0.0])
        SMALL = np.float32(0.1)
        KINDS = np.array(["g", "r"])
        GRID = np.arange(6, dtype=">i2").reshape(2, 3)
        FIELDS = np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])
        MASKED = np.ma.array([1.0, 2.0], mask=[True, False])
        EMPTY = np.zeros((0, 3))
        TIME = np.datetime64("2026-01-01T00:00:00")
        NONE = np.True_
        """,
        _f(
            'str((EDGES, SMALL, KINDS, GRID, GRID.dtype.str, FIELDS["b"], MASKED.mean(), '
            "EMPTY.shape, TIME, NONE)) + str(c['rb'] > SMALL)"
        ),
    ),
    "arrays_computed": (
        "BASE = 17.5\nEDGES = BASE + np.linspace(0, 3, 7)  # by half a magnitude\n",
        _f("int(np.searchsorted(EDGES, c['magpsf']))"),
    ),
    "dataclass": (
        """
        from dataclasses import dataclass, field

        @dataclass(frozen=True)
        class Region:
            ra: float
            dec: float
            radius: float = 3.0
            names: list = field(default_factory=list)

        CENTRE = Region(10.0, -4.0, names=["M31"])
        """,
        _f("abs(c['ra'] - CENTRE.ra) < CENTRE.radius and CENTRE"),
    ),
    "class_with_methods": (
        """
        import math

        class Cut:
            '''A cut in one field.'''
            steepness = 2.0  # of the edge

            def __init__(self, field, low):
                self.field, self.low = field, low

            def __call__(self, c):
                return math.tanh(self.steepness * (c[self.field] - self.low)) > 0

            @classmethod
            def real(cls):
                return cls("rb", 0.5)

            @property
            def name(self):
                return self.field.upper()

            @staticmethod
            def twice(x):
                return helper_of_class(x) * 2

        def helper_of_class(x):
            return x + 1

        REAL = Cut("rb", 0.6)
        """,
        _f("REAL(c) and (REAL.name, Cut.real()(c), Cut.twice(1))"),
    ),
    "inheritance": (
        "class Base:\n    limit = 19\n    def good(self, c):\n        return c['magpsf'] < self.limit\n",
        "class Faint(Base):\n    limit = 20\n",
        _f("Faint().good(c)"),
    ),
    "enum_and_namedtuple": (
        """
        from enum import Enum, IntEnum, auto
        from typing import NamedTuple
        from collections import namedtuple

        class Band(IntEnum):
            g = 1
            r = 2

        class Kind(Enum):
            STAR = auto()
            OTHER = "other"

        class Box(NamedTuple):
            low: float
            high: float = 20.0

        Point = namedtuple("Point", "x y")
        BOX = Box(18.0)
        ORIGIN = Point(1, y=2)
        WANTED = Band.r
        KINDS = {Kind.STAR: 1, Kind.OTHER: 2}
        """,
        _f(
            "(Band(c['fid']) is WANTED, BOX.low < c['magpsf'] < BOX.high, ORIGIN.y, "
            "KINDS[Kind.OTHER])"
        ),
    ),
    "nested_class": (
        "class Outer:\n    class Inner:\n        low = 0.5\nShort = Outer.Inner\n",
        _f("c['rb'] > Short.low"),
    ),
    "lambdas": (
        "is_real = lambda c, low=0.3: c['rb'] > low  # quick\n"
        "TESTS = {'rb': lambda c: c['rb'] > 0.5, 'mag': lambda c: c['magpsf'] < 20}\n",
        _f("is_real(c) and [name for name, test in TESTS.items() if test(c)]"),
    ),
    "partial_and_cache": (
        """
        import functools
        from functools import lru_cache, partial

        def above(low, c, field="rb"):
            return c[field] > low

        real = partial(above, 0.6)
        sharp = functools.partial(above, 2.5, field="fwhm")

        @lru_cache(maxsize=32)
        def limit(band):
            return {1: 19.0, 2: 18.5}[band]

        @functools.cache
        def fact(n):
            return 1 if n < 2 else n * fact(n - 1)
        fast = functools.lru_cache(maxsize=None)(above)
        """,
        _f(
            "(real(c), sharp(c), c['magpsf'] < limit(c['fid']), fact(5), fast.cache_info().maxsize)"
        ),
    ),
    "decorated_helper": (
        """
        import functools

        def safe(default):
            def decorate(function):
                @functools.wraps(function)
                def wrapper(*args):
                    try:
                        return function(*args)
                    except KeyError:
                        return default
                return wrapper
            return decorate

        # Not every alert has it.
        @safe(default="none")
        def get(c, name):
            return c[name]
        """,
        _f("(get(c, 'rb'), get(c, 'no'))"),
    ),
    "decorated_without_wraps": (
        """
        def opposite(function):
            def other(c):
                return not function(c)
            return other

        @opposite
        def faint(c):
            return c['magpsf'] > 19
        """,
        _f("faint(c)"),
    ),
    "registered": (
        "KNOWN = []\ndef register(function):\n    KNOWN.append(function)\n    return function\n",
        "@register\ndef good(c):\n    return c['rb'] > 0.5\n",
        _f("good(c)"),
    ),
    "made_by_function": (
        """
        def above(field, low):
            def test(c):
                return c[field] > low
            return test

        real = above("rb", 0.5)
        late = above("jd", 2461002)
        """,
        _f("(real(c), late(c))"),
    ),
    "closure": (
        """
        def make(limit, scale):
            def scaled(x):
                return x * scale

            @ztfnb.filter
            def f(alert, *, rb_min=0.5):
                return scaled(alert["candidate"]["rb"]) > rb_min and limit
            return f

        f = make(19.5, 1.5)
        """,
    ),
    "recursive_helpers": (
        """
        def even(n):
            return True if n == 0 else odd(n - 1)

        def odd(n):
            return False if n == 0 else even(n - 1)
        """,
        _f("even(c['nbad'])"),
    ),
    "ranges_and_choices": (
        """
        from typing import Annotated, Literal
        import typing
        LOW, HIGH = 0.0, 1.0
        Score = Annotated[float, (LOW, HIGH)]

        @ztfnb.filter
        def f(alert, *, rb_min: Annotated[float, (0.0, HIGH, 0.05)] = 0.5,
              band: Literal["g", "r"] = "r", mag: (15, 22) = 19, kind: ["a", "b"] = "b",
              drb: Score = 0.25, strict: typing.Annotated[bool, 1] = True):
            c = alert["candidate"]
            return c["rb"] > rb_min and {"g": 1, "r": 2}[band] == c["fid"] and strict
        """,
    ),
    "default_from_constant": (
        "RB = 0.65\nMAG = 18 + 1.5\n",
        "def bright(c, limit=MAG + 0.5):\n    return c['magpsf'] < limit\n"
        "@ztfnb.filter\ndef f(alert, *, rb_min=RB, mag=MAG):\n"
        "    return alert['candidate']['rb'] > rb_min and bright(alert['candidate'])\n",
    ),
    "params_set": (_f('c["rb"] >= rb_min'), "f = f.with_params(rb_min=0.8)\n"),
    "imports_of_all_kinds": (
        """
        import os.path
        import xml.etree.ElementTree
        import math as m, statistics
        from math import hypot as length, pi
        from numpy import sqrt, float64 as real
        import numpy.linalg as la
        import collections.abc
        """,
        _f(
            "(os.path.join('a', 'b'), xml.etree.ElementTree.Element('a').tag, m.floor(c['ra']), "
            "statistics.mean([1, 2]), length(3, 4), pi, float(sqrt(4)), real is np.float64, "
            "la.norm([3, 4]), isinstance(c, collections.abc.Mapping))"
        ),
    ),
    "imports_inside": (
        "def median(values):\n    import statistics as s\n    return s.median(values)\n",
        "@ztfnb.filter\ndef f(alert):\n    from math import floor\n"
        "    return floor(median([alert['candidate']['rb'], 3]))\n",
    ),
    "builtins_shadowed": (
        "def max(values):\n    return sorted(values)[-1]\nlen = 3\n",
        _f("max([c['rb'], 0.5]) + len"),
    ),
    "locals_named_like_globals": (
        "c = open('/dev/null')\nrows = object()\n",
        "def helper(rows):\n    c = rows[0]\n    return [c for c in rows][0]\n",
        _f("helper([c['rb'] > rb_min]) and [rows for rows in (1, 2)]"),
    ),
    "comments_and_layout": (
        "# above\n# the constant\nLIMIT   = 19   # beside\n\n# apart\n\n"
        "# of helper\ndef helper( c ):  # head\n    # inside\n    text = '''  keep\n  this '''\n"
        "    return c['magpsf'] < LIMIT and text\n",
        "# of filter\n" + _f("helper(c)"),
    ),
    "semicolons": ("A = 1; B = 2\n", _f("A + B")),
    "unpacked": ("(LOW, HIGH), *REST = (17, 19), 5, 6\n", _f("LOW < c['magpsf'] < HIGH, REST")),
    "chained_assignment": ("A = B = [1, 2]\n", _f("A + B")),
    "filter_calls_filter": (
        "@ztfnb.filter\ndef real(alert, *, rb_min=0.6):\n"
        "    return alert['candidate']['rb'] > rb_min\n",
        "strict = real.with_params(rb_min=0.9)\n",
        _f("(real(alert), strict(alert), real(alert, rb_min=0.95))"),
    ),
    "filter_of_function": (
        "def plain(alert, *, rb_min=0.5):\n    return alert['candidate']['rb'] > rb_min\n",
        "f = ztfnb.filter(plain)\n",
    ),
    "filter_and_its_function": (
        "def plain(alert, *, rb_min=0.5):\n    return alert['candidate']['rb'] > rb_min\n",
        "whole = ztfnb.filter(plain)\n",
        _f("plain(alert) and whole(alert, rb_min=0.9)"),
    ),
    "recipe_called": (
        "from ztfnb.recipes import purity\nfrom ztfnb.recipes.reading import known\n",
        _f("purity(alert) or known(c, 'rb')"),
    ),
    "recipe_by_module": (_f("ztfnb.recipes.purity(alert) or ztfnb.filters.passes(None)"),),
    "combined": (
        "LIMIT = 19.8\n@ztfnb.filter\ndef real(alert, *, rb_min=0.3):\n"
        "    return alert['candidate']['rb'] > rb_min\n",
        "@ztfnb.filter\ndef bright(alert, *, mag=LIMIT):\n"
        "    return alert['candidate']['magpsf'] < mag and {'mag': mag}\n",
        "f = ((real & bright.with_params(mag=19.5)) | ~real).with_params(mag=19.2)\n",
    ),
    "combined_of_one_name": (
        "@ztfnb.filter\ndef real(alert, *, rb_min=0.3):\n"
        "    return alert['candidate']['rb'] > rb_min\n",
        "f = real.with_params(rb_min=0.9) | ~real.with_params(rb_min=0.2)\n",
    ),
    "combined_with_recipe": (
        "@ztfnb.filter\ndef bright(alert, *, mag=19.5):\n"
        "    return alert['candidate']['magpsf'] < mag\n",
        "f = bright | ztfnb.recipes.purity.with_params(rb_min=0.9)\n",
    ),
    "of_library_objects": (
        """
        from operator import itemgetter
        import itertools, logging
        log = logging.getLogger("mine")
        mag = itemgetter("magpsf")
        MISSING = object()
        edges = np.vectorize(lambda x: x + 1)
        poly = np.polynomial.Polynomial([1, 2, 3])
        """,
        _f(
            "(mag(c), c.get('no', MISSING) is MISSING, int(edges(1)), float(poly(c['rb'])), "
            "log.name, list(itertools.islice(c, 2)))"
        ),
    ),
    "functions_in_containers": (
        "def a(c):\n    return c['rb'] > 0.5\ndef b(c):\n    return c['magpsf'] < 19\n"
        "TESTS = [a, b]\nTABLE = {'a': (a, 1), 'np': np.sqrt, 'max': max}\n",
        _f("[t(c) for t in TESTS], TABLE['a'][0](c), float(TABLE['np'](4)), TABLE['max'](1, 2)"),
    ),
    "setup_without_files": (
        "def weights():\n    return {'rb': 2.0}\n"
        "@ztfnb.filter(setup=weights)\ndef f(alert, *, table):\n"
        "    return alert['candidate']['rb'] * table['rb'] > 1\n",
    ),
    "odd_names": (
        "ztf = ztfnb\nnumpy_ = np\nFIRST = np.float64(1)\nimport numpy\n"
        "from datetime import datetime\nT = datetime(2026, 1, 1)\nimport datetime as d\n",
        "@ztf.filter\ndef f(alert, *, np=1.0):\n    return (np, FIRST, T.year, d.date.max.year)\n",
    ),
    "unicode": ("α_max = 0.5\nπ = 'ä'\n", _f("c['rb'] > α_max and π")),
    "annotations_of_what_is_not_there": (
        "import typing as t\n",
        "def helper(c: t.Mapping, n: 'Missing' = 1) -> 'pd.DataFrame':\n"
        "    x: Other = c['rb']\n    return x > 0.5\n".replace("Other", "int"),
        _f("helper(c)"),
    ),
    "state_of_class": (
        "class Table:\n    known = {}\n    @classmethod\n    def get(cls, c):\n"
        "        return cls.known.get(c['fid'], 'none')\n",
        _f("Table.get(c)"),
    ),
    "async_and_generators_inside": (
        "def rows(alert):\n    for p in alert['prv_candidates']:\n        yield p['magpsf']\n",
        _f("sum(rows(alert)) > 20"),
    ),
    "star_arguments": (
        "def helper(*names, low=0.1, **more):\n    return [n for n in names if n > low], more\n",
        _f("helper(c['rb'], c['fwhm'], low=0.3, **{'a': 1})"),
    ),
    "named_like_what_is_imported": (
        "def ztfnb_(c):\n    return c\nmath = 2\nimport datetime\nd = datetime.date(2026, 1, 1)\n",
        "import ztfnb as z\n@z.filter\ndef ztfnb(alert, *, np=1.0):\n"
        "    return ztfnb_(alert)['candid'] and d.year and math\nf = ztfnb\n",
    ),
    "long_names": (
        "def " + "a" * 70 + "(c):\n    return c['rb'] > 0.5\n",
        _f("a" * 70 + "(c)"),
    ),
    "docstrings": (
        "@ztfnb.filter\ndef f(alert):\n"
        '    r"""Pass \\alpha and \'\'\' and "quotes".\n\n    More.\n    """\n    return True\n',
    ),
    "class_decorated": (
        """
        import functools

        @functools.total_ordering
        class Level:
            def __init__(self, n):
                self.n = n
            def __eq__(self, other):
                return self.n == other.n
            def __lt__(self, other):
                return self.n < other.n
        """,
        _f("Level(c['fid']) >= Level(2)"),
    ),
    "singleton_of_class": (
        "class Memory:\n    def __init__(self, *bands):\n        self.bands = set(bands)\n"
        "SEEN = Memory(1, 2)  # both\n",
        _f("c['fid'] in SEEN.bands"),
    ),
    "redefined_filter": (
        "@ztfnb.filter\ndef real(alert, *, rb_min=0.1):\n    return False\n",
        "@ztfnb.filter\ndef both(alert):\n    return real(alert)\n",
        "@ztfnb.filter\ndef real(alert, *, rb_min=0.3):\n"
        "    return alert['candidate']['rb'] > rb_min\n",
        "f = both\n",
    ),
    "filter_rebound": (
        "@ztfnb.filter\ndef real(alert, *, rb_min=0.3):\n"
        "    return alert['candidate']['rb'] > rb_min\n",
        "real = real.with_params(rb_min=0.6)\n",
        "@ztfnb.filter\ndef other(alert):\n    return real(alert) and 1\n",
        "f = real & other\n",
    ),
    "name_of_filter_is_a_constant": (
        "@ztfnb.filter\ndef level(alert, *, rb_min=0.3):\n"
        "    return alert['candidate']['rb'] > rb_min\n",
        "first, level = level, 0.4\n",
        "@ztfnb.filter\ndef other(alert):\n    return level < 1\n",
        "f = first & other\n",
    ),
}
