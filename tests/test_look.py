"""How stamps look."""

from __future__ import annotations

import json
import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.cutout import KINDS, cutout
from ztfnb.errors import ConfigError
from ztfnb.look import COLOURS, STRETCHES, Look, Stretch, limits_of, share_of, shares, zscale

CURVES = STRETCHES[1:]


@pytest.mark.parametrize("curve", CURVES)
def test_a_stretch_rises_from_dark_to_bright(curve: Stretch) -> None:
    """Brighter pixels never become darker; the limits are 0 and 1; no value stays none."""
    found = share_of(np.linspace(-5, 5, 101), (-5, 5), curve)
    assert (found[0], found[-1]) == (0, 1)
    assert (np.diff(found) >= 0).all()
    odd = np.array([-9.0, 9.0, np.nan, np.inf])
    np.testing.assert_array_equal(share_of(odd, (-5, 5), curve), [0, 1, np.nan, np.nan])


def test_stretches_have_their_analytic_values() -> None:
    """In the middle: half for linear, its root, asinh(5) / asinh(10), log(501) / log(1001)."""
    expected = {
        "linear": 0.5,
        "sqrt": math.sqrt(0.5),
        "asinh": math.asinh(5) / math.asinh(10),
        "log": math.log(501) / math.log(1001),
    }
    assert set(expected) == set(CURVES)
    for curve, share in expected.items():
        found = share_of(np.array([0.5]), (0.0, 1.0), cast("Stretch", curve))
        assert found == pytest.approx([share]), curve


def test_the_default_suits_each_kind() -> None:
    """asinh between the percentiles 0.5 and 99.5; in a difference zero is in the middle."""
    pixels = np.arange(-1000.0, 3001.0)
    stamps = dict.fromkeys(KINDS, pixels)
    limits = limits_of(stamps, Look())
    assert limits["science"] == limits["template"] == (-980.0, 2980.0)
    assert limits["difference"] == (-2980.0, 2980.0)
    found = shares(stamps, Look())
    assert found["difference"][1000] == 0.5
    assert found["science"][1000] == pytest.approx(
        math.asinh(980 / 3960 / 0.1) / math.asinh(10), rel=1e-12
    )
    assert limits_of(stamps, Look(stretch="log"))["difference"] == (-980.0, 2980.0)


def test_limits_follow_the_choice() -> None:
    """A percentage, IRAF's, those typed, and one pair for science and template."""
    stamps = {
        "science": np.arange(101.0),
        "template": np.arange(0.0, 1010.0, 10),
        "difference": None,
    }
    assert limits_of(cast("Any", stamps), Look(limits=90)) == {
        "science": (5.0, 95.0),
        "template": (50.0, 950.0),
    }
    science = cast("Any", {"science": stamps["science"], "template": stamps["template"]})
    assert limits_of(science, Look(limits=100))["template"] == (0.0, 1000.0)
    typed = Look(typed={"science": (1.0, 2.0)})
    assert limits_of(science, typed)["science"] == (1.0, 2.0)
    assert limits_of(science, typed)["template"] == (5.0, 995.0)
    both = Look(typed={"science": (1.0, 2.0)}, same=True)
    assert limits_of(science, both) == {"science": (1.0, 2.0), "template": (1.0, 2.0)}
    alone = cast("Any", {"science": None, "template": stamps["template"]})
    assert limits_of(alone, both) == {"template": (5.0, 995.0)}


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((5, 5), 7.0),
        np.array([[np.nan, 3.0]]),
        np.array([[-3e38, 3e38]], np.float32),
        np.array([[0.0, 1e-45]], np.float32),
    ],
    ids=["constant", "one", "extreme", "tiny"],
)
@pytest.mark.parametrize("limits", [99.0, 100.0, "zscale"])
def test_odd_pixels_are_drawn_without_a_warning(pixels: NDArray[Any], limits: Any) -> None:
    """What has no value is NaN, and everything else is between 0 and 1."""
    for stretch in STRETCHES:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            found = shares({"science": pixels}, Look(stretch=stretch, limits=limits))["science"]
        np.testing.assert_array_equal(np.isnan(found), ~np.isfinite(pixels))
        known = found[np.isfinite(pixels)]
        assert ((known >= 0) & (known <= 1)).all()


def test_a_stamp_without_values_has_no_look() -> None:
    """Missing, empty and without one finite pixel."""
    nothing = {"science": None, "template": np.zeros((0, 0)), "difference": np.full((3, 3), np.nan)}
    assert shares(cast("Any", nothing), Look()) == {}


def test_zscale_is_that_of_astropy() -> None:
    """For noise with stars, few pixels, and equal ones."""
    visualization = pytest.importorskip("astropy.visualization")
    random = np.random.default_rng(8)
    sky = random.normal(100, 5, 3969)
    stars = sky + 1e4 * (random.random(3969) > 0.99)
    for values in (sky, stars, sky[:100], stars[:1999], random.random(6), np.full(50, 3.0)):
        expected = visualization.ZScaleInterval().get_limits(values)
        assert zscale(values) == pytest.approx(expected, rel=1e-9)
    assert zscale(np.array([2.0])) == (2.0, 2.0)
    assert zscale(np.array([1.0, 3.0, 2.0])) == (1.0, 3.0)


@needs_real_packets
def test_zscale_of_real_stamps_is_that_of_astropy() -> None:
    """Crowded, empty and clipped ones of a night."""
    visualization = pytest.importorskip("astropy.visualization")
    compared = 0
    for path in real_files("night-20181128/*.avro")[:20]:
        alert = ztfnb.decode(path.read_bytes())
        for kind in KINDS:
            pixels = cutout(alert, kind)
            if pixels is None:
                continue
            values = pixels[np.isfinite(pixels)].astype(np.float64)
            expected = visualization.ZScaleInterval().get_limits(values)
            assert zscale(values) == pytest.approx(expected, rel=1e-6)
            compared += 1
    assert compared > 50


@given(
    st.builds(
        Look,
        st.sampled_from(STRETCHES),
        st.one_of(st.floats(50, 100), st.just("zscale")),
        st.dictionaries(
            st.sampled_from(KINDS),
            st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)).map(
                lambda pair: (min(pair), max(pair))
            ),
        ),
        st.booleans(),
        st.sampled_from(COLOURS),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
)
def test_settings_come_back(look: Look) -> None:
    """What JSON keeps of a look chooses the same look again."""
    assert Look().choose(json.loads(json.dumps(look.settings()))) == look


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("stretch", "cubic", "asinh"),
        ("stretch", ["asinh"], "asinh"),
        ("limits", 40, "50 to 100"),
        ("limits", 101, "50 to 100"),
        ("limits", True, "50 to 100"),
        ("limits", math.nan, "50 to 100"),
        ("limits", "99", "50 to 100"),
        ("typed", [1, 2], "science"),
        ("typed", {"sky": [1, 2]}, "science"),
        ("typed", {"science": [2, 1]}, "in order"),
        ("typed", {"science": [1]}, "in order"),
        ("typed", {"science": "12"}, "in order"),
        ("typed", {"science": [1, math.inf]}, "in order"),
        ("typed", {"science": [1, 10**400]}, "in order"),
        ("same", 1, "true or false"),
        ("colours", "jet", "viridis"),
        ("invert", "yes", "true or false"),
        ("<script>", 1, "expected stretch, limits"),
    ],
)
def test_what_cannot_be_chosen_is_refused(name: str, value: Any, expected: str) -> None:
    """A setting of a file that somebody made up is named, with what was expected."""
    with pytest.raises(ConfigError, match=expected):
        Look().choose({"colours": "viridis", name: value})


def test_absent_settings_stay() -> None:
    """Only what is given changes."""
    look = Look(stretch="log", invert=True)
    assert look.choose({"colours": "inferno"}) == Look(
        stretch="log", invert=True, colours="inferno"
    )
    assert look.choose({"colours": "inferno"}).cmap == "inferno_r"
    assert Look().cmap == "grey"


def test_colour_maps_have_the_names_of_matplotlib() -> None:
    """A picture made with matplotlib has the same colours."""
    matplotlib = pytest.importorskip("matplotlib")
    for name in COLOURS:
        assert matplotlib.colormaps[name].N == 256
