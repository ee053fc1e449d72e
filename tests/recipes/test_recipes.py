"""Claims about all recipes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from made import NIGHT_JD
from packets import ALERTS, needs_real_packets
from recipes.given import given

import ztfnb
from ztfnb import recipes
from ztfnb.alert import Alert
from ztfnb.codec import decode, encode
from ztfnb.filters import Filter, passes
from ztfnb.recipes.reading import history

PAGES = Path(__file__).parents[2] / "docs" / "recipes"
ALL = [getattr(recipes, name) for name in recipes.__all__]
READS_HISTORY = set(recipes.__all__) - {"purity"}
each = pytest.mark.parametrize("recipe", ALL, ids=recipes.__all__)


def verdict(recipe: Filter, alert: Mapping[str, Any]) -> bool:
    return passes(recipe(alert))


@each
def test_every_recipe_is_a_filter_of_its_name(recipe: Filter) -> None:
    """`ztfnb.recipes.purity` is the filter, not the module that defines it."""
    assert isinstance(recipe, Filter)
    assert getattr(ztfnb.recipes, recipe.name) is recipe


@each
def test_every_threshold_has_a_range_and_a_word(recipe: Filter) -> None:
    """Each is bounded or a choice, and stands in the docstring with its unit or meaning."""
    for threshold in recipe.thresholds:
        assert threshold.bounded or threshold.choices, threshold.name
        assert re.search(rf"\b{threshold.name}\b", recipe.function.__doc__ or ""), threshold.name


@each
def test_no_real_packet_fails(recipe: Filter, real: dict[str, list[Alert]]) -> None:
    """Schemas from 1.8 to 4.02, with nulls and -999: decided, but for histories of columns."""
    for alerts in real.values():
        for alert in alerts:
            if isinstance(alert["prv_candidates"], Mapping):
                continue  # three packets of a broker: the next test
            assert isinstance(verdict(recipe, alert), bool)


@each
def test_a_history_of_columns_fails(recipe: Filter) -> None:
    """Packets that a broker turned into columns: failed with the reason where they are needed."""
    alert = given() | {"prv_candidates": {"jd": [NIGHT_JD], "magpsf": [18.0]}}
    try:
        recipe(alert)
    except TypeError as error:
        assert recipe.name in READS_HISTORY
        assert "list of records" in str(error)  # noqa: PT017 - it need not be raised


@pytest.fixture(scope="module")
def rewritten(real: dict[str, list[Alert]]) -> list[tuple[Alert, Alert, Alert]]:
    """Alerts as they came, as 3.3 (null last) and as 4.02 (null first)."""
    return [
        (
            alert,
            decode(encode(_filled(alert), "3.3")),
            decode(encode(_filled(alert), "4.02")),
        )
        for alert in (*real["v3.3"], *real["night-20181128"][::4])
    ]


@each
def test_the_order_of_unions_does_not_matter(
    recipe: Filter, rewritten: list[tuple[Alert, Alert, Alert]]
) -> None:
    """An alert is decided alike, however its schema writes what may be null."""
    for came, null_last, null_first in rewritten:
        assert recipe(null_last) == recipe(null_first)
        assert verdict(recipe, null_first) is verdict(recipe, came)


def _filled(alert: Alert) -> dict[str, Any]:
    """The alert's values, with null for what a newer schema has and its own has not."""
    newer = decode(encode(given(), "4.02"))
    candidate = dict.fromkeys(newer["candidate"]) | {"drbversion": ""} | dict(alert["candidate"])
    return {
        **{name: alert[name] for name in ("objectId", "candid", "schemavsn", "publisher")},
        "candidate": candidate,
        "prv_candidates": [dict(entry) for entry in history(alert)] or None,
    }


@each
def test_dictionaries_are_decided_like_alerts(recipe: Filter, real: dict[str, list[Alert]]) -> None:
    """The plain dictionary of a packet gives what the alert gives."""
    for alert in real["v3.3"]:
        assert recipe(alert) == recipe(
            {"candidate": dict(alert["candidate"]), "prv_candidates": history(alert)}
        )


@each
@pytest.mark.parametrize("missing", [None, math.nan, -999.0, -99999.0])
def test_missing_values_never_raise(recipe: Filter, missing: float | None) -> None:
    """Any one nullable field may be missing in any way, or absent: the alert is decided."""
    alert = given()
    never_null = {"jd", "fid", "pid", "candid", "programid", "isdiffpos", "ra", "dec", "magpsf"}
    for name in set(alert["candidate"]) - never_null:
        verdict(recipe, given(**{name: missing}))
        without = given()
        del without["candidate"][name]
        verdict(recipe, without)


@each
def test_the_source_raises_no_remark(recipe: Filter) -> None:
    """The lint has nothing to say of the examples that people learn from."""
    assert recipe.remarks == ()


@needs_real_packets
@each
def test_the_page_says_how_many_pass(recipe: Filter, night: list[Alert]) -> None:
    """The number in the page is that of the real night."""
    page = (PAGES / f"{recipe.name}.md").read_text()
    told = re.search(r"\*\*(\d+) of (\d+)\*\* alerts pass", page)
    assert told
    assert [int(number) for number in told.groups()] == [
        sum(verdict(recipe, alert) for alert in night),
        len(night),
    ]


@each
def test_the_page_lists_every_threshold(recipe: Filter) -> None:
    """With its default, as the source has it."""
    page = (PAGES / f"{recipe.name}.md").read_text()
    for threshold in recipe.thresholds:
        default = threshold.default
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        assert f"| `{threshold.name}` | {shown} |" in page


def test_the_index_lists_every_page() -> None:
    """Every recipe is linked from the index."""
    index = (PAGES / "README.md").read_text()
    for name in recipes.__all__:
        assert f"({name}.md)" in index


@needs_real_packets
def test_rubin_alerts_are_no_ztf_alerts() -> None:
    """They have no candidate: a recipe fails on them, and says so."""
    alert = next(iter(ztfnb.read(ALERTS / "lsst" / "fink-ocf")))
    with pytest.raises(KeyError, match="candidate"):
        recipes.purity(alert)
