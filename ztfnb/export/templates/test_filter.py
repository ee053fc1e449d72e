"""The bundle decides here as its filter did in the notebook that it comes from.

Run it where the filter will run: ``python -m pytest``. What judges is what judges in the
container: the process that the worker keeps for its filters, with nothing of a notebook in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ztfnb.export.fixtures import Fixture, read_fixtures
from ztfnb.export.proof import decisions_of
from ztfnb.export.worker.bundle import check_files, read_bundle
from ztfnb.export.worker.cell import Cell
from ztfnb.export.worker.settings import Limits

HERE = Path(__file__).parent
FIXTURES = read_fixtures(HERE)
MINUTE = 60.0


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    """Return the process of the worker, ready to judge."""
    with closing(Cell([HERE], Limits())) as started:
        started.start()
        yield started


def test_files_are_as_exported() -> None:
    """Every file that decides has the checksum that it was exported with."""
    check_files(read_bundle(HERE))


def test_filter_is_the_exported_one(cell: Cell) -> None:
    """The source means here what it meant in the notebook, with the same thresholds."""
    expected = json.loads((HERE / "fixtures" / "expected.json").read_text("utf-8"))
    [loaded] = cell.filters
    assert loaded.hash == expected["hash"]
    assert dict(loaded.params) == expected["params"]


@pytest.mark.parametrize(
    "fixture", FIXTURES, ids=[f"{one.decision.candid}-{one.why}" for one in FIXTURES]
)
def test_decides_as_in_the_notebook(cell: Cell, fixture: Fixture) -> None:
    """Verdict and annotations are the same; where it failed there, it fails here."""
    cell.submit([fixture.packet])
    judged = cell.poll(MINUTE)
    assert judged is not None
    [found] = decisions_of(judged)
    assert found == fixture.decision, f"expected {fixture.decision}, found {found}"
