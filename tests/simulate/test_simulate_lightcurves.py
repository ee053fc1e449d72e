from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from numpy.typing import NDArray
from simulate.nights import THIN, Made, exposed, night_of

from ztfnb.simulate import draws, lightcurves
from ztfnb.simulate.lightcurves import flux_of, mean_magnitude, reference_flux
from ztfnb.simulate.schedule import night_number
from ztfnb.simulate.sources import (
    ASTEROID_SPAN,
    NAMES,
    Kind,
    Sources,
    asteroids,
    distance_modulus,
    stars_and_galaxies,
    supernovae,
)

Doubles = NDArray[np.float64]
PUBLIC_NIGHT = night_number("2026-01-15")


def stars(kind: Kind) -> Sources:
    objects = stars_and_galaxies(1, 300, 3_000_000)
    return objects.take(np.flatnonzero(objects.kind == kind)[:60])


def exploded(kind: Kind) -> Sources:
    objects = supernovae(1, 300, 90, 20_000_000)
    return objects.take(np.flatnonzero(objects.kind == kind)[:60])


def at(objects: Sources, moment: Doubles | float, fid: int) -> Doubles:
    """Return the difference flux of each object at its own moment, in one filter."""
    count = len(objects)
    return lightcurves.difference_flux(
        objects,
        np.arange(count),
        np.broadcast_to(np.asarray(moment, float), (count,)).copy(),
        np.full(count, fid),
    )


def apparent(objects: Sources, moment: Doubles | float, fid: int) -> Doubles:
    """Return the apparent magnitude: difference and reference together."""
    total = at(objects, moment, fid) + reference_flux(objects, np.full(len(objects), fid))
    magnitude: Doubles = 23.9 - 2.5 * np.log10(total)
    return magnitude


@pytest.mark.parametrize("kind", [Kind.RR_LYRAE, Kind.ECLIPSING])
def test_periodic(kind: Kind) -> None:
    """A periodic variable is as bright a whole number of periods later, and not half of one."""
    objects = stars(kind)
    now = 2461000.3 + objects.period * 0.2
    for fid in (1, 2, 3):
        np.testing.assert_allclose(
            at(objects, now, fid), at(objects, now + 37 * objects.period, fid), rtol=1e-5, atol=1e-6
        )


def test_rr_lyrae_amplitudes() -> None:
    """Amplitudes in g are the true ones; those in r are 0.72 of them."""
    objects = stars(Kind.RR_LYRAE)
    cycle = np.linspace(0.0, 1.0, 400)
    for fid, ratio in ((1, 1.0), (2, 0.72)):
        curve = np.stack(
            [apparent(objects, objects.epoch + part * objects.period, fid) for part in cycle]
        )
        np.testing.assert_allclose(np.ptp(curve, axis=0), ratio * objects.amplitude, rtol=0.08)


def test_eclipses_are_deepest_at_phase_zero() -> None:
    """The deeper eclipse is at the epoch, by its depth; the other half a period later."""
    objects = stars(Kind.ECLIPSING)
    detached = objects.take(np.flatnonzero(objects.shape > 0.0))
    outside = apparent(detached, detached.epoch + 0.25 * detached.period, 2)
    inside = apparent(detached, detached.epoch, 2)
    np.testing.assert_allclose(inside - outside, detached.amplitude, atol=1e-6)
    second = apparent(detached, detached.epoch + 0.5 * detached.period, 2)
    assert np.all(second <= inside + 1e-9)
    assert np.all(second > outside)


def test_agn_walks() -> None:
    """An AGN varies with its amplitude, and less over a day than over its damping time."""
    objects = stars(Kind.AGN)
    moments = 2458300.0 + np.arange(0.0, 2600.0, 13.0)
    curve = np.stack([apparent(objects, moment, 1) for moment in moments])
    assert np.median(curve.std(axis=0) / objects.amplitude) == pytest.approx(1.0, abs=0.25)
    days = np.abs(apparent(objects, 2460000.0, 1) - apparent(objects, 2460001.0, 1))
    times = np.abs(
        apparent(objects, 2460000.0, 1) - apparent(objects, 2460000.0 + objects.period, 1)
    )
    assert np.median(days) < 0.3 * np.median(times)


def test_dwarf_nova_outbursts() -> None:
    """Between outbursts nothing differs; in them the star brightens by its amplitude at most."""
    objects = stars(Kind.DWARF_NOVA)
    moments = 2460000.0 + np.arange(0.0, 500.0, 0.5)
    curve = np.stack([at(objects, moment, 2) for moment in moments])
    quiet = flux_of(mean_magnitude(objects, np.full(len(objects), 2)) + objects.amplitude)
    assert np.all(curve >= 0.0)
    assert np.all(curve.min(axis=0) < 0.01 * quiet)
    risen = 2.5 * np.log10(1.0 + curve.max(axis=0) / quiet)
    assert np.all(risen <= objects.amplitude)
    assert np.all(risen > objects.amplitude - 0.2)


def test_type_ia() -> None:
    """Type Ia: nothing before 17.5 days, brightest at the epoch, 0.8-1.2 mag fainter in 15 days."""
    objects = exploded(Kind.SN_IA)
    stretch = objects.shape * (1.0 + objects.redshift)
    assert np.all(at(objects, objects.epoch - 17.6 * stretch, 1) == 0.0)
    peak = at(objects, objects.epoch, 1)
    for days in (-8.0, -1.0, 1.0, 20.0):
        assert np.all(at(objects, objects.epoch + days * stretch, 1) < peak)
    decline = -2.5 * np.log10(at(objects, objects.epoch + 15.0 * stretch, 1) / peak)
    assert 0.8 < decline.min() <= decline.max() < 1.2
    # The second maximum in i, some 25 days after the first.
    late = [at(objects, objects.epoch + days * stretch, 3) for days in (14.0, 24.0, 40.0)]
    assert np.all(late[1] > 0.95 * late[0])
    assert np.all(late[1] > late[2])
    # r at peak is what the truth says, and fits its distance.
    np.testing.assert_allclose(at(objects, objects.epoch, 2), flux_of(objects.mag))
    absolute = objects.mag - distance_modulus(objects.redshift)
    assert -19.8 < np.median(absolute) < -18.7


def test_type_ii() -> None:
    """Type II: a plateau as long and as steep as the truth says, then a drop of 2 mag, a tail."""
    objects = exploded(Kind.SN_II)
    own = 1.0 + objects.redshift
    assert np.all(at(objects, objects.epoch - 1.0, 2) == 0.0)

    def fading(first: Doubles, second: Doubles) -> Doubles:
        early, late = (at(objects, objects.epoch + days * own, 2) for days in (first, second))
        result: Doubles = -2.5 * np.log10(late / early)
        return result

    zero = np.zeros(len(objects))
    np.testing.assert_allclose(fading(zero + 15.0, zero + 35.0), 0.2 * objects.slope, atol=0.08)
    end = objects.shape + 8.0
    drop = fading(end - 20.0, end + 25.0)
    assert np.all(drop > 1.9)
    np.testing.assert_allclose(fading(end + 50.0, end + 150.0), 0.98, atol=0.01)


def test_asteroids_move_along_the_ecliptic() -> None:
    """Main-belt asteroids near opposition go west by 3-40 arcmin a day, mostly by about 12."""
    objects = asteroids(1, 300, PUBLIC_NIGHT // ASTEROID_SPAN, 2_000_000)
    rate = np.hypot(objects.east_rate, objects.north_rate) / 60.0
    assert np.median(rate) == pytest.approx(11.5, abs=1.0)
    assert np.all((rate >= 3.0) & (rate <= 40.0))
    assert np.mean(objects.east_rate < 0.0) > 0.99


def test_asteroid_is_found_where_its_rate_leads(series: list[list[Made]]) -> None:
    """The alerts of one asteroid lie on its path, under another name each time."""
    bodies: dict[int, list[Made]] = defaultdict(list)
    for exposure in series:
        for made in exposure:
            if made.truth.kind == "asteroid":
                bodies[made.truth.source].append(made)
    repeated = [alerts for alerts in bodies.values() if len(alerts) > 1]
    assert len(repeated) > 10
    for first, *rest in repeated:
        for made in rest:
            hours = (made.candidate["jd"] - first.candidate["jd"]) * 24.0
            east = (made.candidate["ra"] - first.candidate["ra"]) * 3600.0
            east *= np.cos(np.radians(first.candidate["dec"]))
            north = (made.candidate["dec"] - first.candidate["dec"]) * 3600.0
            # Straight on the sphere, not in the tangent plane: 0.3% for the longest.
            tolerance = 2.0 + 0.02 * np.hypot(east, north)
            assert abs(north - first.truth.north_rate * hours) < tolerance
            assert abs(east - first.truth.east_rate * hours) < tolerance
            assert made.alert["objectId"] != first.alert["objectId"]


def dispersion(period: float, jd: Doubles, flux: Doubles) -> float:
    """Return the scatter of fluxes about their neighbours in phase, relative to all scatter."""
    order = np.argsort((jd / period) % 1.0)
    folded = flux[order]
    return float(np.sum((folded - np.roll(folded, 1)) ** 2) / np.sum((flux - flux.mean()) ** 2))


def test_rr_lyrae_period_from_its_alerts() -> None:
    """The true period of an RR Lyrae star is found again in the histories of its alerts."""
    tonight = night_of(PUBLIC_NIGHT)
    field = int(tonight.index[np.flatnonzero(tonight.programid == 1)[100]])
    fluxes: dict[int, dict[int, dict[float, float]]] = {}
    truths: dict[int, Made] = {}
    for night in range(PUBLIC_NIGHT - 84, PUBLIC_NIGHT + 1, 12):
        visits = night_of(night)
        for row in np.flatnonzero((visits.index == field) & (visits.programid == 1)):
            for made in exposed(visits, int(row), THIN):
                if made.truth.kind != "RR Lyrae":
                    continue
                truths[made.truth.source] = made
                own = fluxes.setdefault(made.truth.source, {1: {}, 2: {}})
                for entry in made.alert["fp_hists"] or []:
                    if entry["procstatus"] == "0" and entry["fid"] in own:
                        scale = 10.0 ** (-0.4 * entry["magzpsci"])
                        own[entry["fid"]][entry["jd"]] = entry["forcediffimflux"] * scale
    best = max(truths, key=lambda source: truths[source].truth.amplitude)
    truth = truths[best].truth
    trials = np.arange(0.2, 0.9, 0.00004)
    scatter = np.zeros(len(trials))
    for fid in (1, 2):
        jd = np.array(list(fluxes[best][fid]))
        flux = np.array(list(fluxes[best][fid].values()))
        assert len(jd) > 15
        scatter += [dispersion(float(period), jd, flux) for period in trials]
    found = trials[np.argmin(scatter)]
    # The error allowed is a tenth of a cycle over 114 days.
    assert found == pytest.approx(truth.period, abs=0.1 * truth.period**2 / 114.0)


def test_supernova_peaks_when_the_truth_says(series: list[list[Made]]) -> None:
    """Type Ia alerts brighten before their true peak and fade after it, in g."""
    before, after = [], []
    alerts = [made for exposure in series for made in exposure if made.truth.kind == "SN Ia"]
    assert alerts
    for made in alerts:
        found = [
            entry
            for entry in made.alert["prv_candidates"] or []
            if entry["candid"] is not None and entry["fid"] == made.truth.fid == 1
        ]
        for entry in found:
            middle = (entry["jd"] + made.truth.jd) / 2.0 - made.truth.peak_jd
            change = (made.candidate["magpsf"] - entry["magpsf"]) / (
                made.candidate["jd"] - entry["jd"]
            )
            if made.truth.jd < made.truth.peak_jd - 2.0:
                before.append(change)
            elif middle > 8.0 and entry["jd"] > made.truth.peak_jd + 3.0:
                after.append(change)
    assert np.median(after) > 0.02
    assert not before or np.median(before) < 0.0


def test_names_match_kinds() -> None:
    """Every class has a name."""
    assert len(NAMES) == len(Kind)
    assert len(set(NAMES)) == len(NAMES)


def test_draws() -> None:
    """Draws are even, normal and Poisson, depend on key and salt, and stay as they are."""
    key = draws.key_of(7, np.arange(20_000))
    uniform = draws.uniform(key, 1)
    assert 0.0 < uniform.min() < 0.001
    assert 0.999 < uniform.max() < 1.0
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(uniform, draws.uniform(key, 2))[0, 1]) < 0.03
    assert abs(np.corrcoef(uniform[1:], uniform[:-1])[0, 1]) < 0.03
    normal = draws.normal(key, 3)
    assert normal.mean() == pytest.approx(0.0, abs=0.03)
    assert normal.std() == pytest.approx(1.0, abs=0.03)
    for mean in (0.3, 7.0, 400.0):
        counts = [draws.poisson(draws.key_of(8, number), 1, mean) for number in range(1500)]
        assert np.mean(counts) == pytest.approx(mean, rel=0.1)
        assert np.var(counts) == pytest.approx(mean, rel=0.2)
    assert int(draws.key_of(1, 2)[0]) == int(draws.key_of(1, np.array([2]))[0])
    assert int(draws.key_of(1, 2)[0]) != int(draws.key_of(2, 1)[0])
