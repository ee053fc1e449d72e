"""The field browser."""

from __future__ import annotations

import pytest

from ztfnb.errors import SelectionError
from ztfnb.fields import VERSIONS, Field, documented, fields


def test_every_field_of_the_newest_schema_is_documented() -> None:
    """All 10 + 103 + 57 + 29 + 2 fields have a meaning, and what stands for a missing value."""
    every = fields()
    assert len(every) == 10 + 103 + 57 + 29 + 2
    assert all(len(field.doc) > 10 and field.missing for field in every)
    assert all(not field.nullable or "null" in field.missing for field in every)
    assert all(field.nullable or "null" not in field.missing for field in every)


def test_a_name_shows_the_field_in_each_record_that_has_it() -> None:
    """`rb` is a field of the candidate and of the history, and nothing else is shown."""
    found = fields("rb")
    assert [field.path for field in found] == ["candidate.rb", "prv_candidate.rb"]
    assert found[0].type == "float"
    assert found[0].nullable
    assert found[0].versions == VERSIONS
    assert "random forest" in repr(found)
    assert fields.rb[0] == found[0]


@pytest.mark.parametrize("path", ["fp_hist.forcediffimflux", "fp_hists.FORCEDIFFIMFLUX"])
def test_a_path_shows_the_field_of_one_record(path: str) -> None:
    """Record and name single out one field; letter case and the plural do not matter."""
    (only,) = fields(path)
    assert (only.record, only.unit, only.missing) == ("fp_hist", "DN", "null or -99999")
    assert only.versions == ("4.01", "4.02")


def test_patterns_and_fragments_search() -> None:
    """A pattern matches names; letters match inside names, or else inside documentation."""
    assert {"magpsf", "magnr"} <= {field.name for field in fields("mag*")}
    assert all(field.name.startswith("mag") for field in fields("mag*"))
    assert {field.name for field in fields("candidate.sgscore?")} == {
        "sgscore1",
        "sgscore2",
        "sgscore3",
    }
    assert {"magzpsci", "zpmed"} <= {field.name for field in fields("zp")}
    assert "chinr" in {field.name for field in fields("daophot")}


def test_an_unknown_name_offers_close_ones() -> None:
    """The error names what was asked for and what is like it."""
    with pytest.raises(SelectionError, match=r"'mgpsf'.*magpsf"):
        fields("mgpsf")
    with pytest.raises(SelectionError, match=r"fields\(\) lists all"):
        fields("nothing like a field")


def test_one_field_is_found_by_its_exact_name_only() -> None:
    """Of a name in several records the packet's first counts; what only looks like it is none."""
    assert documented("magpsf") == fields("candidate.magpsf")[0]
    assert documented("candid") == fields("alert.candid")[0]
    assert [documented(name) for name in ("MAGPSF", "mag*", "candidate.rb", "apFlux", "")] == [
        None
    ] * 5


def test_completion_offers_the_names_and_no_others() -> None:
    """Tab completion lists field names; other attributes do not exist."""
    assert {"rb", "objectId", "isdiffpos"} <= set(dir(fields))
    assert not any(name.startswith("_") for name in dir(fields))
    assert not hasattr(fields, "_repr_mimebundle_")
    assert not hasattr(fields, "rbb")


def test_both_views_are_escaped_and_name_the_unit() -> None:
    """The HTML view holds no markup from the documentation; slices show themselves too."""
    html = fields("magpsf")._repr_html_()
    assert "<td" in html
    assert ">mag<" in html
    bad = Field("<img onerror=x>", "candidate", "float", nullable=True, unit="<b>", doc="<i>.",
                missing="null", versions=("4.02",))  # fmt: skip
    assert "<img" not in bad._repr_html_()
    assert "&lt;img" in bad._repr_html_()
    few = fields()[:6]
    assert len(repr(few).splitlines()) == 6
    assert "objectId" in few._repr_html_()
