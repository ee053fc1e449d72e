"""The form that exports the filter of a lab: what it writes is proven, what it refuses is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cells import Notebook
from exporting import alerts, bright
from made import made_packet

import ztfnb
from ztfnb.errors import ConfigError
from ztfnb.export.worker.bundle import read_bundle
from ztfnb.widgets.exportform import ExportForm
from ztfnb.widgets.lab import Lab

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")
CHANCE = """
    import random
    import ztfnb

    @ztfnb.filter
    def lucky(alert):
        return random.random() < 0.5
    """


def until(condition: Callable[[], bool]) -> None:
    """Wait for threads, which tell nobody when they are done."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def say(part: Any, **message: Any) -> None:
    part._on_message(part, message, [])


def ended(form: ExportForm) -> dict[str, Any]:
    """Wait for the end of an export; return what is shown of it."""
    until(lambda: form._work["state"] in ("done", "failed"))
    return dict(form._work)


@pytest.fixture
def form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExportForm:
    monkeypatch.chdir(tmp_path)
    made = ExportForm()
    made.offer(bright(tmp_path).evaluate(alerts()))
    return made


def test_a_bundle_and_its_zip(form: ExportForm, tmp_path: Path) -> None:
    """A press writes the folder below the notebook's, tells the proof, and hands over the zip."""
    assert form._offer["folder"] == "bright"
    assert "bright(rb_min=0.5), to be proven on the 12 alerts" in form._offer["what"]
    states: list[str] = []
    form.observe(lambda change: states.append(change["new"]["state"]), "_work")
    say(form, kind="export", folder=" bright ", archive=True, fresh=False, overwrite=False)
    told = ended(form)
    assert states[0] == "running"
    assert told["state"] == "done"
    assert "12 alerts decided alike" in told["words"]
    assert (told["folder"], told["zip"]) == ("bright", "bright.zip")
    assert form.exported is not None
    assert read_bundle(tmp_path / "bright").hash == form.exported.hash
    handed: list[Any] = []
    form.hand_over = lambda *given: handed.append(given)  # type: ignore[method-assign]
    say(form, kind="download")
    [(name, content, kind)] = handed
    assert (name, kind) == ("bright.zip", "application/zip")
    (tmp_path / "got.zip").write_bytes(content)
    assert "bright/filter.py" in ZipFile(tmp_path / "got.zip").namelist()

    say(form, kind="export", folder="bright")
    told = ended(form)
    assert told["state"] == "failed"
    assert "holds a bundle of bright" in told["words"]
    say(form, kind="export", folder="bright", overwrite=True)
    assert ended(form)["state"] == "done"


def test_what_cannot_be_done_is_told(form: ExportForm) -> None:
    """Without a name, or without a report, nothing begins; words of a page are no options."""
    say(form, kind="export", folder="  ", archive="yes")
    assert form._work["words"] == "name a folder for the bundle"
    form.offer(None)
    with pytest.raises(ConfigError, match="not been evaluated"):
        form.start("bundle")


def test_differing_alerts_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bundle decides otherwise can be looked at in the gallery of the lab."""
    monkeypatch.chdir(tmp_path)
    many = [ztfnb.decode(made_packet(candid)) for candid in range(1, 65)]
    lab = Lab(Notebook().run(CHANCE)["lucky"], many)
    try:
        lab.wait()
        form = lab.tabs.exporting
        until(lambda: bool(form._offer["what"]))
        say(form, kind="export", folder="lucky")
        told = ended(form)
        assert told["state"] == "failed"
        assert 0 < told["differing"] <= len(many)
        assert not (tmp_path / "lucky").exists()
        say(form, kind="differing")
        assert lab.verdicts.chosen == "further"
        name, listing = lab._further
        assert name == "further"
        assert listing is not None
        assert listing.title == "decided otherwise by the bundle"
        assert len(listing.candids) == told["differing"]
    finally:
        lab.close()
