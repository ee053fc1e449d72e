from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import FilterError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.score import score

P, R, F = Verdict.PASSED, Verdict.REJECTED, Verdict.FAILED
CANDID = np.arange(1, 7, dtype=np.int64)
VERDICT = np.array([P, P, R, R, F, P], np.int8)
WORDS = {1: "real", 2: "bogus", 3: "real", 4: "bogus", 5: "real", 6: ""}


def test_every_labelled_alert_stands_in_one_of_four_places() -> None:
    """Passed or not, should or should not; a failure counts as not passed and is listed."""
    found = score(CANDID, VERDICT, WORDS)
    assert found.true_passed.tolist() == [1]
    assert found.false_passed.tolist() == [2]
    assert found.missed.tolist() == [3, 5]
    assert found.true_rejected.tolist() == [4]
    assert found.failed.tolist() == [5]
    assert found.wrong.tolist() == [2, 3, 5]
    assert (found.labelled, found.unlabelled) == (5, 1)
    assert found.precision.value == 0.5
    assert found.recall.value == pytest.approx(1 / 3)


def test_the_numbers_are_shown_with_their_sample() -> None:
    """The text says precision, recall, how many labels, and the confusion."""
    text = repr(score(CANDID, VERDICT, WORDS))
    assert "precision 0.5" in text
    assert "5 labelled alerts, 1 without a label" in text
    assert "should not pass" in text
    assert "failed on 1" in text


def test_words_that_should_pass_can_be_named() -> None:
    """Other words than `real` say so where they are told."""
    words = {1: "SN", 3: "AGN", 2: "junk"}
    found = score(CANDID, VERDICT, words, positive=["SN", "AGN"])
    assert found.true_passed.tolist() == [1]
    assert found.missed.tolist() == [3]
    with pytest.raises(FilterError, match=r"AGN, SN, junk.*positive="):
        score(CANDID, VERDICT, words)


def test_maybe_is_no_label_unless_it_is_named() -> None:
    """What nobody is sure of neither makes nor mars a filter."""
    words = {1: "good", 2: "maybe", 3: "bad"}
    found = score(CANDID, VERDICT, words)
    assert (found.labelled, found.unlabelled) == (2, 4)
    assert found.precision.value == 1.0
    named = score(CANDID, VERDICT, words, positive=["good", "maybe"])
    assert named.true_passed.tolist() == [1, 2]


def test_true_and_false_are_labels() -> None:
    """A mapping to bool needs no words."""
    found = score(CANDID, VERDICT, {1: True, 2: False, 4: np.False_})
    assert found.precision.value == 0.5
    assert found.true_rejected.tolist() == [4]


def test_all_false_is_no_mistake_of_words() -> None:
    """Labels that say only False leave recall unknown, and raise nothing."""
    assert math.isnan(score(CANDID, VERDICT, {1: False}).recall.value)


def test_labels_of_other_alerts_are_refused() -> None:
    """A score from nothing is an error that says what to do."""
    with pytest.raises(FilterError, match="none of the 6 alerts"):
        score(CANDID, VERDICT, {99: "real"})


@given(
    st.lists(
        st.tuples(st.sampled_from([P, R, F]), st.sampled_from([True, False, None])), min_size=1
    )
)
def test_nothing_is_counted_twice_or_lost(alerts: list[tuple[Verdict, bool | None]]) -> None:
    """Labelled and unlabelled alerts together are the sample."""
    candid = np.arange(len(alerts), dtype=np.int64)
    verdict = np.array([each for each, _label in alerts], np.int8)
    labels = {place: label for place, (_, label) in enumerate(alerts) if label is not None}
    if not labels:
        return
    found = score(candid, verdict, labels)
    assert found.labelled + found.unlabelled == len(alerts)
    assert found.labelled == len(labels)
    assert sum(a + b for _name, a, b in found.confusion) == len(labels)
