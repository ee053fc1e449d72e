"""Tar files made to hurt: nothing is written, little memory taken, only DecodeError raised."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import made_packet

from ztfnb import tarball
from ztfnb.archive import read
from ztfnb.errors import DecodeError
from ztfnb.tarball import MAX_EXTENSION_BYTES, MAX_MEMBER_BYTES, Member, Tarball

PACKET = made_packet(7)


def info(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> bytes:
    """A member's header."""
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, link
    return member.tobuf(tarfile.GNU_FORMAT)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


GOOD = info("7.avro", size=len(PACKET)) + padded(PACKET)


def walk(path: Path, data: bytes) -> tuple[list[Member], list[DecodeError]]:
    """Members read, and errors, of a tar file with these bytes."""
    path.write_bytes(data)
    read_members: list[Member] = []
    errors: list[DecodeError] = []
    try:
        for member in Tarball(path).members():
            if member.error is None:
                read_members.append(member)
            else:
                errors.append(member.error)
    except DecodeError as error:
        errors.append(error)
    return read_members, errors


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (info("../up.avro", size=3) + padded(b"abc"), "leads out"),
        (info("a/../../up.avro", size=3) + padded(b"abc"), "leads out"),
        (info("/etc/up.avro", size=3) + padded(b"abc"), "leads out"),
        (info("../up", tarfile.DIRTYPE), "leads out"),
        (info("ln.avro", tarfile.SYMTYPE, link="/etc/passwd"), "it is a link"),
        (info("hard.avro", tarfile.LNKTYPE, link="7.avro"), "it is a link"),
        (info("dev.avro", tarfile.CHRTYPE), "no regular file"),
        (info("disk.avro", tarfile.BLKTYPE), "no regular file"),
        (info("pipe.avro", tarfile.FIFOTYPE), "no regular file"),
        (
            info("big.avro", size=MAX_MEMBER_BYTES + 1) + padded(bytes(MAX_MEMBER_BYTES + 1)),
            "at most 16,777,216 are read",
        ),
    ],
)
def test_s26_hostile_members_are_refused_by_name_and_the_others_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: bytes, says: str
) -> None:
    """Names that lead out, links, devices and giants: passed over, and nothing is written."""
    inside = tmp_path / "work" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    before = sorted(tmp_path.rglob("*"))
    path = tmp_path / "work" / "night.tar"
    members, errors = walk(path, GOOD + bad + GOOD + bytes(1024))
    assert [member.data for member in members] == [PACKET, PACKET]
    assert len(errors) == 1
    assert says in str(errors[0])
    assert str(errors[0]).split(":")[0].endswith((".avro", "up"))
    assert sorted(tmp_path.rglob("*")) == sorted([*before, path])


@pytest.mark.parametrize(
    "content",
    [
        info("bomb.avro", size=2**33) + bytes(2**28),
        info("bomb.txt", size=2**33) + bytes(2**28),
        info("@LongLink", tarfile.GNUTYPE_LONGNAME, size=2**28) + bytes(2**28),
        info("pax", tarfile.XHDTYPE, size=2**28) + bytes(2**28),
        info("sparse.avro", tarfile.GNUTYPE_SPARSE, size=2**33),
        b"".join(info(f"{n}.avro", size=2**20) + bytes(2**20) for n in range(300)),
    ],
    ids=["giant", "other giant", "long name", "pax", "sparse", "many zeros"],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_s26_bombs_are_stopped_with_little_memory(
    tmp_path: Path, content: bytes, zipped: bool
) -> None:
    """Some hundred MB of nothing: an error, or small members; never more than 64 MB at once."""
    data = gzip.compress(content, 1) if zipped else content
    del content
    path = tmp_path / "bomb.tar"
    path.write_bytes(data)
    del data
    tracemalloc.start()
    size = 0
    errors: list[DecodeError] = []
    try:
        for member in Tarball(path).members():
            size += len(member.data)
            errors += [member.error] if member.error else []
    except DecodeError as error:
        errors.append(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size or errors
    assert all("bomb" in str(error) for error in errors)
    assert peak < 64 * 1024 * 1024
    if zipped:
        most = tarball.FREE_BYTES + tarball.MAX_RATIO * path.stat().st_size
        assert size <= most


def test_s26_a_name_is_shown_and_never_opened(tmp_path: Path) -> None:
    """A long name is cut in messages, and characters that are none are replaced."""
    name = "x" * 5_000 + "/../secret.avro"
    long = info("@LongLink", tarfile.GNUTYPE_LONGNAME, size=len(name)) + padded(name.encode())
    _, errors = walk(tmp_path / "n.tar", long + info("short.avro", size=3) + padded(b"abc"))
    assert len(str(errors[0])) < 300
    bad = bytearray(info("aaaa.avro", size=3) + padded(b"abc"))
    bad[:2] = b"\xff\xfe"
    header = bytes(bad[:148]) + b" " * 8 + bytes(bad[156:512])
    bad[148:156] = b"%06o\0 " % sum(header)
    members, _ = walk(tmp_path / "n.tar", bytes(bad))
    members[0].name.encode()
    assert members[0].data == b"abc"


@given(st.lists(st.tuples(st.integers(0, 1535), st.integers(0, 255)), min_size=1, max_size=20))
@settings(max_examples=300, deadline=None)
def test_changed_bytes_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """Members, refusals, or a DecodeError with the file's name."""
    pax = b"22 path=other/x.avro\n\n"
    data = bytearray(
        info("pax", tarfile.XHDTYPE, size=len(pax))
        + padded(pax)
        + info("a.avro", size=9)
        + padded(b"x" * 9)
        + GOOD
    )
    for place, value in changes:
        data[place] = value
    path = tmp_path_factory.getbasetemp() / "changed.tar"
    _, errors = walk(path, bytes(data))
    assert all(str(error) for error in errors)


@given(st.integers(0, 5_000), st.integers(0, 255), st.booleans())
@settings(max_examples=150, deadline=None)
def test_changed_compressed_bytes_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, cut: bool
) -> None:
    """The same for what is gzipped, and for what ends too early."""
    data = bytearray(gzip.compress(GOOD * 3 + bytes(1024), mtime=0))
    place %= len(data)
    data[place] = value
    path = tmp_path_factory.getbasetemp() / "changed.tar.gz"
    walk(path, bytes(data[:place] if cut else data))


def test_names_come_from_extended_headers(tmp_path: Path) -> None:
    """GNU's and pax's, for the next member only."""
    long = "d/" * 100 + "8.avro"
    path = tmp_path / "n.tar"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(path, "w", format=form) as tar:
            for name in (long, "9.avro", "d"):
                member = tarfile.TarInfo(name)
                member.size = len(PACKET)
                tar.addfile(member, io.BytesIO(PACKET))
        members = list(Tarball(path).members())
        assert [member.name.rsplit("/")[-1] for member in members] == ["8.avro", "9.avro"]
        assert len(members[0].name) <= 203
        assert len(long.encode()) < MAX_EXTENSION_BYTES


def test_gzip_files_one_after_the_other_are_one(tmp_path: Path) -> None:
    """As `gzip` itself reads them; what else follows is not looked at."""
    path = tmp_path / "n.tar.gz"
    path.write_bytes(gzip.compress(GOOD) + gzip.compress(GOOD + bytes(1024)) + b"\0" * 100)
    assert [member.data for member in Tarball(path).members()] == [PACKET, PACKET]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_member_is_read_again_by_its_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    """Wherever decompression can be resumed, and however seldom that is."""
    monkeypatch.setattr(tarball, "_MARK_EVERY", 50_000)
    monkeypatch.setattr(tarball, "_MOST_MARKS", 8)
    bodies = [os.urandom(3_000 + n) for n in range(300)]
    parts = [info(f"{n}.avro", size=len(body)) + padded(body) for n, body in enumerate(bodies)]
    path = tmp_path / "n.tar"
    content = b"".join(parts)
    path.write_bytes(gzip.compress(content, 1) if zipped else content)
    ball = Tarball(path)
    members = list(ball.members())
    assert [member.data for member in members] == bodies
    for number in (299, 0, 150, 7, 298):
        assert ball.member(members[number].position) == bodies[number]
        rest = list(ball.members(members[number].position))
        assert [member.data for member in rest] == bodies[number:]
    if zipped:
        marks = ball._marks._marks
        assert 2 <= len(marks) <= 8
        assert marks[-1].position > 500_000
    with pytest.raises(DecodeError, match="no member begins at byte"):
        ball.member(len(content))


def test_s26_reading_a_hostile_archive_gives_its_alerts_and_its_errors(tmp_path: Path) -> None:
    """Through the public function."""
    path = tmp_path / "night.tar.gz"
    link = info("ln.avro", tarfile.SYMTYPE, link="/etc/passwd")
    path.write_bytes(gzip.compress(link + GOOD + bytes(1024)))
    errors: list[DecodeError] = []
    alerts = list(read(path, progress=False, on_error=errors.append))
    assert [alert.candid for alert in alerts] == [7]
    assert [str(error) for error in errors] == [
        "night.tar.gz: ln.avro: it is a link; it was passed over"
    ]
    with pytest.raises(DecodeError, match="it is a link"):
        list(read(path, progress=False))
