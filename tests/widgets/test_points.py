"""What the page is given of a light curve's plot."""

from __future__ import annotations

import json

import numpy as np
from made import NIGHT_JD, made_alert

from ztfnb import photometry
from ztfnb.bands import COLOURS
from ztfnb.curveplot import plot_of
from ztfnb.widgets._points import payload_of


def test_payload() -> None:
    """Numbers travel as bytes, as JSON has no NaN; the legend names bands and signs."""
    alert = made_alert(1)
    alert["prv_candidates"] = [
        {"jd": NIGHT_JD - 2, "fid": 1, "pid": 5, "diffmaglim": 20.5, "programid": 1}
    ]
    payload = payload_of(plot_of(photometry(alert)), ["a limit", "a detection"])
    points = payload.pop("points")
    numbers = {
        name: np.frombuffer(values, "<f8").tolist()
        for name, values in points.items()
        if isinstance(values, bytes)
    }
    assert np.isnan(numbers["lower"][0])
    assert numbers["rows"] == [0, 1]
    assert numbers["alpha"][1] == 1.0
    assert points["told"] == ["a limit", "a detection"]
    assert points["fill"] == ["rgba(0, 0, 0, 0)", COLOURS[2]]
    assert [band["name"] for band in payload["bands"]] == ["g", "r"]
    assert payload["legend"] == [["inverted_triangle", "open", "5-sigma limit"]]
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
