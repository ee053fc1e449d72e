"""A filter becomes a folder that decides as it did, or nothing at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from cells import Notebook
from exporting import alerts, bright
from made import made_packet
from packets import ALERTS, needs_real_packets

import ztfnb
from ztfnb import recipes
from ztfnb.errors import ExportError
from ztfnb.export import bundling
from ztfnb.export.collecting.collect import Collected, collect
from ztfnb.export.fixtures import MOST, read_fixtures
from ztfnb.export.lock import shipped_lock
from ztfnb.export.placing import files_in
from ztfnb.export.proof import Difference
from ztfnb.export.worker.bundle import load_filter, read_bundle
from ztfnb.export.zipped import write_zip
from ztfnb.filters.filter import Filter

pytestmark = [
    pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning"),
]
WHOLE = {
    *("filter.py", "bundle.json", "data/levels.json", "fixtures/expected.json", "test_filter.py"),
    *("pyproject.toml", "requirements.txt", "requirements-test.txt", "README.md"),
    *("Dockerfile", ".dockerignore", "compose.yaml", ".github/workflows/image.yaml"),
    *("k8s/deployment.yaml", "k8s/configmap.yaml", "k8s/secret.example.yaml"),
    *("monitoring/grafana-dashboard.json", "provenance.json"),
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Filter:
    monkeypatch.chdir(tmp_path)
    return bright(tmp_path)


def nothing_left(folder: Path) -> bool:
    """Whether an export has left nothing, not even what was begun."""
    return not [one for one in folder.iterdir() if "bundle" in one.name or "partial" in one.name]


def test_a_filter_of_cells(made: Filter, tmp_path: Path) -> None:
    """Helper, constant, data file and setup go along; the loaded bundle is that very filter."""
    chosen = made.with_params(rb_min=0.42)
    report = chosen.evaluate(alerts())
    done = chosen.export("bundle", verify=report)
    assert done.folder == tmp_path / "bundle"
    files = set(files_in(done.folder))
    assert files >= WHOLE
    assert any(name.startswith("wheels/ztfnb-") for name in files)
    bundle = read_bundle(done.folder)
    assert set(bundle.files) == {"filter.py", "data/levels.json"}
    loaded = load_filter(bundle)
    assert loaded.hash == chosen.hash == done.hash
    assert dict(loaded.params) == {"rb_min": 0.42}
    counts = (done.proof.passed, done.proof.rejected, done.proof.failed)
    assert counts == report.counts
    assert min(counts) > 0
    assert done.proof.alerts == len(report) == sum(counts)
    assert nothing_left(tmp_path) is False
    assert not list(tmp_path.glob(".*partial"))


def test_the_newest_evaluation_is_taken(made: Filter, tmp_path: Path) -> None:
    """Without verify, what is held of this very filter counts, and nothing of another."""
    report = made.evaluate(alerts())
    other = made.with_params(rb_min=0.1).evaluate(alerts()[:3])
    done = made.export("bundle")
    assert done.proof.alerts == len(report)
    assert done.sample == report.sample.name
    with pytest.raises(ExportError, match=r"expected a report of <Filter bright\(rb_min=0.5\)>"):
        made.export("bundle-2", verify=other)
    del report, other
    with pytest.raises(ExportError, match="no alert to prove bright on: give verify=live"):
        made.export("bundle-2")
    assert sorted(one.name for one in tmp_path.glob("bundle*")) == ["bundle"]


def test_pins_travel_and_must_be_green(made: Filter, tmp_path: Path) -> None:
    """Pinned alerts are fixtures, and enough to be proven on; a red one stops the export."""
    known = {alert.candid: alert for alert in alerts()}
    made.pin(known[1], passes=True, note="the first")
    made.pin(known[6], passes=False)
    done = made.export("bundle")
    assert done.proof.alerts == 2
    fixtures = {one.decision.candid: one for one in read_fixtures(done.folder)}
    assert {candid: one.why for candid, one in fixtures.items()} == {
        1: "pinned: must pass: the first",
        6: "pinned: must be rejected",
    }
    assert fixtures[1].packet == known[1].raw
    pins = json.loads((done.folder / "provenance.json").read_text())["pins"]
    assert [(one["candid"], one["passes"]) for one in pins] == [("1", True), ("6", False)]

    made.pin(known[7], passes=True)
    with pytest.raises(ExportError, match=r"1 of 3 pins of bright are red: 7 must pass, rejected"):
        made.export("bundle-2", verify=alerts())
    assert not (tmp_path / "bundle-2").exists()


def test_fixtures_show_every_kind(made: Filter) -> None:
    """A few alerts travel along: passed, near misses of each condition, failures."""
    done = made.export(
        "bundle", verify=[*alerts(), *(ztfnb.decode(made_packet(n)) for n in range(20, 90))]
    )
    fixtures = read_fixtures(done.folder)
    assert len(fixtures) == done.fixtures == MOST
    reasons = [one.why.partition(":")[0] for one in fixtures]
    assert {"passed", "near miss", "failed"} <= set(reasons)
    near = {one.why for one in fixtures if one.why.startswith("near miss")}
    assert near == {
        'near miss: candidate["rb"] < rb_min',
        'near miss: candidate["magpsf"] < limits[BANDS[candidate["fid"]]]',
    }


def differing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the bundle decide otherwise, as if something had not been taken along."""

    def other(made: Filter) -> Collected:
        found = collect(made)
        text = found.text.replace(
            'return candidate["magpsf"] <',
            'return candidate["candid"] == 2 or candidate["magpsf"] - 0.3 <',
        )
        assert text != found.text
        return Collected(text, found.distributions, found.files, found.modules, found.imported)

    monkeypatch.setattr(bundling, "collect", other)


def test_another_source_is_refused(
    made: Filter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle whose source is another one is none, whatever it decides."""
    differing(monkeypatch)
    with pytest.raises(ExportError, match="the source of bright in the bundle is not"):
        made.export("bundle", verify=alerts())
    assert nothing_left(tmp_path)


STATE = """
    import ztfnb

    def count():
        return {"seen": 0}

    @ztfnb.filter(setup=count)
    def every_other(alert, *, state):
        state["seen"] += 1
        return state["seen"] % 2 == 0
    """
CHANCE = """
    import random
    import ztfnb

    @ztfnb.filter
    def lucky(alert):
        return random.random() < 0.5
    """
PLACE = """
    import sys
    import ztfnb

    @ztfnb.filter
    def here(alert):
        return "pytest" in sys.modules
    """


def test_what_is_set_for_the_whole_process_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it makes decisions other, the error says what stayed behind, and what to write."""
    monkeypatch.chdir(tmp_path)
    cell = """
    import numpy as np
    import ztfnb

    @ztfnb.filter
    def far(alert):
        return np.float64(alert["candidate"]["magpsf"]) / 0.0 > 20
    """
    with np.errstate(divide="raise"):
        made = Notebook().run(cell)["far"]
        with pytest.raises(ExportError, match=r"np\.seterr\(divide='raise'\).* with np\.errstate"):
            made.export("bundle", verify=[ztfnb.decode(made_packet(1))])


@pytest.mark.parametrize(("cell", "name"), [(CHANCE, "lucky"), (PLACE, "here")])
def test_a_bundle_that_decides_otherwise(
    cell: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chance and the notebook's own state are found out: alerts are named, nothing is written."""
    monkeypatch.chdir(tmp_path)
    made = Notebook().run(cell)[name]
    many = [ztfnb.decode(made_packet(candid)) for candid in range(1, 65)]
    report = made.evaluate(many)
    with pytest.raises(ExportError, match=f"{name}: the bundle decides otherwise") as caught:
        made.export("bundle", verify=report, archive=True)
    differences = [one for one in caught.value.differences if isinstance(one, Difference)]
    assert differences
    assert {one.candid for one in differences} <= set(report.candid.tolist())
    assert str(differences[0].candid) in str(caught.value)
    assert nothing_left(tmp_path)


def test_state_between_alerts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides by the alerts before decides alike in a row, and not on a few of them."""
    monkeypatch.chdir(tmp_path)
    made = Notebook().run(STATE)["every_other"]
    many = [ztfnb.decode(made_packet(candid)) for candid in range(1, 40)]
    with pytest.raises(ExportError, match=r"every_other.*otherwise"):
        made.export("bundle", verify=many)
    assert nothing_left(tmp_path)


def test_what_is_there_stays(made: Filter, tmp_path: Path) -> None:
    """A folder that is no bundle is never touched; a bundle only when that is said."""
    notes = tmp_path / "bundle-notes"
    notes.mkdir()
    (notes / "mine.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ExportError, match="holds no bundle, so it is left alone"):
            made.export(notes, verify=alerts(), overwrite=overwrite)
    assert files_in(notes) == ("mine.txt",)

    first = made.export("bundle", verify=alerts())
    with pytest.raises(ExportError, match=f"holds a bundle of bright {first.version}"):
        made.export("bundle", verify=alerts())
    (first.folder / ".git").mkdir()
    (first.folder / ".git" / "HEAD").write_text("ref: refs/heads/main")
    again = made.with_params(rb_min=0.1).export("bundle", verify=alerts(), overwrite=True)
    assert (first.folder / ".git" / "HEAD").read_text() == "ref: refs/heads/main"
    assert dict(load_filter(read_bundle(again.folder)).params) == {"rb_min": 0.1}
    assert again.before is None
    assert sorted(one.name for one in tmp_path.glob("*bundle*")) == ["bundle", "bundle-notes"]

    (first.folder / "k8s" / "configmap.yaml").write_text("topic: mine")
    third = made.export("bundle", verify=alerts(), overwrite=True)
    assert third.before is not None
    assert (third.before / "k8s" / "configmap.yaml").read_text() == "topic: mine"
    assert "mine" not in (third.folder / "k8s" / "configmap.yaml").read_text()
    assert "changed by hand" in repr(third)
    assert (third.folder / ".git" / "HEAD").exists()


def test_its_own_tests_pass_and_can_fail(made: Filter, tmp_path: Path) -> None:
    """Whoever gets the folder runs its tests; a file that was changed, or a decision, is seen."""
    done = made.export(tmp_path / "bundle", verify=alerts())

    def tested() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=done.folder, env=dict(os.environ), capture_output=True, text=True, check=False,
        )  # fmt: skip

    first = tested()
    assert first.returncode == 0, first.stdout
    assert f"{done.fixtures + 2} passed" in first.stdout
    expected = done.folder / "fixtures" / "expected.json"
    text = expected.read_text()
    expected.write_text(text.replace('"verdict": "passed"', '"verdict": "rejected"', 1))
    second = tested()
    assert second.returncode == 1
    assert "1 failed" in second.stdout
    expected.write_text(text)
    (done.folder / "data" / "levels.json").write_text('{"g": 30, "r": 30, "i": 30}')
    third = tested()
    assert third.returncode == 1
    assert "is not what was exported" in third.stdout


def test_provenance_and_readme(made: Filter, tmp_path: Path) -> None:
    """They tell what was exported and proven, and no place or name of this machine."""
    report = made.evaluate(alerts())
    done = made.export("bundle", verify=report)
    told = json.loads((done.folder / "provenance.json").read_text())
    assert told["filter"]["hash"] == made.hash
    assert told["filter"]["params"] == {"rb_min": 0.5}
    assert told["filter"]["data"] == dict(made.checksums)
    assert told["versions"]["notebook"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["versions"]["bundle"]["ztfnb"] == ztfnb.__version__
    assert told["sample"]["alerts"] == len(report)
    assert told["sample"]["schemas"] == {"4.02": len(report)}
    passed, rejected, failed = report.counts
    decisions = told["decisions"]
    assert (decisions["passed"], decisions["rejected"], decisions["failed"]) == report.counts
    assert decisions["each"][0] == "1 p"
    assert told["funnel"][0]["condition"] == 'candidate["rb"] < rb_min'
    assert told["funnel"][0]["stopped"] == 3
    assert told["yield"][0]["per_night"]["value"] == passed
    assert set(told["files"]) == set(files_in(done.folder)) - {"provenance.json"}
    assert told["failures"][0]["alerts"] == failed
    readme = (done.folder / "README.md").read_text()
    assert "Bright in its band, and real." in readme
    assert "Each band has a level of its own." in readme
    assert "| `rb_min` | `0.5` | `0.5` | 0 to 1 | `ZTFNB_PARAM_RB_MIN` |" in readme
    assert f"{passed} passed, {rejected} were rejected" in readme
    assert "«" not in readme
    for name in files_in(done.folder):
        data = (done.folder / name).read_bytes()
        assert str(tmp_path).encode() not in data, name


def test_s28_no_secret_in_a_bundle(
    made: Filter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary of the environment is in no file of a bundle; where a note tells it, refused."""
    canary = "canary-7f3a91c2e5"
    monkeypatch.setenv("ZTFNB_KAFKA_PASSWORD", canary)
    monkeypatch.setenv("MY_API_TOKEN", canary[::-1])
    done = made.export("bundle", verify=alerts(), archive=True)
    assert done.archive is not None
    for path in (*(done.folder / name for name in files_in(done.folder)), done.archive):
        data = path.read_bytes()
        assert canary.encode() not in data
        assert canary[::-1].encode() not in data

    made.pin(alerts()[0], note=f"as {canary} says")
    with pytest.raises(ExportError, match="the value of the variable ZTFNB_KAFKA_PASS") as caught:
        made.export("bundle-2", verify=alerts())
    assert canary not in str(caught.value)
    assert not (tmp_path / "bundle-2").exists()


def test_equal_bundles_are_equal_files(made: Filter, tmp_path: Path) -> None:
    """The zip of a folder is the same bytes, whenever it is made, and unpacks to the folder."""
    done = made.export("bundle", verify=alerts(), archive=True)
    assert done.archive == tmp_path / "bundle.zip"
    for name in files_in(done.folder):
        os.utime(done.folder / name, (1, 1))
    write_zip(done.folder, tmp_path / "again.zip", name="bundle")
    assert (tmp_path / "again.zip").read_bytes() == done.archive.read_bytes()
    with ZipFile(done.archive) as packed:
        packed.extractall(tmp_path / "elsewhere")
    found = tmp_path / "elsewhere" / "bundle"
    assert files_in(found) == files_in(done.folder)
    assert load_filter(read_bundle(found)).hash == made.hash


@needs_real_packets
def test_a_recipe_on_real_packets(tmp_path: Path) -> None:
    """A filter of a module is exported as one of a cell; its packets travel byte for byte."""
    recipe = recipes.transient
    report = recipe.evaluate(ALERTS / "night-20181128")
    done = recipe.export(tmp_path / "bundle", verify=report)
    assert done.proof.alerts == len(report) == 380
    known = {path.stem: path.read_bytes() for path in (ALERTS / "night-20181128").glob("*.avro")}
    for one in read_fixtures(done.folder):
        assert one.packet in known.values()
    assert load_filter(read_bundle(done.folder)).hash == recipe.hash


def test_what_was_exported_is_shown(made: Filter) -> None:
    """The result names folder, counts, files and what to do next, in a terminal and on a page."""
    words: list[str] = []
    done = made.export("bundle", verify=alerts(), say=words.append)
    assert "proving that it decides as the notebook" in words
    assert f"bright {done.version} in bundle" in repr(done)
    assert "ztfnb filter test bundle" in repr(done)
    html: Any = done._repr_html_()
    assert "<code>filter.py</code>" in html


def test_an_image_that_cannot_be_made_leaves_nothing(made: Filter, tmp_path: Path) -> None:
    """What is asked for beside the folder is made before it appears: all of it, or nothing."""
    base = tmp_path / "base.tar"
    base.write_bytes(b"no image")
    with pytest.raises(ExportError, match=r"base\.tar"):
        made.export("bundle", verify=alerts(), oci=base, archive=True)
    assert nothing_left(tmp_path)


def test_a_lock_of_ones_own(made: Filter, tmp_path: Path) -> None:
    """Another lock is what the bundle has; one that lacks what the worker needs is refused."""
    lock = tmp_path / "mine.txt"
    lock.write_text("numpy==2.0.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(ExportError, match=r"requirements='my-lock\.txt'"):
        made.export("bundle", verify=alerts(), requirements=lock)
    assert nothing_left(tmp_path)
    lock.write_text(
        shipped_lock().read_text().replace("prometheus-client==", "prometheus-client==9")
    )
    done = made.export("bundle", verify=alerts(), requirements=str(lock))
    assert "prometheus-client==9" in (done.folder / "requirements.txt").read_text()
    # Another version than here: the proof has not run with it.
    assert "prometheus-client" in done.remarks[0]
    assert "prove the bundle with fresh=True" in done.remarks[0]
