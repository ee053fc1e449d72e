"""Samples: alerts by place and candid, and their fields."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from made import made_alert, made_packet

import ztfnb
from ztfnb.errors import NotHeldError, SelectionError
from ztfnb.filters.archived import PathSample
from ztfnb.filters.evaluate import sample_of
from ztfnb.filters.listed import ListSample
from ztfnb.filters.sample import Sample


@pytest.fixture(params=["dictionaries", "alerts", "path"])
def sample(request: pytest.FixtureRequest, tmp_path: Any) -> Sample:
    """Five alerts in some form, of which one has no rb and one no distance of a known object."""
    values = [
        made_packet(candid, rb=None if candid == 2 else candid / 10) for candid in (5, 2, 4, 1, 3)
    ]
    if request.param == "path":
        for number, value in enumerate(values):
            (tmp_path / f"{number}.avro").write_bytes(value)
        return sample_of(tmp_path).completed()
    alerts: list[Any] = [ztfnb.decode(value) for value in values]
    if request.param == "dictionaries":
        alerts = [alert.as_dict() for alert in alerts]
    return sample_of(alerts).completed()


def test_alerts_are_found_by_place_and_candid(sample: Sample) -> None:
    """In the order that they had."""
    assert sample.candid.tolist() == [5, 2, 4, 1, 3]
    assert sample.places([1, 5]).tolist() == [3, 0]
    assert sample.alert(4)["candidate"]["candid"] == 4
    assert [a["candid"] for a in sample.light([4, 0])] == [3, 5]
    assert [(p, a["candid"]) for p, a in sample.whole([4, 0], in_order=True)] == [(4, 3), (0, 5)]  # type: ignore[index]
    assert dict(sample.whole([4, 0])).keys() == {0, 4}
    for candid in (0, 6, 2**62):
        with pytest.raises(NotHeldError, match=f"candid {candid} is not among"):
            sample.alert(candid)


def test_columns_tell_what_is_missing(sample: Sample) -> None:
    """A null is missing; a field that no alert has is an error."""
    values, missing = sample.column("rb")
    assert missing.tolist() == [False, True, False, False, False]
    assert values[~missing].tolist() == pytest.approx([0.5, 0.4, 0.1, 0.3])
    names, missing = sample.column("objectId")
    assert names.tolist()[0] == "ZTF260000005"
    assert not missing.any()
    with pytest.raises(SelectionError, match="nonsense"):
        sample.column("nonsense")
    assert np.argsort(sample.jd).tolist() == [3, 1, 4, 2, 0]


def test_a_sample_is_read_once_and_stays() -> None:
    """A generator is kept, and a sample of a report can be evaluated on again."""
    sample = ListSample(made_alert(candid) for candid in (1, 2, 3))
    assert not sample.complete
    assert sample.completed() is sample
    assert [len(batch) for batch in sample.batches()] == [3]
    assert [len(batch) for batch in sample.batches()] == [3]
    assert sample.name == "3 alerts"
    assert sample_of(sample) is sample


def test_values_of_several_kinds_are_one_column() -> None:
    """NaN is missing too; whole numbers stay whole numbers."""
    alerts = [made_alert(1, rb=math.nan, nbad=3), made_alert(2, rb=1, nbad=None)]
    sample = ListSample(alerts).completed()
    values, missing = sample.column("rb")
    assert missing.tolist() == [True, False]
    assert values[1] == 1
    values, missing = sample.column("nbad")
    assert (values[0], missing.tolist()) == (3, [False, True])


def test_several_paths_are_named() -> None:
    """The name says what was read."""
    from packets import ALERTS  # noqa: PLC0415 - only where they are

    if not ALERTS.is_dir():
        pytest.skip("no real ZTF packets here")
    one = PathSample([ALERTS / "v3.3"])
    two = PathSample([ALERTS / "v3.3", ALERTS / "v4.01"])
    assert one.name == "v3.3"
    assert two.name == "2 paths: v3.3, v4.01"
