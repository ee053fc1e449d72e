"""``ztfnb filter export`` and ``ztfnb filter test``: what a terminal and a program are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made import made_packet

from ztfnb.cli import main
from ztfnb.export.command import filter_of
from ztfnb.export.worker.bundle import load_filter, read_bundle

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")
FILTERS = '''
"""Filters of a file, with a module beside it."""

import ztfnb
from beside_it import LIMIT


@ztfnb.filter
def young(alert, *, rb_min=0.5, shift=0.0):
    """Bright and real."""
    candidate = alert["candidate"]
    return candidate["rb"] >= rb_min and candidate["magpsf"] + shift < LIMIT


NUMBER = 1
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with filters in a file, and alerts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("my_filters", "beside_it"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "my_filters.py").write_text(FILTERS)
    (tmp_path / "beside_it.py").write_text("LIMIT = 19.0\n")
    (tmp_path / "night").mkdir()
    for candid in range(1, 21):
        packet = made_packet(candid, magpsf=18.0 + candid * 0.1, rb=0.3 + candid * 0.02)
        (tmp_path / "night" / f"{candid}.avro").write_bytes(packet)
    return tmp_path


def test_from_a_file_to_a_bundle_and_its_test(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The filter of a file is exported with the module beside it; the bundle is tried anywhere."""
    words = ["filter", "export", "my_filters.py:young", "young", "--verify", "night"]
    assert main([*words, "--param", "rb_min=0.4", "--zip", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["filter"], told["alerts"]) == ("young", 20)
    assert told["passed"] + told["rejected"] + told["failed"] == 20
    assert told["passed"] > 0
    assert Path(told["zip"]) == folder / "young.zip"
    bundle = read_bundle(folder / "young")
    assert set(bundle.files) == {"filter.py"}
    assert "LIMIT = 19.0" in (bundle.folder / "filter.py").read_text()
    assert dict(load_filter(bundle).params) == {"rb_min": 0.4, "shift": 0.0}

    assert main(["filter", "test", "young"]) == 0
    assert "alerts decided alike" in capsys.readouterr().out
    assert main(["filter", "test", "young", "--alerts", "night", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["alike"] is True
    assert {name: again[name] for name in ("alerts", "passed", "rejected", "failed")} == {
        name: told[name] for name in ("alerts", "passed", "rejected", "failed")
    }
    # As somebody else has it: another process, in the folder itself.
    ran = subprocess.run(
        [sys.executable, "-I", "-m", "ztfnb", "filter", "test", ".", "--json"],
        cwd=folder / "young", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["alike"] is True
    assert not (folder / "young" / "young.versions.jsonl").exists()


def test_a_difference_is_an_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Decisions other than expected end with 1, and name their alerts; so does a changed file."""
    assert main(["filter", "export", "my_filters.py:young", "young", "--verify", "night"]) == 0
    expected = folder / "young" / "fixtures" / "expected.json"
    text = expected.read_text()
    told = json.loads(text)
    odd = next(one for one in told["alerts"] if one["verdict"] == "rejected")
    odd["verdict"] = "passed"
    expected.write_text(json.dumps(told))
    capsys.readouterr()
    assert main(["filter", "test", "young", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["alike"] is False
    assert [one["candid"] for one in found["different"]] == [odd["candid"]]
    assert main(["filter", "test", "young"]) == 1
    assert odd["candid"] in capsys.readouterr().out
    expected.write_text(text)
    source = folder / "young" / "filter.py"
    source.write_text(source.read_text().replace(">=", "<="))
    assert main(["filter", "test", "young"]) == 1
    assert "is not what was exported" in capsys.readouterr().err
    assert main(["filter", "test", "nowhere"]) == 2
    assert "nowhere is no bundle" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["my_filters.py"], 2, "expected my_filters.py:young or package.module:young"),
        (["my_filters.py:NUMBER"], 2, "defines no filter called 'NUMBER'; it has young"),
        (["no_file.py:young"], 2, "there is no file"),
        (["no.module:young"], 2, "ModuleNotFoundError"),
        (["broken.py:young"], 2, "ZeroDivisionError"),
        (["code.py:young"], 2, "like none of Python's own"),
        (["my_filters.py:young", "--param", "rb_min"], 2, "--param: expected NAME=VALUE"),
        (["my_filters.py:young", "--param", "rb_min=high"], 2, "--param: rb_min: expected a num"),
        (["my_filters.py:young", "--param", "rb=1"], 2, "--param: young has no threshold 'rb'"),
        (["my_filters.py:young"], 1, "there is no alert to prove young on"),
        (["my_filters.py:young", "--verify", "nowhere"], 1, "nowhere"),
    ],
)
def test_what_cannot_be_exported(
    words: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what was expected; 2 are wrong arguments, 1 the rest; nothing is written."""
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "code.py").write_text(FILTERS)
    assert main(["filter", "export", words[0], "young", *words[1:]]) == code
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1
    assert not (folder / "young").exists()


def test_pins_of_a_file_lie_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the working directory is, the filter of a file has its pins."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert filter_of(str(folder / "my_filters.py") + ":young").home == folder
