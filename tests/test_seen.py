"""The set of candids of a ring."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ztfnb.seen import Seen

# Few different keys, extreme ones among them, so that they meet again.
KEYS = st.one_of(st.integers(-3, 40), st.sampled_from([-(2**63), 2**63 - 1, 2**32, -1]))
STEPS = st.lists(st.tuples(st.lists(KEYS, max_size=60), st.booleans()), max_size=30)


@given(STEPS, st.integers(1, 4))
@settings(max_examples=200)
def test_it_answers_as_a_dictionary_does(steps: list[tuple[list[int], bool]], span: int) -> None:
    """The first of equal keys is new, unless one came in a block that is still held."""
    seen = Seen()
    reference: dict[int, int] = {}
    block = 1
    for keys, next_block in steps:
        block += next_block
        oldest = max(1, block - span)
        expected = []
        for place, key in enumerate(keys):
            if reference.get(key, 0) < oldest:
                reference[key] = block
                expected.append(place)
        assert seen.add(np.array(keys, np.int64), block, oldest).tolist() == expected


def test_it_stays_as_small_as_what_is_held() -> None:
    """Keys of blocks that have left make room, however many pass through."""
    seen = Seen()
    rng = np.random.default_rng(1)
    for block in range(1, 201):
        keys = rng.integers(-(2**63), 2**63 - 1, 500)
        assert len(seen.add(keys, block, max(1, block - 4))) == 500
        assert len(seen.add(keys, block, max(1, block - 4))) == 0
    assert seen.nbytes <= 12 * 8192


def test_keys_that_share_their_low_or_high_bits_do_not_crowd() -> None:
    """Candids of one exposure, and keys chosen to look alike, are all found again."""
    for keys in (np.arange(20_000) << 40, np.arange(20_000), np.arange(20_000) * 10_000_019):
        seen = Seen(expected=20_000)
        assert len(seen.add(keys, 1, 1)) == 20_000
        assert len(seen.add(keys[::-1].copy(), 1, 1)) == 0
