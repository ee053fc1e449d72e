"""A filter as one file that stands alone: the same filter, wherever it is loaded."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from export.collecting import alone, decisions_of, filter_of, loaded, written
from export.notebooklike import CASES

from ztfnb.errors import FilterWarning

pytestmark = pytest.mark.filterwarnings(f"ignore::{FilterWarning.__module__}.FilterWarning")


@pytest.mark.parametrize("name", CASES)
def test_the_same_filter(name: str, tmp_path: Path) -> None:
    """What is collected loads as the same filter: same version, thresholds and decisions."""
    made = filter_of(*CASES[name])
    written(made, tmp_path / name)
    again = loaded(tmp_path / name)
    assert (again.hash, again.params) == (made.hash, made.params)
    assert again.thresholds == made.thresholds
    assert decisions_of(again) == decisions_of(made)
