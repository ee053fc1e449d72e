"""Archives: what lies on disk comes back byte for byte, and what is damaged is named."""

from __future__ import annotations

import io
import math
import os
import signal
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import cramjam
import fastavro
import pytest
from forging import container, difference, written
from made import made_alert, made_packet
from packets import ALERTS, needs_real_packets, real_files
from reading import drain

from ztfnb import archive
from ztfnb.archive import ArchiveSink, ArchiveSource, read
from ztfnb.codec import decode
from ztfnb.container import MAX_PACKET_BYTES
from ztfnb.errors import ConfigError, DecodeError, DeliveryError, NotHeldError, SourceError
from ztfnb.schema import ztf_schema
from ztfnb.source import BEGINNING, END, Coordinates, Packet, Sink, Source, parse_start

TARBALL = ALERTS / "tarball" / "ztf_public_20180819_mod1000.tar.gz"


def tar_of(path: Path, files: Sequence[tuple[str, bytes]]) -> Path:
    """A tar file, gzipped by its name."""
    with tarfile.open(path, "w:" if path.suffix == ".tar" else "w:gz") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def several(candids: Sequence[int], codec: str = "null") -> bytes:
    """A container file of several alerts in one block."""
    schema = ztf_schema("4.02")
    body = b"".join(written(schema, made_alert(candid)) for candid in candids)
    pack: dict[str, Callable[[bytes], bytes]] = {
        "null": lambda data: data,
        "deflate": lambda data: zlib.compress(data, wbits=-15),
        "snappy": lambda data: (
            bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")
        ),
        "zstandard": lambda data: bytes(cramjam.zstd.compress(data)),
    }
    return container(schema, pack[codec](body), codec=codec, count=len(candids))


def candids(path: Path) -> list[int]:
    return [alert.candid for alert in read(path, progress=False)]


# -- read -----------------------------------------------------------------------------------


@needs_real_packets
def test_a_folder_reads_as_fastavro_reads_its_files() -> None:
    """Alert by alert, in the order of the names."""
    folder = ALERTS / "night-20181128"
    alerts = list(read(folder, progress=False))
    files = real_files("night-20181128/*.avro")
    assert len(alerts) == len(files)
    for alert, file in zip(alerts[::20], files[::20], strict=True):
        with file.open("rb") as opened:
            assert alert == next(iter(fastavro.reader(opened)))


@needs_real_packets
def test_a_nightly_tar_file_gives_its_members() -> None:
    """As `tarfile` extracts them."""
    alerts = list(read(TARBALL, progress=False))
    with tarfile.open(TARBALL) as tar:
        members = [tar.extractfile(member) for member in tar if member.name.endswith(".avro")]
        assert [alert.raw for alert in alerts] == [file.read() for file in members if file]
    assert len(alerts) == 30


@needs_real_packets
def test_files_of_many_records_give_every_record() -> None:
    """Equal to fastavro's, each with a packet of its own."""
    for file in real_files("multi-record/*.avro"):
        with file.open("rb") as opened:
            expected = list(fastavro.reader(opened))
        alerts = list(read(file, progress=False))
        assert len(alerts) == len(expected)
        for alert, record in zip(alerts, expected, strict=True):
            assert difference(dict(alert), record) == ""
            assert difference(dict(decode(alert.raw)), record) == ""


@needs_real_packets
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_damaged_files_are_named_and_the_others_read() -> None:
    """Every file is an alert or an error that says which file it is."""
    errors: list[DecodeError] = []
    alerts = list(read(ALERTS / "malformed", progress=False, on_error=errors.append))
    files = real_files("malformed/*.avro")
    assert len(alerts) + len(errors) == len(files)
    named = {error.where.split(":")[0] for error in errors}
    assert named < {file.name for file in files}
    assert len(named) == len(errors)
    with pytest.raises(DecodeError, match=r"^121540793515135009\.avro: "):
        list(read(ALERTS / "malformed", progress=False))


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard"])
def test_every_codec_is_read(tmp_path: Path, codec: str) -> None:
    """One record or several, in a file or a tar file."""
    one, many = tmp_path / "one.avro", tmp_path / "many.avro"
    one.write_bytes(several([7], codec))
    many.write_bytes(several([1, 2, 3], codec))
    assert candids(one) == [7]
    assert candids(many) == [1, 2, 3]
    files = [(file.name, file.read_bytes()) for file in (one, many)]
    assert candids(tar_of(tmp_path / "both.tar.gz", files)) == [7, 1, 2, 3]


def test_a_folder_is_read_in_the_order_of_its_names_with_all_inside_it(tmp_path: Path) -> None:
    """Only ``.avro`` files, wherever they lie; half-written ones begin with a dot."""
    for name, candid in (("b/2.avro", 2), ("b/a/3.avro", 3), ("a.avro", 1), ("c.avro", 4)):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(made_packet(candid))
    (tmp_path / "notes.txt").write_text("no alert")
    (tmp_path / ".d.avro").write_bytes(b"half")
    assert candids(tmp_path) == [1, 4, 2, 3]


def test_a_file_larger_than_a_packet_may_hold_many_records(tmp_path: Path) -> None:
    """It is read block by block."""
    part = several(range(1, 101))
    header = part.index(bytes(range(16)))
    block = part[header + 16 :]
    repeats = MAX_PACKET_BYTES // len(block) + 2
    file = tmp_path / "large.avro"
    file.write_bytes(part[: header + 16] + block * repeats)
    assert file.stat().st_size > MAX_PACKET_BYTES
    assert sum(1 for _ in read(file, progress=False)) == 100 * repeats


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz"])
def test_a_cut_tar_file_gives_what_is_whole_and_then_an_error(tmp_path: Path, suffix: str) -> None:
    """The error names the file."""
    path = tar_of(tmp_path / f"night{suffix}", [(f"{n}.avro", made_packet(n)) for n in range(40)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    errors: list[DecodeError] = []
    found = [alert.candid for alert in read(path, progress=False, on_error=errors.append)]
    assert found == list(range(len(found)))
    assert 0 < len(found) < 40
    assert len(errors) == 1
    assert str(errors[0]).startswith(f"night{suffix}, byte ")


def test_what_comes_after_a_damaged_record_is_read(tmp_path: Path) -> None:
    """The next member; of the damaged file, the records before the damage."""
    damaged = several([1, 2]) + b"rubbish"
    path = tar_of(tmp_path / "n.tar", [("a.avro", damaged), ("b.avro", made_packet(3))])
    errors: list[DecodeError] = []
    found = [alert.candid for alert in read(path, progress=False, on_error=errors.append)]
    assert found == [1, 2, 3]
    assert [error.where.split(": ")[:2] for error in errors] == [["n.tar", "a.avro"]]


def test_nothing_to_read_is_said_at_once(tmp_path: Path) -> None:
    """Before the first alert is asked for."""
    with pytest.raises(ConfigError, match="no file or folder"):
        read(tmp_path / "missing")
    with pytest.raises(SourceError, match=r"holds no \.avro file"):
        read(tmp_path)


def test_what_is_no_regular_file_is_an_error_and_nothing_waits_on_it(tmp_path: Path) -> None:
    """A named pipe would keep the reader waiting for ever."""
    os.mkfifo(tmp_path / "a.avro")
    (tmp_path / "b.avro").write_bytes(made_packet(5))
    (tmp_path / "c.avro").symlink_to(tmp_path / "nowhere")
    errors: list[DecodeError] = []
    found = [alert.candid for alert in read(tmp_path, progress=False, on_error=errors.append)]
    assert found == [5]
    assert [error.where for error in errors] == ["a.avro", "c.avro"]


def test_a_bar_shows_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is written otherwise."""
    pytest.importorskip("tqdm")
    path = tar_of(tmp_path / "night.tar", [(f"{n}.avro", made_packet(n)) for n in range(5)])
    assert len(list(read(path))) == 5
    assert len(list(read(path, progress=False))) == 5
    assert capsys.readouterr() == ("", "")
    assert len(list(read(path, progress=True))) == 5
    assert "reading night.tar" in capsys.readouterr().err


# -- ArchiveSource --------------------------------------------------------------------------


@pytest.fixture(params=["folder", "night.tar", "night.tar.gz", "many.avro"])
def stocked(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Twelve alerts in each form, of which some lie together in one file."""
    files = [(f"{n:02}.avro", made_packet(n)) for n in range(3)]
    files += [("03.avro", several(range(3, 9)))]
    files += [(f"{n:02}.avro", made_packet(n)) for n in range(9, 12)]
    path: Path = tmp_path / request.param
    if path.suffix == ".avro":
        path.write_bytes(several(range(12)))
    elif path.suffix:
        tar_of(path, files)
    else:
        path.mkdir()
        for name, data in files:
            (path / name).write_bytes(data)
    return path


def numbers(packets: Sequence[Packet]) -> list[int]:
    return [decode(packet.value).candid for packet in packets]


def test_a_source_counts_packets_as_offsets_of_one_partition(stocked: Path) -> None:
    """Under the name of the file or folder; then it is exhausted."""
    source = ArchiveSource(stocked)
    assert isinstance(source, Source)
    first = source.poll(5, 5)
    assert not source.status().exhausted
    packets = [*first, *drain(source)]
    assert numbers(packets) == list(range(12))
    assert [packet.coordinates for packet in packets] == [
        Coordinates(stocked.name, 0, n) for n in range(12)
    ]
    assert all(math.isnan(packet.timestamp) for packet in packets)
    status = source.status()
    assert (status.exhausted, status.caught_up, status.lag) == (True, True, 0)
    assert status.topics == (stocked.name,)
    assert source.poll(0, 5) == []
    source.close()
    source.close()


def test_a_source_fetches_any_packet_before_and_after_it_was_read(stocked: Path) -> None:
    """Without moving the reading position."""
    source = ArchiveSource(stocked)
    for offset in (11, 4, 0):
        assert numbers([source.fetch(Coordinates(stocked.name, 0, offset))]) == [offset]
    packets = list(source.poll(5, 6))
    for offset in (5, 11, 0, 7):
        assert numbers([source.fetch(Coordinates(stocked.name, 0, offset))]) == [offset]
    packets += drain(source)
    assert numbers(packets) == list(range(12))
    for packet in packets[::-1]:
        assert source.fetch(packet.coordinates) == packet
    for gone in (
        Coordinates(stocked.name, 0, 12),
        Coordinates(stocked.name, 0, -1),
        Coordinates(stocked.name, 1, 0),
        Coordinates("other", 0, 0),
    ):
        with pytest.raises(NotHeldError, match="holds no packet at"):
            source.fetch(gone)


def test_a_source_fetches_many_packets_in_the_order_in_which_they_lie(stocked: Path) -> None:
    """Each once, whatever the order, before and after they were read; the others are not held."""
    source = ArchiveSource(stocked)
    gone = [
        Coordinates(stocked.name, 0, 12),
        Coordinates(stocked.name, 0, -1),
        Coordinates("o", 0, 0),
    ]
    wanted = [Coordinates(stocked.name, 0, offset) for offset in (11, 2, 3, 11, 7)]
    for _ in range(2):
        found = dict(source.fetch_many([gone[0], *wanted, *gone]))
        assert len(found) == 7
        held = {at: packet for at, packet in found.items() if isinstance(packet, Packet)}
        assert held == {at: source.fetch(at) for at in wanted}
        assert list(held) == sorted(held)
        assert all(isinstance(found[at], NotHeldError) for at in gone)
        assert len(source.poll(5, 100)) + len(drain(source)) in (12, 0)


@pytest.mark.parametrize("name", ["night.tar", "night.tar.gz", "night"])
def test_far_packets_are_leapt_to(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a long archive come without reading all that lies between, once it was read."""
    with closing(ArchiveSink(tmp_path / name)) as sink:
        for number in range(600):
            sink.send(Packet(made_packet(number + 1)))
    source = ArchiveSource(tmp_path / name)
    packets = drain(source)
    assert len(packets) == 600
    wanted = [packet.coordinates for packet in packets[::-97]]
    expected = {packet.coordinates: packet for packet in packets[::-97]}
    assert dict(source.fetch_many(wanted)) == expected
    read: list[int] = []
    records = archive._records

    def counting(*arguments: Any) -> Iterator[Any]:
        for record in records(*arguments):
            read.append(record.offset)
            yield record

    monkeypatch.setattr(archive, "_records", counting)
    assert dict(source.fetch_many(wanted)) == expected
    between = range(min(wanted).offset, max(wanted).offset + 1)
    assert read == (list(between) if name.endswith("gz") else [at.offset for at in sorted(wanted)])


def test_a_source_seeks_to_beginning_end_and_offsets(stocked: Path) -> None:
    """Backward and forward, read before or not."""
    source = ArchiveSource(stocked)
    source.seek(parse_start({0: 10}))
    assert numbers(drain(source)) == [10, 11]
    source.seek(BEGINNING)
    assert numbers(drain(source)) == list(range(12))
    source.seek(parse_start({0: 5}))
    assert numbers(drain(source)) == list(range(5, 12))
    source.seek(END)
    assert source.status().caught_up
    assert source.poll(0, 10) == []
    with pytest.raises(SourceError, match="keeps no arrival times"):
        source.seek(parse_start("2026-01-01"))


def test_a_source_hands_on_what_is_no_alert_and_reports_what_is_no_packet(tmp_path: Path) -> None:
    """Whoever decodes counts the first; the status tells of the second."""
    rubbish, cut = b"no alert", made_packet(4)[:-20]
    files = [("a.avro", rubbish), ("../b.avro", made_packet(2)), ("c.avro", cut)]
    source = ArchiveSource(tar_of(tmp_path / "n.tar", [*files, ("d.avro", made_packet(9))]))
    packets = drain(source)
    assert [packet.value for packet in packets] == [rubbish, cut, made_packet(9)]
    assert [packet.offset for packet in packets] == [0, 1, 2]
    assert source.status().error.startswith("n.tar: ../b.avro: its name leads out")


def test_polling_gives_way_when_its_time_is_over(tmp_path: Path) -> None:
    """At least one packet, and no more than the time allows."""
    path = tar_of(tmp_path / "n.tar", [(f"{n}.avro", made_packet(n)) for n in range(10)])
    assert len(ArchiveSource(path).poll(0, 10)) == 1


@needs_real_packets
def test_real_packets_come_as_they_lie_on_disk() -> None:
    """Byte for byte."""
    packets = drain(ArchiveSource(ALERTS / "v4.02"))
    assert [packet.value for packet in packets] == [
        path.read_bytes() for path in real_files("v4.02/*.avro")
    ]


# -- ArchiveSink ----------------------------------------------------------------------------

TARGETS = ["folder", "night.tar", "night.tar.gz", "night.tgz"]


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_written_reads_back_byte_for_byte(tmp_path: Path, name: str) -> None:
    """Each alert under its candid, each candid once."""
    sink = ArchiveSink(tmp_path / "new" / name)
    assert isinstance(sink, Sink)
    values = [made_packet(n) for n in range(1, 6)]
    for value in [*values, *values[:2]]:
        sink.send(Packet(value, "t", 1, 2, 1.5e9))
    sink.flush()
    sink.close()
    sink.close()
    assert sink.duplicates == 2
    assert [packet.value for packet in drain(ArchiveSource(tmp_path / "new" / name))] == values
    if name != "folder":
        with tarfile.open(tmp_path / "new" / name) as tar:
            assert tar.getnames() == [f"{n}.avro" for n in range(1, 6)]
            assert {member.mtime for member in tar} == {1.5e9}
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_the_same_packets_make_the_same_tar_file(tmp_path: Path) -> None:
    """No moment of writing is kept in it."""
    for name in ("a.tar.gz", "b.tar.gz"):
        sink = ArchiveSink(tmp_path / name)
        sink.send(Packet(made_packet(1)))
        sink.close()
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


@pytest.mark.parametrize("name", TARGETS)
def test_a_packet_that_is_no_alert_is_kept_by_its_place(tmp_path: Path, name: str) -> None:
    """Whatever its topic is called, its name stays inside the archive."""
    sink = ArchiveSink(tmp_path / name)
    sink.send(Packet(b"junk", "../../x" * 30, 3, 9))
    sink.close()
    packets = drain(ArchiveSource(tmp_path / name))
    assert [packet.value for packet in packets] == [b"junk"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_holds_alerts_takes_only_new_ones(tmp_path: Path) -> None:
    """What is there is not written over."""
    (tmp_path / "1.avro").write_bytes(b"older")
    sink = ArchiveSink(tmp_path)
    sink.send(Packet(made_packet(1)))
    sink.send(Packet(made_packet(2)))
    sink.close()
    assert (sink.duplicates, (tmp_path / "1.avro").read_bytes()) == (1, b"older")
    assert (tmp_path / "2.avro").read_bytes() == made_packet(2)


def test_a_tar_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    """Neither from the start, nor if it appears in the meantime."""
    path = tmp_path / "night.tar"
    sink = ArchiveSink(path)
    path.write_bytes(b"mine")
    with pytest.raises(SourceError, match="it exists"):
        ArchiveSink(path)
    with pytest.raises(DeliveryError, match="it exists"):
        sink.close()
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", TARGETS)
def test_a_closed_sink_takes_nothing(tmp_path: Path, name: str) -> None:
    """It says so instead of losing packets."""
    sink = ArchiveSink(tmp_path / name)
    sink.close()
    with pytest.raises(DeliveryError, match="closed"):
        sink.send(Packet(made_packet(1)))


CHILD = """
import resource, signal, sys
from ztfnb import archive
from ztfnb.archive import ArchiveSink
from ztfnb.errors import DeliveryError
from ztfnb.source import Packet
path, room = sys.argv[1], int(sys.argv[2])
sink = ArchiveSink(path)
if room:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
import os
for n in range(10**9):
    try:
        sink.send(Packet(os.urandom(60_000), "t", 0, n))
    except DeliveryError as error:
        print(error)
        break
    if n == 20:
        print("started", flush=True)
for action in (sink.flush, sink.close):
    try:
        action()
    except DeliveryError as error:
        print(error)
"""


@pytest.mark.parametrize("name", ["night.tar", "night.tar.gz", "folder"])
def test_a_writer_that_is_killed_leaves_no_partial_final_file(tmp_path: Path, name: str) -> None:
    """No tar file of the final name; in a folder, whole files only."""
    path = tmp_path / name
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), "0"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    if name == "folder":
        files = list(path.glob("*.avro"))
        assert len(files) > 20
        assert {file.stat().st_size for file in files if file.name[0] != "."} == {60_000}
    else:
        assert not path.exists()


@pytest.mark.parametrize("name", ["night.tar", "night.tar.gz", "folder"])
def test_a_disk_without_room_is_an_error_and_leaves_no_partial_file(
    tmp_path: Path, name: str
) -> None:
    """The sink says why, takes nothing more, and cleans up."""
    path = tmp_path / name
    room = 50_000 if name == "folder" else 300_000
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), str(room)],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert done.stdout.splitlines() == [f"cannot write to {name}: File too large"] * 2
    left: list[Any] = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert left == []
