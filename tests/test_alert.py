"""An alert is a read-only dictionary equal to what fastavro gives, decoded when it is asked for."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from operator import delitem, setitem
from typing import Any

import pytest
from forging import alert_schema, by_fastavro, container, difference, plainest, record, written
from packets import needs_real_packets, real_files

from ztfnb.alert import Alert, finite
from ztfnb.binary import Record
from ztfnb.codec import decode, encode
from ztfnb.container import read_frame, write_long
from ztfnb.errors import DecodeError

DETECTION: dict[str, Any] = {
    "jd": 2458450.5,
    "fid": 2,
    "pid": 1,
    "programpi": "Kulkarni",
    "programid": 1,
    "candid": 695234675015015006,
    "isdiffpos": "t",
    "nid": 695,
    "rcid": 50,
    "field": 680,
    "ra": 123.25,
    "dec": -12.5,
    "magpsf": 18.25,
    "sigmapsf": 0.125,
    "rb": 0.75,
    "rbversion": "t17",
    "ssnrms": 1.0,
}


def made(**changes: Any) -> Alert:
    """An alert of schema 4.02 with plain values, some of them changed."""
    values = plainest("4.02")
    core = values["candidate"] | DETECTION | changes
    values |= {"objectId": "ZTF18abcdefg", "candid": core["candid"], "candidate": core}
    return decode(encode(values))


def forged(
    value: dict[str, Any], before: Any = (), inside: Any = (), after: Any = (), tail: bytes = b""
) -> Alert:
    schema = alert_schema(before, inside, after)
    return decode(container(schema, written(schema, value) + tail))


# -- A mapping ---------------------------------------------------------------------------------


def test_properties() -> None:
    """The main values are properties, with the types that they promise."""
    alert = made()
    assert (alert.object_id, alert.candid) == ("ZTF18abcdefg", 695234675015015006)
    assert (alert.ra, alert.dec, alert.jd) == (123.25, -12.5, 2458450.5)
    assert (alert.fid, alert.band, alert.mag, alert.programid) == (2, "r", 18.25, 1)
    assert alert.time == datetime(2018, 11, 28, tzinfo=UTC)
    assert alert.candidate is alert.core is alert["candidate"]
    assert alert.candidate.rb == alert["candidate"]["rb"] == 0.75
    assert [made(fid=fid).band for fid in (1, 2, 3, 4, -1)] == ["g", "r", "i", "?", "?"]


def test_it_is_a_mapping() -> None:
    """An alert has what a read-only dictionary has, in the packet's order."""
    alert = made()
    assert isinstance(alert, Mapping)
    assert list(alert) == list(alert.keys()) == list(by_fastavro(alert.raw))
    assert len(alert) == len(list(alert)) == len(alert.values()) == len(alert.items())
    assert "candidate" in alert
    assert "nothing" not in alert
    assert alert.get("nothing", 5) == 5
    with pytest.raises(KeyError, match="no field 'nothing'; it has schemavsn, publisher"):
        alert["nothing"]


def test_it_equals_the_dictionary() -> None:
    """An alert equals the dictionary that fastavro gives, and any alert of the same values."""
    alert = made()
    plain = by_fastavro(alert.raw)
    assert alert == plain
    assert plain == alert
    assert alert == decode(alert.raw)
    assert hash(alert) == hash(decode(alert.raw))
    assert alert != made(rb=0.5)
    assert alert != 5
    assert len({alert, decode(alert.raw), made(candid=5)}) == 2


def test_it_cannot_be_changed() -> None:
    """Nothing of an alert can be assigned, added or deleted; `as_dict` is a copy that can."""
    alert: Any = made()
    attempts: list[Any] = [
        lambda: setitem(alert, "candid", 5),
        lambda: delitem(alert, "candid"),
        lambda: setattr(alert, "raw", b""),
        lambda: setattr(alert, "candid", 5),
        lambda: setattr(alert, "note", "mine"),
        lambda: alert["candidate"].update(rb=1.0),
        lambda: setattr(alert.candidate, "rb", 1.0),
    ]
    for attempt in attempts:
        with pytest.raises((TypeError, AttributeError)):
            attempt()
    free = alert.as_dict()
    free["candidate"]["rb"] = 1.0
    free["candid"] = 5
    assert alert.candidate.rb == 0.75
    assert alert.candid == 695234675015015006


def test_copies_are_equal() -> None:
    """Pickle, copy and deepcopy give equal alerts with the same bytes."""
    alert = made()
    pickled = pickle.loads(pickle.dumps(alert))  # noqa: S301 - our own
    for same in (pickled, copy.copy(alert), copy.deepcopy(alert)):
        assert isinstance(same, Alert)
        assert same == alert
        assert same.raw == alert.raw
        assert type(same.candidate) is Record


def test_completion() -> None:
    """Tab completion offers keys and properties of the alert and fields of the candidate."""
    alert = made()
    assert alert._ipython_key_completions_() == list(alert)
    assert {"candidate", "candid", "mag", "time", "as_dict"} <= set(dir(alert))
    assert {"rb", "drb", "magpsf"} <= set(dir(alert.candidate))


def test_repr_is_short_and_escaped() -> None:
    """The repr is one line of the main values; the HTML form holds no markup of the packet's."""
    assert repr(made()) == (
        "<Alert ZTF18abcdefg, candid 695234675015015006, 2018-11-28 00:00:00 UTC, "
        "r = 18.25, rb = 0.75>"
    )
    evil = "<img src=x onerror=alert(1)>" * 1_000
    alert = forged({"objectId": evil, "candidate": {"candid": 1}}, before=[("objectId", "string")])
    assert alert.object_id == evil
    assert len(repr(alert)) < 200
    assert "<img" not in alert._repr_html_()
    assert "&lt;img" in alert._repr_html_()


# -- Values that make no sense -----------------------------------------------------------------

_ODD: list[tuple[Any, Any]] = [
    ("double", float("nan")),
    ("double", float("inf")),
    ("double", -1e308),
    ("double", 5373484.4999999999),
    ("double", 0.0),
    ("long", 2**62),
    (["null", "double"], None),
    ("string", "<b>text</b>"),
    ("bytes", b"\xff"),
    ({"type": "array", "items": "int"}, [1, 2]),
    ({"type": "map", "values": "int"}, {"a": 1}),
    (record("odd", [("x", "int")]), {"x": 1}),
]


@pytest.mark.parametrize(("kind", "value"), _ODD)
@pytest.mark.parametrize(
    "name",
    ["jd", "midpointMjdTai", "fid", "band", "magpsf", "psfFlux", "rb", "ra", "dec", "programid"],
)
def test_s24_absurd_values_never_break_a_property(name: str, kind: Any, value: Any) -> None:
    """Whatever type and value a field has, properties and repr give something and never raise."""
    alert = forged({"candidate": {"candid": 7, name: value}}, inside=[(name, kind)])
    for number in (alert.ra, alert.dec, alert.jd, alert.mag):
        assert type(number) is float
    assert type(alert.band) is type(alert.object_id) is str
    assert alert.fid is None or isinstance(alert.fid, int)
    assert alert.programid is None or isinstance(alert.programid, int)
    assert "candid 7" in repr(alert)
    assert "candid 7" in alert._repr_html_()
    assert alert.core[name] == value or value != value  # noqa: PLR0124 - NaN


@pytest.mark.parametrize(
    ("jd", "error"), [(float("nan"), ValueError), (1e300, OverflowError), (-1e9, OverflowError)]
)
def test_a_time_that_is_none_is_an_error(jd: float, error: type[Exception]) -> None:
    """A Julian date outside the calendar is an error of `time`, and of nothing else."""
    alert = made(jd=jd)
    with pytest.raises(error):
        alert.time  # noqa: B018 - the access is the test
    assert "UTC" not in repr(alert)


def test_a_damaged_name_does_not_break_the_repr() -> None:
    """Where the object's name lies in damaged bytes, the repr says so instead of raising."""
    schema = alert_schema(after=[("objectId", "string")])
    alert = decode(container(schema, write_long(7) + write_long(500)))
    assert repr(alert).startswith("<Alert (damaged), candid 7")
    with pytest.raises(DecodeError):
        alert.object_id  # noqa: B018 - the access is the test


@pytest.mark.parametrize(
    "schema",
    [
        record("r", []),
        record("r", [("candid", "long")]),
        record("r", [("candidate", "long")]),
        record("r", [("candidate", record("c", []))]),
        record("r", [("candidate", record("c", [("candid", "string")]))]),
        record("r", [("candidate", record("c", [("candid", {"type": "map", "values": "int"})]))]),
        record("r", [("diaSource", record("c", [("candid", "long")]))]),
    ],
)
def test_what_is_no_alert_is_refused(schema: Any) -> None:
    """A record without a candidate that has a whole number as its candid is a `DecodeError`."""
    with pytest.raises(DecodeError, match="is no alert"):
        decode(container(schema, b"\0" * 9))


def test_an_alert_without_detection_is_refused() -> None:
    """A nullable candidate, or candid, that is null is a `DecodeError`."""
    core = record("c", [("candid", ["null", "long"])])
    schema = record("r", [("candidate", ["null", core])])
    assert decode(container(schema, b"\2\2\x0e")).candid == 7
    for body in (b"\0", b"\2\0"):
        with pytest.raises(DecodeError, match="no detection"):
            decode(container(schema, body))


# -- Decoded when asked for --------------------------------------------------------------------


def test_only_the_head_is_decoded_at_first() -> None:
    """Damage behind the candidate is found when that part is asked for: each time, the same."""
    schema = alert_schema(after=[("name", "string"), ("last", "int")])
    alert = decode(container(schema, write_long(7) + b"\4\xff\xff" + b"\2"))
    assert alert.candid == 7
    for part in ("name", "last"):
        messages = set()
        for _ in range(3):
            with pytest.raises(DecodeError) as caught:
                alert[part]
            messages.add(str(caught.value))
        assert len(messages) == 1
        assert "UTF-8" in messages.pop()


def test_bytes_behind_the_last_field_are_refused_each_time() -> None:
    """A record longer than its fields is a `DecodeError`, at the first access and at the next."""
    alert = forged({"candidate": {"candid": 7}, "x": 5}, after=[("x", "int")], tail=b"\0\0")
    for _ in range(2):
        with pytest.raises(DecodeError, match="2 bytes follow the last field"):
            alert["x"]
        with pytest.raises(DecodeError):
            alert.as_dict()


def test_a_record_does_not_reach_behind_its_block() -> None:
    """The sync marker behind the block is not read as part of a value."""
    schema = alert_schema(after=[("x", {"type": "fixed", "name": "f", "size": 4})])
    alert = decode(container(schema, write_long(7) + b"\0\0"))
    with pytest.raises(DecodeError, match="record ends inside it"):
        alert["x"]


def test_parts_are_decoded_once() -> None:
    """The same part asked for again is the same object."""
    schema = alert_schema(after=[("a", {"type": "array", "items": "int"})])
    alert = decode(container(schema, written(schema, {"candidate": {"candid": 1}, "a": [1]})))
    assert alert["a"] is alert["a"]


@needs_real_packets
def test_threads_see_the_same_values() -> None:
    """Threads that ask one alert for its parts at the same time all see what fastavro gives."""
    paths = real_files("v4.0*/*.avro")[:20]
    found: list[Any] = []
    for path in paths:
        alert = decode(path.read_bytes())
        together = threading.Barrier(4)

        def read(alert: Alert = alert, together: threading.Barrier = together) -> None:
            together.wait()
            found.append(({name: alert[name] for name in reversed(list(alert))}, alert))

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 4 * len(paths)
    for values, alert in found:
        expected = by_fastavro(alert.raw)
        assert not difference({name: values[name] for name in expected}, expected)
        assert all(values[name] is alert[name] for name in values)


FORKING = """
import multiprocessing, sys, threading
from ztfnb.codec import decode

raw = bytes.fromhex(sys.stdin.read())
alert, stop = decode(raw), threading.Event()

def decode_on():
    while not stop.is_set():
        decode(raw).as_dict()

busy = threading.Thread(target=decode_on)
busy.start()
for _ in range(5):
    child = multiprocessing.get_context("fork").Process(target=decode(raw).as_dict)
    child.start()
    child.join(60)
    print(child.exitcode)
    child.kill()
stop.set()
"""


def test_a_forked_process_can_go_on_decoding() -> None:
    """A process forked while another thread decodes does not wait for that thread."""
    # In a process of its own: this one has threads of clients that no fork survives.
    run = subprocess.run(
        [sys.executable, "-c", FORKING],
        input=made().raw.hex(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.stdout.split() == ["0"] * 5, run.stderr


# -- Real packets ------------------------------------------------------------------------------


@needs_real_packets
def test_as_dict_is_plain() -> None:
    """`as_dict` holds dictionaries, lists and values of Python only, all the way down."""
    for path in real_files("v4.01/*.avro")[:3]:
        alert = decode(path.read_bytes())
        todo: list[Any] = [alert.as_dict()]
        while todo:
            value = todo.pop()
            assert type(value) in (dict, list, int, float, str, bytes, type(None))
            todo += chain(value.values()) if isinstance(value, dict) else ()
            todo += value if isinstance(value, list) else ()


@needs_real_packets
def test_rubin_alerts_have_the_same_properties() -> None:
    """Rubin's alerts answer to the same names: TAI becomes UTC, flux becomes magnitude."""
    paths = real_files("lsst/*ocf/*.avro")
    assert paths
    for path in paths:
        alert = decode(path.read_bytes())
        assert alert.candid == alert.core["diaSourceId"]
        assert alert.band in "ugrizy"
        assert alert.fid is alert.programid is None
        assert alert.jd == pytest.approx(alert.core["midpointMjdTai"] + 2400000.5, abs=1e-3)
        assert repr(alert).startswith("<Alert ")
        with pytest.raises(KeyError, match="no field 'candidate'"):
            alert.candidate  # noqa: B018 - the access is the test


def test_the_raw_bytes_are_kept() -> None:
    """`raw` is the packet as it came, whatever kind of bytes it was given as."""
    packet = made().raw
    for given in (packet, bytearray(packet), memoryview(packet)):
        alert = decode(given)
        assert alert.raw == packet
        assert type(alert.raw) is bytes
    assert read_frame(packet).buffer is packet


def test_what_counts_as_a_number() -> None:
    """Neither truth values nor text, null, NaN or infinities do."""
    assert [finite(value) for value in (-999, 0, 1.5)] == [-999.0, 0.0, 1.5]
    assert {finite(value) for value in (True, "1", None, (1,), math.nan, math.inf)} == {None}
