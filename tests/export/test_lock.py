"""Hash-locked requirement files, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ztfnb.errors import ExportError
from ztfnb.export.lock import read_lock, shipped_lock

ONE = "--hash=sha256:" + "1" * 64
TWO = "--hash=sha256:" + "2" * 64


def _lock(folder: Path, text: str) -> Path:
    path = folder / "lock.txt"
    path.write_text(text)
    return path


def test_lines_are_kept_as_they_are(tmp_path: Path) -> None:
    """Versions, markers and hashes are those of the file; comments and options between are not."""
    text = f"""# written by a tool
Some_Package==1.2 \\
    {ONE} \\
    {TWO}
    # via nothing
other==3.0 ; python_full_version < '3.12' {ONE}  # the old one
other==4.0 ; python_full_version >= '3.12' \\
    {TWO}
direct @ https://example.org/direct-1.0-py3-none-any.whl {ONE}
"""
    lock = read_lock(_lock(tmp_path, text))
    assert set(lock) == {"some-package", "other", "direct"}
    [some] = lock["some-package"]
    assert str(some) == f"Some_Package==1.2 \\\n    {ONE} \\\n    {TWO}"
    assert [pin.version for pin in lock["other"]] == ["3.0", "4.0"]
    assert sum(pin.here for pin in lock["other"]) == 1
    old = f'other==3.0 ; python_full_version < "3.12" \\\n    {ONE}'
    assert str(lock["other"][0]) == old
    assert str(lock["direct"][0]).startswith("direct @ https://example.org/direct-1.0")


def test_what_is_written_is_read_as_the_same(tmp_path: Path) -> None:
    """The shipped lock, written again line by line, is the same lock."""
    lock = read_lock(shipped_lock())
    text = "\n".join(str(pin) for pins in lock.values() for pin in pins)
    again = read_lock(_lock(tmp_path, text))
    assert {name: list(map(str, pins)) for name, pins in again.items()} == {
        name: list(map(str, pins)) for name, pins in lock.items()
    }
    assert {"numpy", "fastavro", "confluent-kafka", "prometheus-client"} <= set(lock)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("numpy==2.0", "numpy is not locked"),
        (f"numpy>=2.0 {ONE}", "numpy is not locked"),
        (f"numpy {ONE}", "numpy is not locked"),
        ("-r other.txt", "got -r"),
        ("--index-url https://example.org/simple", "got --index-url"),
        ("-e .", "got -e"),
        ("what is this", "expected name==version with hashes"),
    ],
)
def test_what_is_not_locked_is_refused(line: str, reason: str, tmp_path: Path) -> None:
    """Anything but one version with hashes is refused, with its line and what to do."""
    path = _lock(tmp_path, f"# head\n\n{line}\n")
    with pytest.raises(ExportError, match=reason) as caught:
        read_lock(path)
    assert "line 3" in str(caught.value)


def test_s28_a_credential_in_a_lock_is_refused(tmp_path: Path) -> None:
    """An address with a password goes neither into a bundle nor into the message."""
    for line in (
        "--extra-index-url https://me:canary-81c2@example.org/simple",
        f"direct @ https://canary-81c2@example.org/direct-1.0-py3-none-any.whl {ONE}",
    ):
        with pytest.raises(ExportError, match="an address with a credential") as caught:
            read_lock(_lock(tmp_path, line))
        assert "canary-81c2" not in str(caught.value)


def test_a_lock_that_is_not_there(tmp_path: Path) -> None:
    """The path and the reason are told."""
    with pytest.raises(ExportError, match=r"none\.txt cannot be read: No such file"):
        read_lock(tmp_path / "none.txt")
    (tmp_path / "lock.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ExportError, match="it is not text"):
        read_lock(tmp_path / "lock.txt")
