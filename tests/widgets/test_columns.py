"""Any field can be a column, written to what it means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ztfnb.widgets._columns import (
    AGE,
    DEFAULT,
    column_of,
    decimals,
    documented_names,
    menu,
)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("jd", 2461055.75, "01-15 06:00:00"),
        (AGE, 2461055.75, "2461055.750000"),
        ("jdstarthist", 2461055.75, "2026-01-15 06:00"),
        ("jd", 0.0, ""),
        ("ra", 150.123456, "150.12346"),
        ("ranr", -999.0, ""),
        ("magpsf", 18.456, "18.46"),
        ("srmag1", -999.0, ""),
        ("sgscore1", 0.5, "0.50"),
        ("distnr", 10.0, "10.1"),
        ("fid", 2, "r"),
        ("isdiffpos", "t", "+"),
        ("ndethist", 12, "12"),
        ("objectidps1", 123456789012345678, "123456789012345678"),
        ("objectidps1", -999, ""),
        ("ssnamenr", "null", ""),
        ("scorr", 12.3456, "12.35"),
        ("clrcounc", 1.2345e-05, "1.234e-05"),
        ("exptime", 30.0, "30"),
        ("psfFlux", 1234.5678, "1235"),
        ("apFlux", 1234.5678, "1234.57"),
        ("magpsf", float("inf"), ""),
    ],
)
def test_values_are_written_to_what_they_mean(name: str, value: Any, text: str) -> None:
    """Dates, degrees, magnitudes, scores and identifiers each in their way; -999 is nothing."""
    cells = (np.array([value]), np.array([False]))
    assert column_of(name).texts(cells) == [text]


def test_no_value_is_blank() -> None:
    """A null leaves its cell empty, whatever the type."""
    for values in (np.array([1.5]), np.array([0]), np.array(["x"])):
        assert column_of("rb").texts((values, np.array([True]))) == [""]


def test_numbers_are_scaled() -> None:
    """A column may show another unit than the packet has."""
    assert decimals(1, scale=1.012)(10.0) == "10.1"
    assert decimals(1)("text") == "text"


def test_numbers_stand_right_and_texts_left() -> None:
    """Quantities are aligned at their ends, names and identifiers at their beginnings."""
    assert not column_of("magpsf").text
    assert column_of("objectId").text
    assert column_of("candid").text


@pytest.mark.parametrize("name", [*DEFAULT, *documented_names()])
def test_every_column_is_explained(name: str) -> None:
    """Each column says which field it shows, what that means, and what stands where it is not."""
    title = column_of(name).title
    assert title.startswith(column_of(name).field)
    assert len(title) > len(name) + 10
    assert "Missing: " in title


def test_the_menu_has_what_is_held_and_what_is_documented() -> None:
    """All documented fields can be chosen, and those of alerts that no documentation knows."""
    listed = {one["name"]: one for one in menu(["rb", "apFlux"])}
    assert set(listed) >= {*DEFAULT, *documented_names(), "apFlux"}
    assert listed["rb"]["held"]
    assert not listed["drb"]["held"]
    assert listed["magpsf"]["unit"] == "mag"
    assert "score" in listed["rb"]["doc"]
