from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from ztfnb.errors import FilterError
from ztfnb.filters.completeness import MAGNITUDES, completeness
from ztfnb.filters.decision import Verdict

P, R, F = Verdict.PASSED, Verdict.REJECTED, Verdict.FAILED


@dataclass(frozen=True)
class Told:
    candid: int
    kind: str
    magnitude: float


CANDID = np.arange(6, dtype=np.int64)
VERDICT = np.array([P, R, P, P, F, R], np.int8)
TRUTH = [
    Told(0, "SN Ia", 18.5),
    Told(1, "SN Ia", 19.5),
    Told(2, "SN Ia", 19.0),
    Told(3, "RR Lyrae", 15.0),
    Told(4, "SN Ia", 20.5),
    Told(5, "hot pixel", math.nan),
    Told(99, "AGN", 17.0),
]


def test_each_class_has_its_share_that_passed() -> None:
    """Two of four SN Ia pass, one failed; alerts outside the sample do not count."""
    rows = {row.kind: row for row in completeness(CANDID, VERDICT, TRUTH)}
    assert set(rows) == {"SN Ia", "RR Lyrae", "hot pixel"}
    assert (rows["SN Ia"].alerts, rows["SN Ia"].passed, rows["SN Ia"].failed) == (4, 2, 1)
    assert rows["SN Ia"].completeness.value == 0.5
    assert rows["hot pixel"].completeness.value == 0.0


def test_the_most_complete_class_comes_first() -> None:
    """Classes are in order of what they are found by."""
    assert [row.kind for row in completeness(CANDID, VERDICT, TRUTH)] == [
        "RR Lyrae", "SN Ia", "hot pixel"
    ]  # fmt: skip


def test_bins_of_magnitude_begin_with_their_lower_edge() -> None:
    """19.0 belongs to 19 to 20; what has no magnitude has a row of its own."""
    rows = completeness(CANDID, VERDICT, TRUTH, magnitudes=MAGNITUDES)
    supernovae = {(row.low, row.high): row for row in rows if row.kind == "SN Ia"}
    assert {key: (row.alerts, row.passed) for key, row in supernovae.items()} == {
        (18.0, 19.0): (1, 1), (19.0, 20.0): (2, 1), (20.0, math.inf): (1, 0)
    }  # fmt: skip
    (artefact,) = (row for row in rows if row.kind == "hot pixel")
    assert math.isnan(artefact.low)
    assert sum(row.alerts for row in rows) == 6


def test_the_truth_of_another_night_is_refused() -> None:
    """Nothing known of the sample is an error, not an empty table."""
    with pytest.raises(FilterError, match="truth tells nothing"):
        completeness(CANDID, VERDICT, [Told(99, "AGN", 17.0)])
