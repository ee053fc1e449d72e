"""A filter shows its source, thresholds, remarks and pins; nothing of them is taken as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cells import Notebook
from made import made_packet

from ztfnb.codec import decode

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    made = Notebook()
    made.run("""
        import ztfnb

        @ztfnb.filter
        def shown(alert, *, limit: (10, 22) = 19.0, name="<b>&", band: ["g", "<i>"] = "<i>"):
            "<script>alert(1)</script>"
            return alert["candidate"]["magpsf"] < limit and alert["candidate"]["<u>"]
        """)
    return made


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> Texts:
    parser = Texts()
    parser.feed(html)
    return parser


def test_source_and_thresholds(book: Notebook) -> None:
    """Name, hash, numbered source, and what each threshold is set to and may be."""
    shown = book["shown"].with_params(limit=18.0)
    found = seen(shown._repr_html_())
    assert found.text.startswith(f"shown {shown.hash[:12]}")
    assert re.search(r"4 def shown\(alert, \*, limit: \(10, 22\) = 19\.0", found.text)
    assert '5     "<script>alert(1)</script>"' in found.text  # fmt: skip
    assert "limit18.010 to 22" in found.text
    assert "band'<i>''g', '<i>'" in found.text


def test_nothing_is_taken_as_html(book: Notebook) -> None:
    """What stands in sources, values, remarks and notes is text."""
    book["shown"].pin(decode(made_packet(1, magpsf=18)), note="<img src=x onerror=alert(1)>")
    html = book["shown"]._repr_html_()
    found = seen(html)
    assert not {"script", "img", "i", "u"} & found.tags
    assert html.count("<b>") == 1  # the name
    assert "<img src=x" in found.text


def test_remarks_and_pins(book: Notebook) -> None:
    """Remarks and pins are listed, red and green told by more than colour."""
    book["shown"].pin(decode(made_packet(1, magpsf=20)), passes=False)
    book["shown"].pin(decode(made_packet(2, magpsf=20)))
    found = seen(book["shown"]._repr_html_()).text
    assert "✔ green: 1 must be rejected" in found
    assert "✘ red: 2 must pass, rejected" in found
    assert f"⚠ {book['shown'].remarks[0]}" in found


def test_pins_that_cannot_be_read(book: Notebook, tmp_path: Path) -> None:
    """Trouble with the pins hides nothing else."""
    (tmp_path / "shown.pins").mkdir()
    (tmp_path / "shown.pins" / "pins.jsonl").mkdir()
    found = seen(book["shown"]._repr_html_()).text
    assert "cannot read" in found
    assert "def shown(" in found
