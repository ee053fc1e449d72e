"""Filters made of filters: both, either, the opposite; each a function that a person can read.

The source is generated, and shown and explained like any other; it can be pasted in a cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import Any

from ztfnb.errors import FilterError
from ztfnb.filters import sources
from ztfnb.filters.decision import merged, passes
from ztfnb.filters.filter import Filter
from ztfnb.filters.head import head
from ztfnb.filters.threshold import Threshold, Value, threshold_of
from ztfnb.syntax import tree_of

_IMPORTS = "import ztfnb\nfrom ztfnb.filters import merged, passes\n"
_BEFORE = "\n\n@ztfnb.filter\n"
_LONGEST_NAME = 80


def both(a: Filter, b: Filter) -> Filter:
    """Return the filter that passes what both pass, with the annotations of both."""
    first, second = _calls((a, b))
    return _made(
        f"{a.name}_and_{b.name}",
        f"Pass what both {a.name} and {b.name} pass, with the annotations of both.",
        (first, second),
        f"{first.says} = {first.text}",
        f"if not passes({first.says}):",
        "    return False",
        f"{second.says} = {second.text}",
        f"if not passes({second.says}):",
        "    return False",
        f"return merged({first.name}={first.says}, {second.name}={second.says})",
    )


def either(a: Filter, b: Filter) -> Filter:
    """Return the filter that passes what one of both passes, with the annotations of those.

    Both run on every alert: where one fails, so does the whole, and nothing is hidden.
    """
    first, second = _calls((a, b))
    return _made(
        f"{a.name}_or_{b.name}",
        f"Pass what {a.name} or {b.name} passes, with the annotations of those that do.",
        (first, second),
        f"{first.says} = {first.text}",
        f"{second.says} = {second.text}",
        f"if not (passes({first.says}) or passes({second.says})):",
        "    return False",
        f"return merged({first.name}={first.says}, {second.name}={second.says})",
    )


def opposite(a: Filter) -> Filter:
    """Return the filter that passes what this one rejects; what fails there fails here."""
    (call,) = _calls((a,))
    return _made(
        f"not_{a.name}",
        f"Pass what {a.name} rejects.",
        (call,),
        f"{call.says} = {call.text}",
        f"return not passes({call.says})",
    )


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of one part in the generated source."""

    part: Filter
    name: str
    """What the part is called there."""
    thresholds: Mapping[str, Threshold]
    """Those of the part by its own names, as the combination has them."""

    @property
    def says(self) -> str:
        return f"{self.name}_says"

    @property
    def text(self) -> str:
        given = [f"{own}={shown.name}" for own, shown in self.thresholds.items()]
        return f"{self.name}({', '.join(['alert', *given])})"


def _calls(parts: tuple[Filter, ...]) -> list[_Call]:
    """Name the parts and their thresholds: as they are, unless two have the same."""
    counted = [one.name for part in parts for one in part.thresholds]
    taken = {"alert", "merged", "passes"}
    shown: list[dict[str, Threshold]] = []
    for part in parts:
        names = {}
        for one in part.thresholds:
            alone = counted.count(one.name) == 1
            name = _free(one.name if alone else f"{part.name}_{one.name}", taken)
            names[one.name] = replace(one, name=name, default=part.params[one.name])
        shown.append(names)
    calls = []
    for part, names in zip(parts, shown, strict=True):
        name = _free(part.name, taken, also="_says")
        calls.append(_Call(part, name, names))
    return calls


def _free(name: str, taken: set[str], also: str = "") -> str:
    """Return a name that is not taken, and take it."""
    numbered = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    free = next(one for one in numbered if not {one, f"{one}{also}"} & taken)
    taken |= {free, f"{free}{also}"}
    return free


def _made(name: str, doc: str, calls: Sequence[_Call], *body: str) -> Filter:
    if len(name) > _LONGEST_NAME:
        digest = sha256(name.encode()).hexdigest()[:8]
        name = f"{name[:_LONGEST_NAME]}_{digest}"
    settings = [_setting(one) for call in calls for one in call.thresholds.values()]
    text = "\n".join([*head(name, settings), *_lines(doc, body), ""])
    parts = {call.name: call.part for call in calls}
    return _defined(name, text, parts)


def _lines(doc: str, body: Sequence[str]) -> Iterator[str]:
    return (f"    {line}" for line in (f'"""{doc}"""', *body))


def _setting(one: Threshold) -> str:
    """Return a threshold as it is written in a signature."""
    value = repr(one.default)
    plain = f"{one.name}={value}"
    if one.kind == "choice":
        return f"{one.name}: {list(one.choices)!r} = {value}"
    if one.bounded and one.low is not None:
        low, *others = one.low, one.high, one.step
        # The shortest that says the same.
        for stated in ((low, *others[:1]), (low, *others), (float(low), *others)):
            if threshold_of(one.name, one.default, stated) == one:
                return f"{one.name}: {stated!r} = {value}"
    if one.kind == "float" and isinstance(one.default, int):
        return f"{one.name}: float = {value}"
    return plain


def _defined(name: str, text: str, parts: Mapping[str, Filter]) -> Filter:
    """Define the function of a text, and make its source one that can be read anywhere."""
    whole = _IMPORTS + _BEFORE + text
    file = f"<ztfnb {name} {sha256(whole.encode()).hexdigest()[:8]}>"
    sources.keep(file, whole)
    definition = tree_of(whole)
    definition.body = definition.body[-1:]
    definition.body[0].decorator_list = []  # type: ignore[attr-defined]
    module = next((part.function.__module__ for part in parts.values() if part.local), __name__)
    known: dict[str, Any] = {"__name__": module, "merged": merged, "passes": passes, **parts}
    exec(compile(definition, file, "exec"), known)  # noqa: S102 - text that was made right here
    function = known[name]
    if not isinstance(function, FunctionType):
        raise FilterError(f"{name}: expected a function, got {function!r}")
    return Filter(function, parts=tuple(parts.values()))


def cell_of(made: Filter) -> str:
    """Return a combination as a cell: its source, after that of the combinations in it."""
    seen = dict.fromkeys(_combinations(made))
    return _IMPORTS + "".join(f"{_BEFORE}{text}" for text in seen)


def _combinations(made: Filter) -> Iterator[str]:
    for part in made.parts:
        yield from _combinations(part)
    if made.parts:
        yield made.source


def again(
    name: str,
    text: str,
    parts: Mapping[str, Filter],
    params: Mapping[str, Value],
    home: Path,
) -> Filter:
    """Make a combination again that was sent from another process."""
    return _defined(name, text, parts).with_params(**params)._with(home=home)  # noqa: SLF001
