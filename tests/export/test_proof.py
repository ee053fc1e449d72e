"""The proof that a bundle decides as the notebook did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from handbundle import BRIGHT, bundle_of
from made import made_alert, made_packet

import ztfnb
from ztfnb.codec import encode
from ztfnb.errors import ExportError, WorkerError
from ztfnb.export.decisions import Decision
from ztfnb.export.packets import packets_of
from ztfnb.export.proof import BATCH, KEPT, Difference, Judging, prove
from ztfnb.export.requirements import requirements_of
from ztfnb.export.wheel import write_wheel
from ztfnb.export.worker.bundle import SOURCE, write_bundle
from ztfnb.export.worker.judged import Failed, FilterFacts, Judged, Verdicts
from ztfnb.export.worker.settings import Limits
from ztfnb.filters.decision import Verdict

PASSED, REJECTED, FAILED = Verdict.PASSED, Verdict.REJECTED, Verdict.FAILED


def _alerts() -> list[ztfnb.Alert]:
    """Alerts of all kinds: some pass, one with annotations, some do not, one fails."""
    mags = (13.5, 17.0, 18.999, 19.001, 20.0)
    packets = [made_packet(place, magpsf=mag) for place, mag in enumerate(mags, 1)]
    return [ztfnb.decode(packet) for packet in [*packets, encode(made_alert(6, rb=None))]]


def test_a_bundle_that_decides_alike(tmp_path: Path) -> None:
    """Verdicts, annotations (NaN too) and failures of the process are those of the notebook."""
    _bundle, made = bundle_of(tmp_path)
    report = made.evaluate(_alerts())
    assert report.counts == (3, 2, 1)
    proof = prove(tmp_path, packets_of(report), params=report.params)
    assert (proof.alerts, proof.passed, proof.rejected, proof.failed) == (6, 3, 2, 1)
    assert not proof.fresh
    assert "6 alerts decided alike" in str(proof)


def test_any_difference_is_shown(tmp_path: Path) -> None:
    """Where the bundle decides otherwise, its alerts are named with what both said and why."""
    _bundle, made = bundle_of(tmp_path)
    expected = list(packets_of(made.evaluate(_alerts())))
    other = BRIGHT.replace("is None:", 'is not None and alert["candid"] == 2:').replace(
        '"mag": alert["candidate"]["magpsf"]', '"mag": 1'
    )
    bundle_of(tmp_path, other)
    with pytest.raises(ExportError) as caught:
        prove(tmp_path, expected)
    differences = {
        one.candid: one for one in caught.value.differences if isinstance(one, Difference)
    }
    assert set(differences) == {1, 2, 6}
    assert differences[1].notebook.annotations["mag"] == 13.5
    assert differences[1].bundle.annotations["mag"] == 1
    assert differences[2].notebook.verdict == PASSED
    assert differences[2].bundle.verdict == FAILED
    assert "no score" in differences[2].bundle.why
    assert differences[6].notebook.verdict == FAILED
    told = str(caught.value)
    assert "on 3 of 6 alerts" in told
    assert "2: the notebook passed, the bundle failed (" in told


def test_a_source_that_is_not_the_notebooks(tmp_path: Path) -> None:
    """The hash of what is loaded must be that of what was exported, before any alert is judged."""
    bundle, _made = bundle_of(tmp_path)
    write_bundle(type(bundle)(bundle.folder, bundle.name, "ab" * 32, bundle.files))
    with pytest.raises(ExportError, match=r"bright.*abababababab") as caught:
        prove(tmp_path, [])
    assert caught.value.differences == ()
    # What the process tells is compared, whatever it compared itself.
    told = _Told(lambda value: Decision(int(value), REJECTED))
    with pytest.raises(ExportError, match="its hash is cdcdcdcdcdcd, in the notebook"):
        _prove(tmp_path, _numbered(1), told, loaded="cd" * 32)
    assert told.most == 0


def test_thresholds_that_are_not_the_notebooks(tmp_path: Path) -> None:
    """What the thresholds are set to is compared too."""
    bundle_of(tmp_path)
    with pytest.raises(ExportError, match=r"'mag_max': 19.0.*notebook.*'mag_max': 18.5"):
        prove(tmp_path, [], params={"mag_max": 18.5})


def test_a_bundle_that_cannot_be_loaded(tmp_path: Path) -> None:
    """A source that raises, and a file that was changed, are errors of the export."""
    bundle, _made = bundle_of(tmp_path)
    (tmp_path / SOURCE).write_text("oh no")
    with pytest.raises(ExportError, match=r"bright cannot be loaded.*filter\.py"):
        prove(tmp_path, [])
    with pytest.raises(ExportError, match="is no bundle"):
        prove(tmp_path / "nowhere", [])
    assert bundle.name == "bright"


def test_nothing_of_the_notebook_reaches_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle that decides by the environment, or by a module beside the notebook, is found out.

    Here it passes what this process has and the clean one has not.
    """
    monkeypatch.setenv("CANARY_81C2", "here")
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "canary_81c2.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "beside")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "beside"))
    source = """
    import importlib.util
    import os

    import ztfnb


    @ztfnb.filter
    def lucky(alert):
        return "CANARY_81C2" in os.environ or importlib.util.find_spec("canary_81c2") is not None


    FILTER = lucky
    """
    _bundle, made = bundle_of(tmp_path / "bundle", source, "lucky")
    report = made.evaluate([ztfnb.decode(made_packet(1))])
    assert report.counts == (1, 0, 0)
    with pytest.raises(ExportError) as caught:
        prove(tmp_path / "bundle", packets_of(report))
    [difference] = caught.value.differences
    assert isinstance(difference, Difference)
    assert difference.bundle.verdict == REJECTED


def test_a_filter_that_would_exceed_its_limits_is_not_proven(tmp_path: Path) -> None:
    """What takes longer than a deployed filter may is a difference, since it would fail there."""
    first = '        if alert["candidate"]["rb"] is None:'
    endless = '        while alert["candid"] == 2:\n            pass\n'
    source = BRIGHT.replace(first, endless + first)
    bundle_of(tmp_path, source)
    expected = [(made_packet(place, magpsf=17.0), Decision(place, PASSED)) for place in (1, 2, 3)]
    with pytest.raises(ExportError) as caught:
        prove(tmp_path, expected, limits=Limits(seconds=4.0))
    [difference] = caught.value.differences
    assert isinstance(difference, Difference)
    assert difference.candid == 2
    assert difference.bundle.verdict == FAILED


class _Told:
    """A process of the worker that says what it is told to."""

    def __init__(self, judge: Any, *, breaks: bool = False) -> None:
        self.filters = (FilterFacts("bright", "", {}),)
        self.most = 0
        self.closed = 0
        self._judge = judge
        self._breaks = breaks
        self._inside: list[Sequence[bytes]] = []

    def start(self) -> None:
        pass

    def submit(self, values: Sequence[bytes]) -> None:
        self._inside.append(values)
        self.most = max(self.most, len(self._inside))
        assert len(self._inside) <= 2
        assert len(values) <= 1_000

    def poll(self, timeout: float) -> Judged | None:
        assert timeout > 0
        if self._breaks:
            raise WorkerError("it cannot be started again")
        decisions: list[Decision] = [self._judge(value) for value in self._inside.pop(0)]
        failures = {
            place: Failed("crash", "it died", 4)
            for place, one in enumerate(decisions)
            if one.verdict == FAILED and one.candid
        }
        broken = {
            place: Failed("not decoded", "no alert")
            for place, one in enumerate(decisions)
            if not one.candid
        }
        verdicts = Verdicts([int(one.verdict) for one in decisions], failures)
        return Judged([one.candid for one in decisions], broken, [verdicts])

    def close(self) -> None:
        self.closed += 1


def _prove(folder: Path, expected: Any, told: _Told, *, loaded: str = "") -> Any:
    bundle, _made = bundle_of(folder)
    told.filters = (FilterFacts("bright", loaded or bundle.hash, {}),)

    def start(given: Path, python: Path | None, limits: Limits) -> Judging:
        assert given == folder
        assert python is None
        assert limits == Limits()
        return told

    return prove(folder, expected, start=start)


def _numbered(count: int) -> Iterator[tuple[bytes, Decision]]:
    for number in range(1, count + 1):
        yield str(number).encode(), Decision(number, REJECTED)


def test_alerts_are_streamed(tmp_path: Path) -> None:
    """However many there are, two batches at most are in memory, and all are compared."""
    count = 5 * BATCH + 7
    taken = 0
    told = _Told(lambda value: Decision(int(value), REJECTED))

    def given() -> Iterator[tuple[bytes, Decision]]:
        nonlocal taken
        for one in _numbered(count):
            taken += 1
            yield one

    proof = _prove(tmp_path, given(), told)
    assert proof.alerts == proof.rejected == count
    assert taken == count
    assert told.most == 2
    assert told.closed == 1


def test_differences_are_counted_beyond_those_kept(tmp_path: Path) -> None:
    """Of many differences the first are kept, and all counted; the process is ended."""
    count = KEPT + 10
    told = _Told(lambda value: Decision(int(value), PASSED))
    with pytest.raises(ExportError, match=rf"{count:,} of {count:,} alerts") as caught:
        _prove(tmp_path, _numbered(count), told)
    assert len(caught.value.differences) == KEPT
    assert f"and {count - 5:,} more" in str(caught.value)
    assert told.closed == 1


def test_order_decides(tmp_path: Path) -> None:
    """A decision that stands at another alert's place is a difference."""
    told = _Told(lambda value: Decision({1: 2, 2: 1}.get(int(value), int(value)), REJECTED))
    with pytest.raises(ExportError) as caught:
        _prove(tmp_path, _numbered(4), told)
    assert len(caught.value.differences) == 2


def test_what_the_bundle_cannot_decode(tmp_path: Path) -> None:
    """A packet that the notebook read and the bundle cannot is a difference with the reason."""
    told = _Told(lambda _value: Decision(0, FAILED))
    with pytest.raises(
        ExportError, match=r"1: the notebook rejected, the bundle failed \(no alert"
    ):
        _prove(tmp_path, _numbered(1), told)


def test_failures_need_not_say_the_same(tmp_path: Path) -> None:
    """An alert that failed in the notebook must fail in the bundle, for whatever reason."""
    told = _Told(lambda value: Decision(int(value), FAILED))
    expected = [(b"1", Decision(1, FAILED, why="line 3: KeyError"))]
    assert _prove(tmp_path, expected, told).failed == 1


def test_a_process_that_cannot_go_on(tmp_path: Path) -> None:
    """When the worker gives up, so does the proof, and it leaves no process."""
    told = _Told(lambda value: Decision(int(value), REJECTED), breaks=True)
    with pytest.raises(ExportError, match="the bundle cannot be run: it cannot be started again"):
        _prove(tmp_path, _numbered(3), told)
    assert told.closed == 1


def test_nothing_to_prove(tmp_path: Path) -> None:
    """Without alerts the bundle is loaded and compared all the same."""
    _bundle, made = bundle_of(tmp_path)
    assert prove(tmp_path, [], params=made.params).alerts == 0


def test_fresh_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment of the bundle's requirements alone it decides as here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "bundle"
    _bundle, made = bundle_of(folder)
    wheel = write_wheel(folder / "wheels")
    (folder / "requirements.txt").write_text(requirements_of([], wheel=wheel).text)
    said: list[str] = []
    try:
        proof = prove(folder, packets_of(made.evaluate(_alerts())), fresh=True, say=said.append)
    except ExportError as error:
        if "cannot be reached" not in str(error):
            raise
        pytest.skip("no package index can be reached here")
    assert proof.fresh
    assert (proof.passed, proof.rejected, proof.failed) == (3, 2, 1)
    assert said
    assert any((tmp_path / "cache" / "ztfnb" / "environments").iterdir())
