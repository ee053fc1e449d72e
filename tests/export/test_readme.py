"""What a bundle tells of itself is right Markdown, whatever stands in the source."""

from __future__ import annotations

import pytest

from ztfnb.export.readme import _about, code, extent, table
from ztfnb.filters.threshold import Threshold


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b", "`a < b`"),
        ("a  <\n b", "`a < b`"),
        ("f(`x`)", "`` f(`x`) ``"),
        ("``x```", "```` ``x``` ````"),
    ],
)
def test_code(text: str, shown: str) -> None:
    """Code stands in more backticks than it has itself."""
    assert code(text) == shown


def test_tables_keep_their_columns() -> None:
    """A bar in a cell makes no further column."""
    lines = table(("condition", "n"), [("`a | b`", "1")], right=1).splitlines()
    assert lines == ["| condition | n |", "| --- | ---: |", "| `a \\| b` | 1 |"]


@pytest.mark.parametrize(
    ("doc", "about"),
    [
        (None, ""),
        ("Young.", ""),
        ("Young.\n\n    And real.\n    ", "\nAnd real.\n"),
        ("Young.\n\nAnd real.\n\nParameters\n----------\nrb_min\n    Score.", "\nAnd real.\n"),
        ("Young.\n\nParameters\n----------\nrb_min\n", ""),
    ],
)
def test_prose_of_a_docstring(doc: str | None, about: str) -> None:
    """The prose below the title is told; sections of parameters stand in the table."""
    assert _about(doc) == about


@pytest.mark.parametrize(
    ("threshold", "told"),
    [
        (Threshold("rb", 0.5, "float", 0.0, 1.0, bounded=True), "0 to 1"),
        (Threshold("rb", 0.5, "float", 0.0, 1.0), "a number"),
        (Threshold("n", 5, "int"), "a whole number"),
        (Threshold("on", True, "bool"), "true or false"),
        (Threshold("sign", "t", "choice", choices=("t", "f")), "`'t'`, `'f'`"),
        (Threshold("name", "x", "text"), "a text"),
    ],
)
def test_what_a_threshold_may_be(threshold: Threshold, told: str) -> None:
    """Its range stands beside it, where its author gave one."""
    assert extent(threshold) == told
