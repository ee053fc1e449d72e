from __future__ import annotations

from collections import defaultdict

import numpy as np
from simulate.nights import Made

# In a history the survey leaves these out, and gives the image's name with its path.
DIFFERENT = {"ssdistnr", "ssmagnr", "ssnamenr", "pdiffimfilename"}


def test_entries_equal_the_earlier_alerts(series: list[list[Made]]) -> None:
    """A detection in a history reads as it did in its own alert; none is missing."""
    alerts = {made.truth.candid: made for exposure in series for made in exposure}
    of_object: dict[str, list[Made]] = defaultdict(list)
    for made in alerts.values():
        of_object[made.alert["objectId"]].append(made)
    compared = 0
    field = series[-1][0].candidate["field"]
    for made in alerts.values():
        now, public = made.candidate["jd"], made.candidate["programid"] == 1
        entries = {
            entry["candid"]: entry
            for entry in made.alert["prv_candidates"] or []
            if entry["candid"] is not None and entry["field"] == field
        }
        earlier = {
            other.truth.candid
            for other in of_object[made.alert["objectId"]]
            if now - 30.0 < other.candidate["jd"] < now
            and (other.candidate["programid"] == 1 or not public)
        }
        first = series[0][0].candidate["jd"]
        assert {c for c, e in entries.items() if e["jd"] >= first} == earlier
        for candid in earlier:
            own, entry = alerts[candid].candidate, entries[candid]
            for name in entry.keys() - DIFFERENT:
                assert entry[name] == own[name], name
            compared += 1
    assert compared > 300


def test_nothing_from_the_future(sample: list[Made]) -> None:
    """Histories reach back 30 days, in order of time, and never past their alert."""
    for made in sample:
        times = [entry["jd"] for entry in made.alert["prv_candidates"] or []]
        assert times == sorted(times)
        assert all(made.candidate["jd"] - 30.0 < jd < made.candidate["jd"] for jd in times)
        forced = [entry["jd"] for entry in made.alert["fp_hists"] or []]
        assert forced == sorted(forced, reverse=True)
        assert len(forced) <= 21
        assert set(forced) <= set(times)


def test_limits_are_empty(sample: list[Made]) -> None:
    """An upper limit has its exposure and depth, and null for all that was not measured."""
    for made in sample:
        for entry in made.alert["prv_candidates"] or []:
            if entry["candid"] is None:
                assert entry["magpsf"] is entry["sigmapsf"] is entry["isdiffpos"] is None
                assert entry["ra"] is entry["rb"] is None
                assert 15.0 < entry["diffmaglim"] < 22.0
                assert entry["rbversion"]
            else:
                assert entry["magpsf"] is not None
                assert entry["isdiffpos"] in {"t", "f"}


def test_public_alerts_show_public_data(sample: list[Made]) -> None:
    """Histories of public alerts hold no exposure of the partnership."""
    programs = {1: set[int](), 2: set[int]()}
    for made in sample:
        seen = programs[made.candidate["programid"]]
        seen |= {entry["programid"] for entry in made.alert["prv_candidates"] or []}
        seen |= {entry["programid"] for entry in made.alert["fp_hists"] or []}
    assert programs[1] == {1}
    assert programs[2] == {1, 2}


def test_history_grows(series: list[list[Made]]) -> None:
    """From alert to alert of one object coverage and detections grow, and its name stays."""
    of_source: dict[int, list[Made]] = defaultdict(list)
    for exposure in series:
        for made in exposure:
            if made.truth.kind != "asteroid":
                of_source[made.truth.source].append(made)
    repeated = [alerts for alerts in of_source.values() if len(alerts) > 3]
    assert len(repeated) > 30
    for alerts in repeated:
        assert len({made.alert["objectId"] for made in alerts}) == 1
        coverage = [made.candidate["ncovhist"] for made in alerts]
        assert all(np.diff(coverage) >= 1)
        on_channel: dict[int, list[Made]] = defaultdict(list)
        for made in alerts:
            on_channel[made.candidate["rcid"]].append(made)
        for same in on_channel.values():
            assert all(np.diff([made.candidate["ndethist"] for made in same]) >= 1)
            assert len({made.candidate["jdstarthist"] for made in same}) == 1
        for made in alerts:
            candidate = made.candidate
            assert candidate["ndethist"] <= candidate["ncovhist"]
            assert candidate["jdstarthist"] <= candidate["jdendhist"] == candidate["jd"]


def test_counts_hold_the_history(sample: list[Made]) -> None:
    """ndethist and ncovhist count at least what the history shows, and the alert itself."""
    for made in sample:
        entries = made.alert["prv_candidates"] or []
        assert made.candidate["ncovhist"] >= len(entries) + 1
        here = [
            entry
            for entry in entries
            if entry["candid"] is not None
            and entry["field"] == made.candidate["field"]
            and entry["rcid"] == made.candidate["rcid"]
        ]
        assert made.candidate["ndethist"] >= len(here) + 1


def test_what_passes_has_no_past(sample: list[Made]) -> None:
    """Asteroids and artefacts of one exposure have limits only, and names of this year."""
    kinds = {"asteroid", "hot pixel", "bad column", "edge artefact"}
    passing = [made for made in sample if made.truth.kind in kinds]
    assert len(passing) > 50
    for made in passing:
        assert made.candidate["ndethist"] == 1
        assert all(entry["candid"] is None for entry in made.alert["prv_candidates"] or [])
        assert made.candidate["jdstarthist"] == made.candidate["jd"]


def test_forced_photometry_agrees(sample: list[Made]) -> None:
    """Forced fluxes agree with the detections of the same exposures in sign and size."""
    differences = []
    for made in sample:
        found = {
            entry["pid"]: entry
            for entry in made.alert["prv_candidates"] or []
            if entry["candid"] is not None
        }
        for forced in made.alert["fp_hists"] or []:
            entry = found.get(forced["pid"])
            if entry is None or forced["procstatus"] != "0" or made.truth.kind == "dipole":
                continue
            assert (forced["forcediffimflux"] > 0) == (entry["isdiffpos"] == "t")
            zero_point = forced["magzpsci"]
            magnitude = zero_point - 2.5 * np.log10(abs(forced["forcediffimflux"]))
            differences.append((magnitude - entry["magpsf"]) / entry["sigmapsf"])
    assert len(differences) > 100
    assert np.median(np.abs(differences)) < 1.0


def test_forced_photometry_fails_now_and_then(sample: list[Made]) -> None:
    """Failed measurements are -99999 throughout, with a status that is not 0."""
    entries = [entry for made in sample for entry in made.alert["fp_hists"] or []]
    failed = [entry for entry in entries if entry["procstatus"] != "0"]
    assert 0.01 < len(failed) / len(entries) < 0.06
    for entry in failed:
        assert entry["forcediffimflux"] == entry["forcediffimfluxunc"] == -99999.0
        assert entry["ranr"] == -99999.0
    assert all(e["forcediffimfluxunc"] > 0 for e in entries if e["procstatus"] == "0")
