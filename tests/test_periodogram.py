"""Periods are found where the truth is known, and doubted where there is none."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ztfnb.errors import SelectionError
from ztfnb.lightcurve import LightCurve
from ztfnb.periodogram import Periodogram, false_alarm, periodogram
from ztfnb.photometry import photometry
from ztfnb.simulate import Survey
from ztfnb.simulate.lightcurves import difference_flux
from ztfnb.simulate.sources import Kind, made

Floats = NDArray[np.float64]


def nights(count: int, seed: int, *, span: int = 180) -> Floats:
    """Dates of exposures: one in each of some nights, within four hours of one sidereal time."""
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(span, count, replace=False))
    return np.asarray(2461000.5 + chosen * 0.99727 + random.uniform(0, 1 / 6, count))


def curve(jd: Floats, fid: NDArray[np.int32], flux: Floats, error: float) -> LightCurve:
    """A light curve of detections with these fluxes."""
    none = np.full(len(jd), np.nan)
    zero = np.zeros(len(jd), np.int32)
    return LightCurve(
        "ZTF1", jd=jd, fid=fid, kind=np.full(len(jd), "detection"), mag=none, mag_err=none,
        limit=none, apparent_mag=none, apparent_mag_err=none, flux=flux,
        flux_err=np.full(len(jd), error), positive=flux > 0, candid=np.arange(1, len(jd) + 1),
        rb=none, programid=zero, field=zero,
    )  # fmt: skip


def sine(period: float, *, seed: int = 1, noise: float = 10.0, count: int = 80) -> LightCurve:
    """g and r sines of unlike amplitude, phase and mean, with white noise."""
    random = np.random.default_rng(seed)
    jd = nights(count, seed)
    fid = np.where(random.uniform(size=count) < 0.5, 1, 2).astype(np.int32)
    angle = 2 * np.pi * jd / period
    flux = np.where(fid == 1, 40 * np.sin(angle) - 300, 25 * np.sin(angle + 0.4) + 90)
    return curve(jd, fid, flux + noise * random.standard_normal(count), noise)


@pytest.mark.parametrize("period", [0.0871, 0.30103, 0.71234, 3.3, 41.0])
def test_a_sine_in_two_bands_is_found(period: float) -> None:
    """Periods of hours to weeks come back within a tenth of a peak's width, beyond doubt."""
    found = periodogram(sine(period))
    width = 1 / 180
    assert 1 / found.period == pytest.approx(1 / period, abs=width / 10)
    assert found.peaks[0].false_alarm < 1e-9
    assert found.peaks[0].remark == ""
    assert found.bands == (1, 2)
    assert found.points == 80


def test_means_and_signs_do_not_matter() -> None:
    """A constant of each band, as the reference takes away, changes nothing."""
    held = sine(0.5)
    moved = replace(held, flux=held.flux + np.where(held.fid == 1, 1e3, -400.0))
    np.testing.assert_allclose(periodogram(moved).power, periodogram(held).power, atol=1e-3)


def test_aliases_of_the_night_are_named() -> None:
    """Frequencies one per sidereal day away from the truth are told as its aliases."""
    truth = 1 / 0.71234
    found = periodogram(sine(0.71234, noise=3.0))
    aliases = [
        peak
        for peak in found.peaks[1:]
        if min(abs(abs(1 / peak.period - truth) - k / 0.99727) for k in (1, 2)) < 1 / 180
    ]
    assert aliases, found.peaks
    assert all(peak.remark.startswith("alias of 0.7123") for peak in aliases)


def test_noise_rarely_has_a_period() -> None:
    """Of 200 light curves of noise, about one in ten has a peak of that false-alarm probability.

    The estimate is good to a factor of a few: fewer than a quarter are allowed, and some must be.
    """
    fired = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        jd = nights(40, seed, span=60)
        fid = np.where(np.arange(40) % 2, 1, 2).astype(np.int32)
        held = curve(jd, fid, 10 * random.standard_normal(40), 10.0)
        fired += periodogram(held, shortest=0.2, count=1).peaks[0].false_alarm < 0.1
    assert 2 <= fired < 50


@pytest.mark.parametrize("points", [10, 40])
def test_false_alarm_of_one_band_is_the_known_one(points: int) -> None:
    """With one band it is (1 - z) ** ((n - 3) / 2), as astropy has it."""
    assert false_alarm(0.4, points, 1, 1.0) == pytest.approx(0.6 ** ((points - 3) / 2))
    assert false_alarm(0.0, points, 1, 1.0) == 1.0
    assert false_alarm(1.0, points, 1, 100.0) == 0.0


def test_false_alarm_of_bands_follows_the_beta_distribution() -> None:
    """With two bands it is the share of chi-square ratios, drawn at random, that lie below."""
    random = np.random.default_rng(1)
    rest, explained = random.chisquare(20 - 6, 200_000), random.chisquare(4, 200_000)
    share = explained / (rest + explained)
    for power in (0.2, 0.4, 0.6):
        expected = float(np.mean(share > power))
        assert false_alarm(power, 20, 2, 1.0) == pytest.approx(expected, rel=0.05, abs=1e-4)


def simulated(kind: Kind, period: float, **values: float) -> Periodogram:
    """The periodogram of a simulated star of 16 mag in g and r, with errors of 2 percent."""
    jd = nights(120, 5)
    fid = np.where(np.arange(120) % 2, 1, 2).astype(np.int32)
    given = {"mag": 16.0, "g_minus_r": 0.2, "r_minus_i": 0.1, "period": period,
             "epoch": 2461000.0, "amplitude": 0.6, **values}  # fmt: skip
    star = made(
        kind,
        np.zeros(1, np.uint64),
        np.zeros(1),
        np.zeros(1),
        **{name: np.array([value]) for name, value in given.items()},
    )
    flux = difference_flux(star, np.zeros(120, np.int64), jd, fid.astype(np.int64))
    error = 0.02 * 10 ** (0.4 * (23.9 - 16.0))
    return periodogram(
        curve(jd, fid, flux + error * np.random.default_rng(2).standard_normal(120), error)
    )


@pytest.mark.parametrize("period", [0.3421, 0.5123, 0.6789])
def test_a_simulated_rr_lyrae_is_found(period: float) -> None:
    """Its sawtooth is no sine, but its period is the best one all the same."""
    found = simulated(Kind.RR_LYRAE, period, shape=0.2 if period > 0.4 else 0.8)
    assert 1 / found.period == pytest.approx(1 / period, abs=0.2 / 180)
    assert found.peaks[0].false_alarm < 1e-9


def test_an_eclipsing_binary_shows_half_of_its_period() -> None:
    """Two like eclipses in a cycle are one dip in each half: the half is found, as documented."""
    found = simulated(Kind.ECLIPSING, 0.4123, slope=0.97, shape=0.0)
    assert 1 / found.period == pytest.approx(2 / 0.4123, abs=0.2 / 180)


def test_a_packet_is_enough() -> None:
    """Of RR Lyrae stars in simulated packets with 30 fluxes, most periods come out, or aliases.

    One packet reaches back 30 days: so long a span cannot always tell a period from its aliases.
    """
    right = searched = 0
    for alert in Survey(seed=3, alerts_per_night=20_000).night("2026-01-15", limit=1_200):
        if alert.truth.kind != "RR Lyrae":
            continue
        held = photometry(alert.alert)
        if np.isfinite(held.flux).sum() >= 30:
            searched += 1
            best = [1 / peak.period for peak in periodogram(held, shortest=0.2).peaks]
            right += min(abs(f - 1 / alert.truth.period) for f in best) < 1 / 30
    assert searched > 3
    assert right > 0.7 * searched


def test_an_exposure_counts_once() -> None:
    """A forced flux beside the detection of the same exposure does not take part."""
    held = sine(0.5)
    both = LightCurve(
        "ZTF1",
        **{
            name: np.concatenate((values, values))
            for name, values in ((one.name, getattr(held, one.name)) for one in fields(held)[1:])
            if name != "kind"
        },
        kind=np.repeat(["detection", "forced"], len(held)),
    )
    assert periodogram(both).points == len(held)


def test_too_few_fluxes_are_refused() -> None:
    """The error says how many there were, of which filter; limits are no fluxes."""
    held = sine(0.5)
    few = held[np.flatnonzero(held.fid == 2)[:9]]
    with pytest.raises(SelectionError, match=r"10 fluxes or more.*got 9 of filter 2"):
        periodogram(few)
    with pytest.raises(SelectionError, match="got none"):
        periodogram(replace(held, flux=np.full(len(held), math.nan)))
    # Nothing can be told from a band of four: its own model has three numbers.
    rest = np.flatnonzero(held.fid == 1)[:4]
    found = periodogram(held[np.sort(np.concatenate((rest, np.flatnonzero(held.fid == 2))))])
    assert found.bands == (2,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shortest": 2.0, "longest": 1.0}, "got 2 d to 1 d"),
        ({"shortest": -1.0}, "above 0 d"),
        ({"shortest": 1e-6}, "too many"),
    ],
)
def test_ranges_that_cannot_be_searched_are_refused(values: dict[str, float], message: str) -> None:
    """A range of no width, below zero, or of more frequencies than memory is refused in words."""
    with pytest.raises(SelectionError, match=message):
        periodogram(sine(0.5), **values)  # type: ignore[arg-type]


def test_fluxes_that_are_all_the_same_are_refused() -> None:
    """There is no scatter for a period to explain."""
    held = sine(0.5)
    with pytest.raises(SelectionError, match="all fluxes are the same"):
        periodogram(replace(held, flux=np.full(len(held), 5.0)))


def test_a_search_can_be_watched_and_ended() -> None:
    """The share that is done grows from 0; what the watcher raises comes out."""
    told: list[float] = []
    periodogram(sine(0.5), shortest=0.005, progress=told.append)
    assert told[0] == 0
    assert told == sorted(told)
    assert len(told) > 2

    def stop(done: float) -> None:
        raise InterruptedError(done)

    with pytest.raises(InterruptedError):
        periodogram(sine(0.5), progress=stop)
