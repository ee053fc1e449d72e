"""What can be proven is proven; what can no longer be read is told, never passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exporting import alerts, bright

import ztfnb
from ztfnb.errors import ExportError
from ztfnb.export.evidence import Evidence
from ztfnb.export.leaks import check_leaks, without_places
from ztfnb.filters.filter import Filter

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Filter:
    monkeypatch.chdir(tmp_path)
    return bright(tmp_path)


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """The alerts as files."""
    folder = tmp_path / "night"
    folder.mkdir()
    for alert in alerts():
        (folder / f"{alert.candid}.avro").write_bytes(alert.raw)
    return folder


def test_packets_that_are_gone_are_told(made: Filter, night: Path) -> None:
    """A bundle is proven on what can be read again, and says on how many it is not."""
    report = made.evaluate(night)
    for candid in (2, 3):
        (night / f"{candid}.avro").unlink()
    done = made.export("bundle", verify=report)
    assert done.proof.alerts == len(report) - 2
    assert "not proven on 2 of 12 alerts" in repr(done)
    told = json.loads((done.folder / "provenance.json").read_text())
    assert "not proven on 2 of 12 alerts" in told["remarks"][0]
    assert "not proven on 2 of 12 alerts" in (done.folder / "README.md").read_text()


def test_nothing_left_is_no_proof(made: Filter, night: Path, tmp_path: Path) -> None:
    """Where no packet can be read again there is no bundle."""
    report = made.evaluate(night)
    for path in night.glob("*.avro"):
        path.unlink()
    with pytest.raises(ExportError, match="no packet of night can be read again"):
        made.export("bundle", verify=report)
    assert not (tmp_path / "bundle").exists()


def test_a_stream_and_the_past(made: Filter, night: Path) -> None:
    """A stream is evaluated and proven; a report as of the night itself is, too."""
    with ztfnb.connect(str(night)) as live:
        live.wait("caught up", timeout=60)
        done = made.export("bundle", verify=live)
    assert done.proof.alerts == 12
    assert done.sample == "night"
    past = made.evaluate(night, as_of=True)
    assert made.export("bundle-2", verify=past).proof.alerts == 12


def test_pins_beside_a_report(made: Filter, night: Path) -> None:
    """Pinned alerts are proven, too; those that the report has are counted once."""
    found = {alert.candid: alert for alert in alerts()}
    made.pin(found[1])
    made.pin(found[6], passes=False)
    (night / "1.avro").unlink()
    report = made.evaluate(night)
    pins = made.evaluate([found[1], found[6]])
    candids = [decision.candid for _packet, decision in Evidence(report, pins, ()).packets()]
    assert candids[0] == 1
    assert sorted(candids) == sorted([1, *report.candid.tolist()])


def test_secrets_and_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value of a secret is found in any file, a word is none; folders are not named."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_bytes(b"\xffuse hunter22 and password")
    check_leaks(tmp_path, {"PASSWORD": "password", "TOKEN": "short", "HOME": "hunter22"})
    with pytest.raises(ExportError, match=r"notes/a.txt .* MY_TOKEN") as caught:
        check_leaks(tmp_path, {"MY_TOKEN": "hunter22"})
    assert "hunter22" not in str(caught.value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    text = json.dumps([f"no file {tmp_path}/x.csv", f"{tmp_path.parent}/y"])
    assert json.loads(without_places(text)) == ["no file ./x.csv", "~/y"]
