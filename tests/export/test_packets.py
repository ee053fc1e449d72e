"""The packets of a report, with what was decided on each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from made import NIGHT_JD, made_alert, made_packet
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.codec import encode
from ztfnb.columns import decode_columns
from ztfnb.errors import ExportError, FilterWarning, ZtfnbError
from ztfnb.export.packets import packets_of
from ztfnb.filters.decision import Verdict
from ztfnb.source import Packet
from ztfnb.store import Store


@ztfnb.filter
def bright(alert: Mapping[str, Any], *, mag_max: float = 18.0) -> Any:
    """Pass what is bright, with the magnitude."""
    mag = alert["candidate"]["magpsf"]
    if mag > 25:
        raise ValueError(mag)
    return {"mag": mag} if mag < mag_max else False


@ztfnb.filter
def has_history(alert: Mapping[str, Any], *, least: int = 2) -> bool:
    """Pass what was seen before."""
    return len(alert["prv_candidates"] or ()) >= least


MAGS = (17.0, 19.0, 26.0, 16.5)
VERDICTS = [Verdict.PASSED, Verdict.REJECTED, Verdict.FAILED, Verdict.PASSED]


def test_files_give_the_bytes_that_they_hold(tmp_path: Path) -> None:
    """Every packet of a folder comes byte for byte, each with its own verdict and annotations."""
    packets = [made_packet(place, magpsf=mag) for place, mag in enumerate(MAGS, 1)]
    for place, packet in enumerate(packets):
        (tmp_path / f"{place}.avro").write_bytes(packet)
    found = list(packets_of(bright.evaluate(tmp_path)))
    assert [packet for packet, _ in found] == packets
    assert [decision.verdict for _, decision in found] == VERDICTS
    assert [decision.candid for _, decision in found] == [1, 2, 3, 4]
    assert found[3][1].annotations == {"mag": 16.5}
    assert "ValueError" in found[2][1].why


def test_alerts_and_dictionaries() -> None:
    """Of alerts in memory come their packets; of dictionaries what their schema makes of them."""
    packets = [made_packet(place, magpsf=mag) for place, mag in enumerate(MAGS, 1)]
    for alerts in (
        [ztfnb.decode(packet) for packet in packets],
        [ztfnb.decode(packet).as_dict() for packet in packets],
    ):
        found = list(packets_of(bright.evaluate(alerts)))
        assert [packet for packet, _ in found] == packets
        assert [decision.verdict for _, decision in found] == VERDICTS


def test_a_dictionary_that_is_no_whole_alert_is_refused() -> None:
    """What has no packet cannot be proven: the candid, the reason and the way out are told."""
    alert = {"candid": 7, "candidate": {"candid": 7, "magpsf": 17.0}}
    with pytest.raises(ExportError, match=r"no packet can be made of 7.*a stream, files"):
        list(packets_of(bright.evaluate([alert])))


def test_some_places() -> None:
    """Only the alerts that are asked for come."""
    packets = [made_packet(place, magpsf=mag) for place, mag in enumerate(MAGS, 1)]
    report = bright.evaluate([ztfnb.decode(packet) for packet in packets])
    found = list(packets_of(report, places=[3, 1]))
    assert [decision.candid for _, decision in found] == [4, 2]
    assert [packet for packet, _ in found] == [packets[3], packets[1]]


def test_what_is_held_no_more_is_told() -> None:
    """A packet that is gone is given to ``lost`` with its candid, or ends the work."""
    store = Store()
    packets = [made_packet(place, magpsf=mag) for place, mag in enumerate(MAGS, 1)]
    given = [Packet(packet, topic="t", offset=at) for at, packet in enumerate(packets)]
    store.append(given, decode_columns(packets))
    report = bright.evaluate(store)
    assert [packet for packet, _ in packets_of(report)] == packets
    report = bright.evaluate(store.snapshot())  # has rows, and no packet
    assert report.counts == (2, 1, 1)
    lost: list[tuple[int, ZtfnbError]] = []
    found = list(packets_of(report, lost=lambda candid, why: lost.append((candid, why))))
    assert found == []
    assert [candid for candid, _ in lost] == [1, 2, 3, 4]
    with pytest.raises(ExportError, match="the packet of 1 cannot be read again"):
        list(packets_of(report))


def test_a_filter_that_keeps_state_has_its_order(tmp_path: Path) -> None:
    """Alerts come in the order in which a filter that remembers the last ones judged them."""
    for place in range(6):
        (tmp_path / f"{place}.avro").write_bytes(made_packet(10 - place))
    seen: list[int] = []
    with pytest.warns(FilterWarning, match="keeps something"):

        @ztfnb.filter
        def first_three(alert: Mapping[str, Any]) -> bool:
            seen.append(alert["candid"])
            return len(seen) < 4

    report = first_three.evaluate(tmp_path)
    found = [decision for _, decision in packets_of(report)]
    assert [one.candid for one in found] == [10, 9, 8, 7, 6, 5]
    assert [one.verdict for one in found] == [Verdict.PASSED] * 3 + [Verdict.REJECTED] * 3


def _with_history(candid: int, epochs: list[float]) -> ztfnb.Alert:
    epoch = {"fid": 1, "pid": 1, "programid": 1, "diffmaglim": 20.0, "rbversion": ""}
    alert = made_alert(candid, jd=NIGHT_JD)
    alert["prv_candidates"] = [{**epoch, "jd": jd} for jd in epochs]
    return ztfnb.decode(encode(alert))


def test_alerts_as_of_their_own_time() -> None:
    """Where history ends with the alert the packet itself comes; else one without what came later.

    What is written anew is decided as the notebook decided on the alert as it was.
    """
    past = _with_history(1, [NIGHT_JD - 2, NIGHT_JD - 1])
    later = _with_history(2, [NIGHT_JD - 1, NIGHT_JD + 1])
    report = has_history.evaluate([past, later], as_of=True)
    found = {decision.candid: (packet, decision) for packet, decision in packets_of(report)}
    assert found[1][0] == past.raw
    assert found[1][1].verdict == Verdict.PASSED
    assert found[2][0] != later.raw
    assert found[2][1].verdict == Verdict.REJECTED
    cut = ztfnb.decode(found[2][0])
    assert [one["jd"] for one in cut["prv_candidates"]] == [NIGHT_JD - 1]
    assert has_history(later)
    assert not has_history(cut)
    rest = {name: value for name, value in later.as_dict().items() if name != "prv_candidates"}
    assert {name: value for name, value in cut.as_dict().items() if name in rest} == rest


@needs_real_packets
def test_real_packets_as_of_a_night() -> None:
    """Real packets, as they were sent, are of their own time: all come as they came."""
    files = real_files("night-20181128/**/*.avro")[:30]
    report = has_history.evaluate(files, as_of=True)
    found = {packet for packet, _ in packets_of(report)}
    assert found == {alert.raw for file in files for alert in ztfnb.read(file)}
