"""Combinations decide as their parts together, and their source says how."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import cloudpickle
import pytest
from cells import Notebook
from hypothesis import given
from hypothesis import strategies as st

import ztfnb
from ztfnb.errors import FilterError
from ztfnb.filters.combine import cell_of
from ztfnb.filters.decision import annotations_of, passes
from ztfnb.filters.instrument import traced
from ztfnb.filters.threshold import threshold_of

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")


def filter_of_numbers(function: Callable[..., Any]) -> Any:
    """A filter that is tried on plain numbers."""
    return ztfnb.filter(function)


@filter_of_numbers
def low(alert: Any, *, limit: Annotated[float, (0, 10)] = 5, strict: bool = False) -> Any:
    return {"height": alert} if (alert < limit if strict else alert <= limit) else None


@filter_of_numbers
def high(
    alert: Any, *, limit: Annotated[int, (0, 10)] = 3, band: Annotated[str, ["g", "r"]] = "g"
) -> Any:
    return {"band": band, "height": alert + (band == "r")} if alert >= limit else False


@filter_of_numbers
def even(alert: Any) -> Any:
    return alert % 2 == 0


@filter_of_numbers
def broken(_alert: Any, *, reason: str = "why") -> Any:
    raise KeyError(reason)


SINGLE: dict[str, Any] = {"low": low, "high": high, "even": even}


@given(st.data(), st.integers(-1, 11))
def test_decides_as_its_parts(data: st.DataObject, alert: int) -> None:
    """Nested combinations of any filters pass what logic says of their parts."""
    pairs: st.SearchStrategy[tuple[Any, Callable[[Any], bool]]] = st.recursive(
        st.sampled_from([(one, lambda x, one=one: passes(one(x))) for one in SINGLE.values()]),
        lambda inner: (
            st.tuples(inner, inner).map(
                lambda two: (two[0][0] & two[1][0], lambda x: two[0][1](x) and two[1][1](x))
            )
            | st.tuples(inner, inner).map(
                lambda two: (two[0][0] | two[1][0], lambda x: two[0][1](x) or two[1][1](x))
            )
            | inner.map(lambda one: (~one[0], lambda x: not one[1](x)))
        ),
        max_leaves=5,
    )
    made, expected = data.draw(pairs)
    assert passes(made(alert)) is expected(alert)


def test_annotations_of_both_travel() -> None:
    """Annotations are put together; where they contradict, both stay."""
    assert (low & high)(4) == {"band": "g", "height": 4}
    assert annotations_of((low & high)(4, band="r")) == {
        "band": "r", "low_height": 4, "high_height": 5,
    }  # fmt: skip
    assert (low | high)(2) == {"height": 2}
    assert (low | high)(6) == {"band": "g", "height": 6}
    assert (low & even)(4) == {"height": 4}
    assert (even & even)(4) is True
    assert not (low & high)(6)
    assert (~low)(6) is True
    assert (~low)(4) is False


def test_thresholds_of_both() -> None:
    """They keep names, ranges and values; a name that both have goes behind the filter's."""
    made = low.with_params(limit=6, strict=True) & high
    assert made.params == {"low_limit": 6, "strict": True, "high_limit": 3, "band": "g"}
    assert made.threshold("low_limit").high == 10
    assert made.threshold("band").choices == ("g", "r")
    assert not made(6)
    assert made(6, strict=False)
    assert made.with_params(high_limit=6, strict=False)(6)
    assert not made.with_params(high_limit=7)(5)
    with pytest.raises(FilterError, match="low_limit: expected a number from 0 to 10"):
        made.with_params(low_limit=11)


@given(
    st.sampled_from(
        [
            *((None, value) for value in (0.5, 3, -2, 0, True, "a'\"\n", 1e-300, 10**20)),
            *(((0, 1), value) for value in (0.5, 1, 0.0)),
            *(((0, 10, 2), value) for value in (4, 0.5)),
            *(((0.0, 10, 0.3), value) for value in (4, 0.5)),
            (["g", "r'"], "r'"), ([1, 2.5, True], 2.5), (float, 3), (int, 3),
        ]
    )
)  # fmt: skip
def test_thresholds_are_written_as_they_are(stated: tuple[Any, Any]) -> None:
    """The generated signature gives the same threshold as the author's."""
    annotation, default = stated
    book = Notebook()
    book.names |= {"stated": annotation, "default": default, "ztfnb": ztfnb}
    text = "x=default" if annotation is None else "x: stated = default"
    book.run(f"@ztfnb.filter\ndef f(alert, *, {text}):\n    return [x]")
    assert (~book["f"]).threshold("x") == threshold_of("x", default, annotation)


def test_one_filter_twice() -> None:
    """Two variants of one filter can be combined; both are set apart from each other."""
    made = high & high.with_params(limit=4)
    assert made.params["high_limit"] == 3
    assert made.params["high_limit_2"] == 4
    assert not made(3)
    assert made(3, high_limit_2=3)
    either = high.with_params(limit=9) | high.with_params(limit=4)
    assert either(5) == {"band": "g", "height": 5}


def test_names_do_not_hide_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters, thresholds and what the source needs may have one name."""
    monkeypatch.chdir(tmp_path)
    book = Notebook()
    book.run("""
        import ztfnb
        @ztfnb.filter
        def passes(alert, *, merged=1, alert_=2):
            return alert > merged
        @ztfnb.filter
        def merged(packet, *, passes=3, alert=1, merged_says=1):
            return {"x": packet > passes}
        """)
    made = book["passes"] & book["merged"]
    assert made(5) == {"x": True}
    assert made(0) is False


def test_failures_are_not_hidden() -> None:
    """Where a part raises, so does the whole, whatever the other says."""
    for made in (low | broken, broken | low, low & broken, ~broken):
        with pytest.raises(KeyError, match="why"):
            made(4)
    assert not (low & broken)(6)  # what one has rejected is not shown to the other


def test_source_can_be_read_and_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is real: inspect has it, and its cell defines the same filter."""
    monkeypatch.chdir(tmp_path)
    made = ~(low & high) | even
    assert made.source.startswith("def not_low_and_high_or_even(")
    assert made.source in inspect.getsource(made.function)
    assert "low_and_high" in made.cell
    book = Notebook()
    book.names |= SINGLE
    book.run(cell_of(made))
    pasted = book[made.name]
    assert pasted.source == made.source
    assert [passes(pasted(alert)) for alert in range(8)] == [
        passes(made(alert)) for alert in range(8)
    ]


def test_long_names_are_cut() -> None:
    """A combination of many has a name that a file can have."""
    made = low
    for _ in range(40):
        made = made & even
    assert len(made.name) < 100
    assert made.name.isidentifier()
    assert made(4)


def test_only_filters_combine() -> None:
    """A plain function is no filter yet."""
    with pytest.raises(TypeError, match="unsupported operand"):
        low & low.function
    with pytest.raises(TypeError, match="unsupported operand"):
        low | 3


def test_files_and_setup_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the parts need is found, run once for all, and told of the whole."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("3")
    (tmp_path / "b.txt").write_text("5")
    book = Notebook()
    book.run("""
        import ztfnb
        runs = []
        def load(model):
            runs.append(model.name)
            return float(model.read_text())
        @ztfnb.filter(files={"model": "a.txt"}, setup=load)
        def a(alert, *, floor):
            return alert > floor
        @ztfnb.filter(files={"model": "b.txt"}, setup=load)
        def b(alert, *, floor):
            return alert < floor
        """)
    made = book["a"] & ~book["b"]
    assert made.files == {"model": tmp_path / "a.txt", "not_b_model": tmp_path / "b.txt"}
    assert made.checksums.keys() == made.files.keys()
    assert made.resources == {}
    assert sorted(book["runs"]) == ["a.txt", "b.txt"]
    assert [bool(made(alert)) for alert in (2, 4, 6)] == [False, False, True]
    assert len(book["runs"]) == 2


def test_sent_to_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Combinations go with their parts, thresholds and source."""
    monkeypatch.chdir(tmp_path)
    made = (low & ~high).with_params(low_limit=2) | even
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    assert again.params == made.params
    assert again.source == made.source
    assert again.hash == made.hash
    book = Notebook()
    book.run("import ztfnb\n@ztfnb.filter\ndef odd(alert): return alert % 2 == 1")
    mixed = low & book["odd"]
    assert mixed.local
    assert not made.local
    assert pickle.loads(cloudpickle.dumps(mixed))(3) == {"height": 3}  # noqa: S301 - our own


def test_explained_by_the_conditions_of_its_parts() -> None:
    """Traced, a combination tells the conditions of its parts and adds none; it may run again."""
    made = ~((low & high) | even)
    found = traced(made)
    assert found.obstacle == ""
    assert not found.stateful
    assert {one.function for one in found.conditions} == {"low", "high", "even"}
    for alert in range(-1, 11):
        run = found.run(alert, made.params, made.resources)
        assert run.value == made(alert)
