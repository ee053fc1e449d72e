"""The README does what it says: its snippets run, in the order in which they stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ztfnb
from ztfnb import cli, profiles
from ztfnb.errors import FilterWarning

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BROWSER = ROOT / "docs" / "browser.md"
FILTERS = ROOT / "docs" / "filters.md"
EXPORT = ROOT / "docs" / "export.md"


class Block(NamedTuple):
    language: str
    line: int
    text: str


def blocks(file: Path = README) -> Iterator[Block]:
    """Code blocks of a page, with the line on which each begins."""
    text = file.read_text()
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(match[1], text[: match.start()].count("\n") + 2, match[2])


def commands(block: Block) -> Iterator[list[str]]:
    """Commands of a console block, without their comments."""
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


def test_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python snippet runs, after the commands before it that write files."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    ran = 0
    try:
        for block in blocks():
            if block.language == "python":
                # Blank lines before it, so that a traceback shows the line of the README.
                code = compile("\n" * (block.line - 1) + block.text, str(README), "exec")
                exec(code, names)  # noqa: S102 - our own README
                ran += 1
            elif block.language == "console":
                for words in commands(block):
                    if words[:2] == ["ztfnb", "simulate"] and "--to" in words:
                        assert cli.main(words[1:]) == 0
    finally:
        if "live" in names:
            names["live"].stop()
    assert ran > 5


def run(page: Path, names: dict[str, Any]) -> int:
    """Run the Python snippets of a page, one after the other; return how many there are."""
    found = [block for block in blocks(page) if block.language == "python"]
    for block in found:
        # Blank lines before it, so that a traceback, and a filter, have the lines of the page.
        code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
        exec(code, names)  # noqa: S102 - our own page
    return len(found)


def test_page_of_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every snippet about the browser runs, with a stream and alerts as it says."""
    monkeypatch.chdir(tmp_path)
    with ztfnb.connect("demo", name="page of the browser") as live:
        live.wait(alerts=40)
        assert run(BROWSER, {"ztfnb": ztfnb, "live": live, "alerts": live.latest(40)}) >= 3
    assert {"view.json", "candidates.tar.gz", "candidate.pdf", "labels.csv"} <= {
        file.name for file in tmp_path.iterdir()
    }


def test_page_of_filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every snippet about filters runs, in the order in which they stand, as in a notebook."""
    monkeypatch.chdir(tmp_path)
    with ztfnb.connect("demo", name="page of filters") as live:
        live.wait(alerts=60)
        names = {"__name__": "__main__", "ztfnb": ztfnb, "live": live, "alerts": live.latest(60)}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", FilterWarning)
            assert run(FILTERS, names) >= 10
    remarks = [str(one.message) for one in told if issubclass(one.category, FilterWarning)]
    assert [remark.partition(":")[0] for remark in remarks] == ["careless"]
    assert {"young.pins", "young.versions.jsonl"} <= {file.name for file in tmp_path.iterdir()}


def test_page_of_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every snippet about exports runs: a bundle is there, and what is to be refused is not."""
    monkeypatch.chdir(tmp_path)
    with ztfnb.connect("demo", name="page of exports") as live:
        live.wait(alerts=60)
        names: dict[str, Any] = {"__name__": "__main__", "ztfnb": ztfnb, "live": live}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FilterWarning)  # of the filter that is to be refused
            assert run(EXPORT, names) >= 4
    assert (tmp_path / "young-and-real" / "filter.py").is_file()
    assert not (tmp_path / "lost").exists()
    assert not (tmp_path / "lucky").exists()
    assert "frame is an astropy Table" in str(names["refused"])
    assert len(names["different"].differences) > 0


def test_commands() -> None:
    """Every command line is one that the command, or the Makefile, understands."""
    found = [
        words
        for page in (README, EXPORT)
        for block in blocks(page)
        if block.language == "console"
        for words in commands(block)
    ]
    assert {words[0] for words in found} == {"ztfnb", "make"}
    for words in found:
        if words[0] == "ztfnb":
            cli.parser().parse_args(words[1:])
        else:
            subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)


def test_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile that is shown is one that ztfnb accepts."""
    (text,) = [block.text for block in blocks() if block.language == "toml"]
    config = tmp_path / "profiles.toml"
    config.write_text(text)
    monkeypatch.setenv("ZTFNB_CONFIG", str(config))
    assert profiles.profile("uw").programids == (1,)


def test_every_block_is_tested() -> None:
    """No code block is of a kind that these tests pass over."""
    assert {block.language for block in blocks()} == {"python", "console", "toml"}
    assert README.read_text().count("```") == 2 * len(list(blocks()))


def test_links_lead_somewhere() -> None:
    """Each relative link and picture is a file of the repository, each anchor a heading."""
    text = README.read_text()
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (ROOT / target).is_file(), target
