"""A bundle appears whole or not at all, and what others put into its folder stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ztfnb.errors import ExportError
from ztfnb.export.placing import PROVENANCE, beside, check_free, files_in, place
from ztfnb.export.worker.bundle import Bundle, checksum_of, write_bundle


def written(folder: Path, files: dict[str, str]) -> Path:
    """A folder as an export writes it."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write_bundle(Bundle(folder, "young", "0" * 64))
    told = {name: checksum_of(folder / name) for name in files_in(folder)}
    (folder / PROVENANCE).write_text(json.dumps({"files": told}))
    return folder


def test_nothing_stays_of_what_was_begun(tmp_path: Path) -> None:
    """A folder beside is gone after an error, and was never seen under the name."""

    def break_off() -> None:
        with beside(tmp_path / "young") as partial:
            (partial / "filter.py").write_text("half")
            assert partial.parent == tmp_path
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        break_off()
    assert not list(tmp_path.iterdir())


def test_into_an_empty_folder(tmp_path: Path) -> None:
    """An empty folder, or none, is free; what is no folder is not, nor a place without a parent."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "none"):
        check_free(tmp_path / name, overwrite=False)
        with beside(tmp_path / name) as partial:
            (partial / "filter.py").write_text("whole")
            assert place(partial, tmp_path / name) is None
        assert files_in(tmp_path / name) == ("filter.py",)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("file", "link"):
        with pytest.raises(ExportError, match="no folder; name another"):
            check_free(tmp_path / name, overwrite=True)
    with pytest.raises(ExportError, match=r"there is no folder .*nowhere"):
        check_free(tmp_path / "nowhere" / "young", overwrite=True)


def test_what_cannot_be_read_as_a_bundle_is_left_alone(tmp_path: Path) -> None:
    """A damaged bundle, or one of another version, is told so with a way out that works."""
    (tmp_path / "young").mkdir()
    (tmp_path / "young" / "bundle.json").write_text('{"format": 0}')
    with pytest.raises(ExportError, match=r"left alone; move it away, or name another folder$"):
        check_free(tmp_path / "young", overwrite=True)


def test_what_others_put_there_goes_over(tmp_path: Path) -> None:
    """Files of others go over where nothing stands, caches do not, and old files go."""
    old = written(tmp_path / "young", {"filter.py": "1", "old_module.py": "1", "k8s/a.yaml": "1"})
    others = {
        ".git/HEAD": "ref",
        "k8s/mine.yaml": "mine",
        "__pycache__/filter.pyc": "x",
        ".pytest_cache/v/x": "x",
        "notes.txt": "mine",
    }
    for name, text in others.items():
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_text(text)
    with beside(old) as partial:
        written(partial, {"filter.py": "2", "k8s/a.yaml": "2", "notes.txt": "of the export"})
        before = place(partial, old)
    assert set(files_in(old)) == {
        *(".git/HEAD", "bundle.json", "filter.py", "k8s/a.yaml", "k8s/mine.yaml", "notes.txt"),
        PROVENANCE,
    }
    assert (old / "filter.py").read_text() == "2"
    # The new bundle has a file of that name: theirs is kept where it was.
    assert before is not None
    assert (before / "notes.txt").read_text() == "mine"
    assert (old / "notes.txt").read_text() == "of the export"


def test_a_bundle_without_its_provenance_is_kept(tmp_path: Path) -> None:
    """Where it is not known what an export wrote, all of the earlier bundle is kept."""
    old = written(tmp_path / "young", {"filter.py": "1"})
    (old / PROVENANCE).write_text("{}")
    with beside(old) as partial:
        written(partial, {"filter.py": "2"})
        before = place(partial, old)
    assert before is not None
    assert (before / "filter.py").read_text() == "1"
    assert (old / "filter.py").read_text() == "2"
