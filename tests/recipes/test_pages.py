from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from packets import ALERTS, needs_real_packets

import ztfnb
from ztfnb.filters.report import Report
from ztfnb.simulate import Survey

DOCS = Path(__file__).parents[2] / "docs"
INDEX = DOCS / "recipes" / "README.md"


def test_the_snippet_of_the_index_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a night of one's own it evaluates, loosens, combines and shows the source."""
    monkeypatch.chdir(tmp_path)
    packets = list(Survey(seed=3, alerts_per_night=2_000).packets("2026-01-15", limit=40))
    ztfnb.save([ztfnb.decode(packet.value) for packet in packets], "night.tar.gz")
    names: dict[str, Any] = {}
    for snippet in re.findall(r"```python\n(.*?)```", INDEX.read_text(), re.DOTALL):
        exec(snippet, names)  # noqa: S102 - the documentation's own
    assert isinstance(names["report"], Report)
    assert len(names["report"].candid) == len(packets)
    assert names["looser"].params["star_radius"] == 1.0
    assert set(names["good"].params) > {"rb_min", "gap_min"}
    assert capsys.readouterr().out.startswith("def transient(")


@pytest.mark.parametrize("name", ztfnb.recipes.__all__)
def test_helpers_are_had_from_the_module(name: str) -> None:
    """Though the package's attribute is the filter, its module can be imported from."""
    module = importlib.import_module(f"ztfnb.recipes.{name}")
    assert getattr(module, name) is getattr(ztfnb.recipes, name)


@needs_real_packets
@pytest.mark.parametrize("name", ztfnb.recipes.__all__)
def test_the_page_has_the_funnel_of_the_night(name: str) -> None:
    """Every number of it: ``docs/record_funnels.py NIGHT --only-night`` writes it anew."""
    spec = importlib.util.spec_from_file_location("record_funnels", DOCS / "record_funnels.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (DOCS / "recipes" / f"{name}.md").read_text()
    told = script.told_of_night(getattr(ztfnb.recipes, name), ALERTS / "night-20181128")
    assert script.written(page, "night", told) == page
