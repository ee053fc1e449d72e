from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.filters.decision import Verdict
from ztfnb.filters.difference import difference

P, R, F = Verdict.PASSED, Verdict.REJECTED, Verdict.FAILED


def candids(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_gained_and_lost_are_told_apart() -> None:
    """What passes now and did not is gained; what passed and does not now is lost."""
    found = difference(
        candids(1, 2, 3, 4), np.array([P, R, P, F], np.int8),
        candids(4, 3, 2, 1), np.array([P, P, P, R], np.int8),
    )  # fmt: skip
    assert found.gained.tolist() == [1]
    assert found.lost.tolist() == [2, 4]
    assert found.failing.tolist() == [4]
    assert found.same == 1
    assert found


def test_alerts_that_one_side_lacks_are_counted() -> None:
    """Only what both have is compared, and the rest is said."""
    found = difference(
        candids(1, 2), np.array([P, P], np.int8), candids(2, 3, 4), np.array([P, P, R], np.int8)
    )
    assert (found.same, found.only_here, found.only_there) == (1, 1, 2)
    assert not found
    assert "1 only here, 2 only there" in repr(found)


@given(st.lists(st.tuples(st.sampled_from([P, R, F]), st.sampled_from([P, R, F]))))
def test_a_difference_turned_round_is_its_mirror(pairs: list[tuple[Verdict, Verdict]]) -> None:
    """Gained one way is lost the other way, failing is mended; nothing is lost from view."""
    candid = np.arange(len(pairs), dtype=np.int64)
    now = np.array([one for one, _ in pairs], np.int8)
    then = np.array([other for _, other in pairs], np.int8)
    there, back = difference(candid, now, candid, then), difference(candid, then, candid, now)
    assert there.gained.tolist() == back.lost.tolist()
    assert there.failing.tolist() == back.mended.tolist()
    assert there.same == back.same == sum(one == other for one, other in pairs)
    assert bool(there) == (there.same < len(pairs))
