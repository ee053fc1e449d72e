"""Write random functions of one alert, as hypothesis draws them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

NUMBERS = ("rb", "drb", "nbad", "fwhm", "magpsf", "fid", "ndethist", "distnr", "missing")
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
MOST_THRESHOLDS = 9
EXCEPTIONS = ("KeyError", "TypeError", "(KeyError, TypeError)", "ZeroDivisionError", "Exception")

HELPERS = """
def real(c, low=0.5):
    if c["nbad"] > 1:
        return False
    return c["rb"] >= low or c["fid"] == 3

def level(c, base=18):
    return base + c["fid"] if c["rb"] else None

def early(alert):
    for p in alert["prv_candidates"] or []:
        if p["magpsf"] is not None and p["magpsf"] < 18:
            return p["fid"]
"""


class Writer:
    """Writes one function: each choice is drawn, so that a failing one can be made smaller."""

    def __init__(
        self, draw: Callable[[st.SearchStrategy[int]], int], *, compared: bool = False
    ) -> None:
        self._draw = draw
        self._compared = compared
        self._thresholds: list[str] = []
        self._names = 0
        self._flags: list[str] = []
        self._left = 30
        """Statements and operators that may still be written."""

    def below(self, end: int) -> int:
        return self._draw(st.integers(0, end - 1))

    def one_of(self, choices: Sequence[str]) -> str:
        return choices[self.below(len(choices))]

    def function(self) -> str:
        body = self.block(1, 3)
        given = "t0=0.5, t1=2, t2=18.5"
        if self._compared:
            given = ", ".join(self._thresholds) or "s0=1"
            for name, value in (("t0", "0.5"), ("t1", "2"), ("t2", "18.5")):
                body = re.sub(rf"\b{name}\b", value, body)
        return f"{HELPERS}def f(alert, *, {given}):\n    c = alert['candidate']\n{body}"

    def name(self) -> str:
        self._names += 1
        return f"v{self._names}"

    # Statements

    def block(self, depth: int, most: int, *, loop: bool = False) -> str:
        lines = [self.statement(depth, loop=loop) for _ in range(1 + self.below(most))]
        return "".join(lines)

    def statement(self, depth: int, *, loop: bool) -> str:
        self._left -= 1
        if depth > 4 or self._left < 0:
            return self.small(depth, loop=loop)
        kinds = (
            self.small, self.branch, self.branch, self.branches, self.assigned, self.assigned,
            self.walk, self.until, self.attempt, self.cases, self.inside, self.nested,
            self.asserted,
        )  # fmt: skip
        return kinds[self.below(len(kinds))](depth, loop=loop)

    def small(self, depth: int, *, loop: bool) -> str:
        pad = "    " * depth
        choices = ["value", "test", "test", "return", "pass", "return True", "return False"]
        chosen = self.one_of([*choices, "break", "continue"] if loop else choices)
        if chosen in ("value", "test"):
            chosen = f"return {self.value() if chosen == 'value' else self.test()}"
        return f"{pad}{chosen}\n"

    def branch(self, depth: int, *, loop: bool) -> str:
        pad = "    " * depth
        return f"{pad}if {self.test()}:\n{self.block(depth + 1, 2, loop=loop)}"

    def branches(self, depth: int, *, loop: bool) -> str:
        pad = "    " * depth
        found = f"{pad}if {self.test()}:\n{self.block(depth + 1, 2, loop=loop)}"
        if self.below(2):
            found += f"{pad}elif {self.test()}:\n{self.block(depth + 1, 2, loop=loop)}"
        return f"{found}{pad}else:\n{self.block(depth + 1, 2, loop=loop)}"

    def assigned(self, depth: int, *, loop: bool) -> str:
        del loop
        pad, name = "    " * depth, self.name()
        sign = self.one_of(("=", "=", "=", ": object ="))
        found = f"{pad}{name} {sign} {self.test()}\n"
        if depth == 1:
            self._flags.append(name)
        return found

    def asserted(self, depth: int, *, loop: bool) -> str:
        del loop
        return f"{'    ' * depth}assert {self.test()}, {self.value()}\n"

    def walk(self, depth: int, *, loop: bool) -> str:
        del loop
        pad, name = "    " * depth, self.name()
        rows = self.one_of(("alert['prv_candidates'] or []", "range(3)", "(c, c)", "alert"))
        found = f"{pad}for {name} in {rows}:\n{self.block(depth + 1, 2, loop=True)}"
        return found + (f"{pad}else:\n{self.block(depth + 1, 2)}" if self.below(3) == 0 else "")

    def until(self, depth: int, *, loop: bool) -> str:
        del loop
        pad, name = "    " * depth, self.name()
        found = (
            f"{pad}{name} = 0\n{pad}while ({name} := {name} + 1) < 4 and {self.test()}:\n"
            f"{self.block(depth + 1, 2, loop=True)}"
        )
        return found + (f"{pad}else:\n{self.block(depth + 1, 2)}" if self.below(3) == 0 else "")

    def attempt(self, depth: int, *, loop: bool) -> str:
        pad = "    " * depth
        found = f"{pad}try:\n{self.block(depth + 1, 2, loop=loop)}"
        way = self.below(4)
        if way < 3:
            name = self.name()
            found += f"{pad}except {self.one_of(EXCEPTIONS)} as {name}:\n"
            found += self.block(depth + 1, 2, loop=loop)
            found += f"{pad}    {self.one_of(('raise', 'pass', f'return str({name})'))}\n"
        if way == 2:
            found += f"{pad}else:\n{self.block(depth + 1, 2, loop=loop)}"
        if way in (1, 3):
            found += f"{pad}finally:\n{self.block(depth + 1, 2, loop=loop)}"
        return found

    def cases(self, depth: int, *, loop: bool) -> str:
        pad = "    " * depth
        subject = self.one_of(("c['fid']", "c", "alert", "(c['fid'], c['nbad'])", self.value()))
        patterns = [
            "1", "2 | 3", "None", "float(q)", "{'rb': float(q)}", "{'candidate': {'fid': 1}}",
            "(1, q)", "[int(), 0 | 1]", "{'fid': 1 | 2, **rest}", "str() | bool()",
        ]  # fmt: skip
        found = f"{pad}match {subject}:\n"
        for _ in range(1 + self.below(3)):
            guard = f" if {self.test()}" if self.below(3) == 0 else ""
            found += f"{pad}    case {self.one_of(patterns)}{guard}:\n"
            found += self.block(depth + 2, 2, loop=loop)
        if self.below(2):
            found += f"{pad}    case {self.one_of(('_', 'other'))}:\n"
            found += self.block(depth + 2, 2, loop=loop)
        return found

    def inside(self, depth: int, *, loop: bool) -> str:
        pad = "    " * depth
        manager = self.one_of(("suppress(KeyError, TypeError)", "nullcontext()"))
        return f"{pad}with contextlib.{manager}:\n{self.block(depth + 1, 2, loop=loop)}"

    def nested(self, depth: int, *, loop: bool) -> str:
        del loop
        pad, name = "    " * depth, self.name()
        flags, self._flags = self._flags, []
        found = f"{pad}def {name}(x={self.value()}):\n{self.block(depth + 1, 2)}"
        self._flags = flags
        used = self.one_of((f"if {name}():", f"if not {name}(1) and {self.test()}:"))
        return f"{found}{pad}{used}\n{self.block(depth + 1, 2)}"

    # Expressions

    def test(self, depth: int = 0) -> str:  # noqa: C901, PLR0911 - one for each kind
        self._left -= 1
        if depth > 2 or self._left < 0:
            return self.comparison()
        way = self.below(14)
        inner = depth + 1
        match way:
            case 0 | 1:
                return f"({self.test(inner)} and {self.test(inner)})"
            case 2 | 3:
                return f"({self.test(inner)} or {self.test(inner)} or {self.value()})"
            case 4:
                return f"(not {self.test(inner)})"
            case 5:
                return f"({self.test(inner)} if {self.test(inner)} else {self.test(inner)})"
            case 6:
                low, high = self.value(), self.value()
                signs = [self.one_of((*OPERATORS, "is not")) for _ in range(2)]
                return f"({low} {signs[0]} {self.value()} {signs[1]} {high})"
            case 7:
                return f"({self.name()} := {self.test(inner)})"
            case 8:
                calls = (
                    "real(c)",
                    "real(c, t0)",
                    "early(alert)",
                    "level(c, base=t1)",
                    "bool(real(c))",
                )
                return self.one_of(calls)
            case 9:
                rows = "(alert['prv_candidates'] or [])"
                kinds = (
                    f"any(p['magpsf'] is not None for p in {rows})",
                    f"(len([p for p in {rows} if p['fid'] == t1]) >= t1)",
                    f"all({self.comparison()} for c in (c, c))",
                )
                return self.one_of(kinds)
            case 10 if self._flags:
                return self.one_of(self._flags)
            case 11:
                return self.value()
        return self.comparison()

    def comparison(self) -> str:
        way = self.below(6)
        if self._compared and way > 1 and len(self._thresholds) < MOST_THRESHOLDS:
            name = f"s{len(self._thresholds)}"
            self._thresholds.append(f"{name}={self.one_of(('0.5', '1', '2', '18.5'))}")
            sides = [self.value(), name]
            return f"({sides.pop(self.below(2))} {self.one_of(OPERATORS)} {sides[0]})"
        if way == 0:
            return f"({self.value()} {self.one_of(('in', 'not in'))} (1, 2, None))"
        if way == 1:
            return f"({self.value()} {self.one_of(('is', 'is not'))} None)"
        return f"({self.value()} {self.one_of(OPERATORS)} {self.value()})"

    def value(self) -> str:
        way = self.below(9)
        field = self.one_of(NUMBERS)
        if way == 7 and self._left > 0:
            self._left -= 1
            return f"(c['{field}'] if {self.comparison()} else t2)"
        choices = (
            f"c['{field}']", f"c['{field}']", f"c.get('{field}')", "t0", "t1", "t2", "1", "0",
            f"c['{field}'] / c['nbad']",
        )  # fmt: skip
        return choices[way]


@st.composite
def sources(draw: st.DrawFn, *, compared: bool = False) -> str:
    """The source of a function ``f``, with the helpers that it calls.

    Its thresholds stand anywhere, or each alone in one comparison.
    """
    return Writer(draw, compared=compared).function()
