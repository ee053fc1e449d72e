"""What became of alerts, noted by place."""

from __future__ import annotations

import numpy as np
import pytest
from cells import Notebook
from hypothesis import given
from hypothesis import strategies as st
from made import made_alert, made_packet

import ztfnb
from ztfnb.errors import ConfigError
from ztfnb.filters.filter import Filter
from ztfnb.filters.judge import Judge, Judgement, candid_of


def by_outcome() -> Filter:
    """A filter that does what its alert says."""
    made: Filter = Notebook("elsewhere").run(
        """
        import ztfnb

        @ztfnb.filter
        def by_outcome(alert):
            if alert["outcome"] == "fails":
                raise ValueError
            return alert["outcome"]
        """
    )["by_outcome"]
    return made


OUTCOMES = st.sampled_from([True, False, {"a": 1}, "fails"])


def judged(outcomes: list[object], first: int = 1) -> Judgement:
    judge = Judge(by_outcome())
    for place in judge.judgement.extend(len(outcomes)):
        judge(place, {"candid": first + place, "outcome": outcomes[place]})
    return judge.judgement


def told(judgement: Judgement) -> list[object]:
    """Verdict, and whether a failure and annotations are noted, for each place."""
    return [
        (verdict, place in judgement.failures, place in judgement.notes)
        for place, verdict in enumerate(judgement.verdict)
    ]


WORDS = {True: (1, False, False), False: (0, False, False), "fails": (-1, True, False)}


def expected(outcomes: list[object]) -> list[object]:
    return [(1, False, True) if isinstance(one, dict) else WORDS[one] for one in outcomes]


pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")


@given(st.lists(OUTCOMES, max_size=12), st.data())
def test_what_is_judged_again_leaves_no_trace(before: list[object], data: st.DataObject) -> None:
    """A failure or an annotation of the first time is gone."""
    after = data.draw(st.lists(OUTCOMES, min_size=len(before), max_size=len(before)))
    judge = Judge(by_outcome(), judged(before))
    for place, outcome in enumerate(after):
        judge(place, {"candid": place, "outcome": outcome})
    assert told(judge.judgement) == expected(after)


@given(st.lists(st.lists(OUTCOMES, max_size=5), max_size=4))
def test_parts_are_joined_in_order(parts: list[list[object]]) -> None:
    """As if all had been judged together."""
    whole = Judgement()
    for part in parts:
        whole.add(judged(part))
    assert told(whole) == expected([one for part in parts for one in part])


@given(st.lists(OUTCOMES, min_size=1, max_size=8), st.data())
def test_some_are_taken_and_replaced(outcomes: list[object], data: st.DataObject) -> None:
    """In the order asked for; the rest stays, and so does what was copied."""
    order = data.draw(st.permutations(range(len(outcomes))))
    count = data.draw(st.integers(0, len(outcomes)))
    places = order[:count]
    whole = judged(outcomes)
    taken = whole.taken(np.array(places, np.intp))
    assert told(taken) == expected([outcomes[place] for place in places])
    others = data.draw(st.lists(OUTCOMES, min_size=count, max_size=count))
    copy = whole.copy()
    copy.put(places, judged(others))
    replaced = dict(zip(places, others, strict=True))
    assert told(copy) == expected([replaced.get(n, one) for n, one in enumerate(outcomes)])
    assert told(whole) == expected(outcomes)


def test_an_alert_is_known_by_its_candid() -> None:
    """At the top level, in the candidate, or as Rubin has it; else it is no alert."""
    assert candid_of(ztfnb.decode(made_packet(5))) == 5
    assert candid_of(made_alert(6)) == 6
    assert candid_of({"candidate": {"candid": np.int64(7)}}) == 7
    assert candid_of({"diaSource": {"diaSourceId": 8}}) == 8
    for odd in ({}, {"candid": "9"}, {"candid": None, "candidate": None}, {"candid": 1.5}):
        with pytest.raises(ConfigError, match="without a candid"):
            candid_of(odd)
    with pytest.raises(ConfigError, match="at most 64 bits, got 9223372036854775808"):
        candid_of({"candid": 2**63})
