"""Filters that speak for their process, to the worker: they cost themselves, never the worker."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest
from celled import bundle_of, judge_all
from made import made_packet

from ztfnb.errors import WorkerError
from ztfnb.export.worker import cell as celling
from ztfnb.export.worker import cell_process
from ztfnb.export.worker.cell import Cell
from ztfnb.export.worker.settings import Limits
from ztfnb.filters.decision import Verdict

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a worker needs Linux or macOS")
LIMITS = Limits(seconds=3.0, memory=400 << 20)
PATIENT = Limits(seconds=60.0, memory=400 << 20)
"""Where it is not the time that ends an alert."""
PACKETS = [made_packet(place) for place in range(1, 5)]
EVIL = 2
"""The alert on which the filter does what it does, by its place."""

_FILTER = """
    import ctypes, json, os, signal, struct, sys
    import ztfnb

    def frames():
        frame = sys._getframe()
        while frame is not None:
            yield frame.f_locals
            frame = frame.f_back

    def held(name):
        return next(each[name] for each in frames() if name in each)

    def say(text):
        os.write(held("order").messages, struct.pack("<I", len(text)) + text.encode())

    def trace(line):
        os.write(held("order").trace, f'File "{__file__}", line {line} in f\\n'.encode())

    seen = []

    @ztfnb.filter
    def f(alert):
        seen.append(alert)
        if alert["candid"] != evil:
            return True
"""
LIES = {
    "a line that is no number": 'say(\'["failure", 1, 2, 0, "exception", "x", Infinity]\')',
    "a line that is a text": 'say(\'["failure", 1, 2, 0, "exception", "x", "1"]\')',
    "a line below all": 'say(\'["failure", 1, 2, 0, "exception", "x", -1]\')',
    "ready once more": "say('[\"ready\", []]')",
    "names that no header has": 'say(\'["notes", 1, 2, 0, {"\\\\ud800": 1}]\')',
    "names that end before their end": 'say(\'["notes", 1, 2, 0, {"a\\\\u0000b": 1}]\')',
    "more notes than fit": "say('[\"notes\", 1, 2, 0, {\"a\": \"' + 'x' * 900_000 + '\"}]')",
    "begun before all time": "held('progress').words[4] = -(2**63); os._exit(3)",
    "in a line of strange digits": "trace('\u00b2'); os.kill(os.getpid(), signal.SIGSEGV)",
    "in a line of many digits": "trace('9' * 5_000); os.kill(os.getpid(), signal.SIGSEGV)",
}


def _lying(folder: Path, what: str) -> Path:
    from ztfnb import decode  # noqa: PLC0415 - beside its use

    evil = decode(PACKETS[EVIL])["candid"]
    text = f"{dedent(_FILTER)}{indent(dedent(what), ' ' * 4)}\n    return True\n"
    return bundle_of(folder, f"evil = {evil}\n{text}")


@pytest.mark.parametrize("lie", LIES)
def test_what_a_filter_says_in_the_name_of_its_process(lie: str, tmp_path: Path) -> None:
    """Whatever that is, the worker goes on, and the other alerts pass."""
    with Cell([_lying(tmp_path / "f", LIES[lie])], PATIENT) as cell:
        cell.start()
        judged = judge_all(cell, PACKETS)
        # Whom the process was ended over, and whether for good, is not always to be known.
        again = judge_all(cell, PACKETS[:EVIL])
    found = list(judged.filters[0].verdict)
    del found[EVIL]
    assert found == [Verdict.PASSED] * 3
    assert list(again.filters[0].verdict) == [Verdict.PASSED] * EVIL
    assert cell.restarts >= 1


def test_s09_an_alert_that_says_it_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that loops, and writes that nothing is done, is ended all the same."""
    monkeypatch.setattr(celling, "_DECODING_SECONDS", 5.0)
    what = "words = held('progress').words\nwords[0], words[4] = 1, 0\nwhile True: pass"
    with Cell([_lying(tmp_path / "f", what)], LIMITS) as cell:
        cell.start()
        judged = judge_all(cell, PACKETS)
    [verdicts] = judged.filters
    passed = Verdict.PASSED
    assert list(verdicts.verdict) == [passed, passed, Verdict.FAILED, passed]
    assert verdicts.failures[EVIL].kind == "time"


def test_s09_a_process_that_never_stops_talking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says is not read for ever: the alert is ended, and the worker is not kept."""
    monkeypatch.setattr(celling, "_AT_ONCE", 3)
    what = 'while True: say(\'["failure", 1, 2, 0, "exception", "x", 1]\' + " " * 60_000)'
    with Cell([_lying(tmp_path / "f", what)], LIMITS) as cell:
        cell.start()
        judged = judge_all(cell, PACKETS)
    assert judged.filters[0].failures[EVIL].kind == "time"


def test_a_place_that_is_told_slowly_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is interrupted while it writes where it is has not told that yet."""
    monkeypatch.setattr(cell_process, "_TRACED", 60.0)
    what = """
import faulthandler, time
def tell(*_):
    for part in ("Stack:\\n", f'File "{__file__}"', ", line ", "12", " in f\\n"):
        os.write(held("order").trace, part.encode())
        time.sleep(0.1)
faulthandler.unregister(signal.SIGUSR1)
signal.signal(signal.SIGUSR1, tell)
while True: pass
"""
    with Cell([_lying(tmp_path / "f", what)], LIMITS) as cell:
        cell.start()
        judged = judge_all(cell, PACKETS)
    failed = judged.filters[0].failures[EVIL]
    assert (failed.kind, failed.line) == ("time", 12)


def test_a_filter_under_another_name(tmp_path: Path) -> None:
    """What says that it is another filter than its bundle is not begun with."""
    folder = bundle_of(
        tmp_path / "f",
        """
        import json, os, struct, sys
        import ztfnb

        frame = sys._getframe()
        while "order" not in frame.f_locals:
            frame = frame.f_back
        text = json.dumps(["ready", [["other", "0" * 64, {}]]]).encode()
        os.write(frame.f_locals["order"].messages, struct.pack("<I", len(text)) + text)

        @ztfnb.filter
        def f(alert):
            return True
        """,
    )
    with Cell([folder], PATIENT) as cell, pytest.raises(WorkerError, match="other names"):
        cell.start()
