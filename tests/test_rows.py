"""Alerts made of columns cannot be told from the decoded packets."""

from __future__ import annotations

import copy
import json
import math
import operator
import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from forging import (
    alert_schema,
    container,
    difference,
    mutated,
    outcome,
    plainest,
    samples,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from made import made_packet
from packets import needs_real_packets, real_files

from ztfnb import lazy
from ztfnb.alert import Alert
from ztfnb.blocks import MAX_FIELDS, MAX_TEXT
from ztfnb.codec import decode, encode
from ztfnb.columns import Columns, decode_columns
from ztfnb.errors import DecodeError
from ztfnb.rows import HeldAlerts, LazyAlert, NotAtHandError, alerts_of
from ztfnb.simulate import Survey
from ztfnb.source import Packet
from ztfnb.store import Store

Look = Callable[[Alert], Any]


@cache
def real_packets() -> tuple[bytes, ...]:
    """Every real packet, those of all versions and surveys shuffled."""
    packets = [path.read_bytes() for path in real_files("**/*.avro")]
    random.Random(5).shuffle(packets)
    return tuple(packets)


@cache
def simulated() -> tuple[bytes, ...]:
    return tuple(alert.packet for alert in Survey(seed=7).night("2026-01-15", limit=30))


# -- Ways to look at an alert ------------------------------------------------------------------


def _matched(alert: Alert) -> Any:
    match alert.core:
        case {"rb": float() as score, **rest}:
            return score, rest
        case {"diaSourceId": int() as number}:
            return number
    return None


def _keywords(**fields: Any) -> Any:
    return fields


def _changed(alert: Alert) -> Any:
    alert.core["rb"] = 1.0


WHOLE: dict[str, Look] = {
    "dict(record)": lambda alert: dict(alert.core),
    "{**record}": lambda alert: {**alert.core},
    "keywords": lambda alert: _keywords(**alert.core),
    "items": lambda alert: list(alert.core.items()),
    "keys": lambda alert: alert.core.keys(),
    "values": lambda alert: alert.core.values(),
    "iteration": lambda alert: list(alert.core),
    "reversed": lambda alert: list(reversed(alert.core)),
    "len": lambda alert: len(alert.core),
    "bool": lambda alert: bool(alert.core),
    "repr": lambda alert: repr(alert.core),
    "str": lambda alert: f"{alert.core}",
    "copy": lambda alert: (type(alert.core.copy()), alert.core.copy()),
    "copy.copy": lambda alert: copy.copy(alert.core),
    "deepcopy": lambda alert: copy.deepcopy(alert.core),
    "pickle": lambda alert: pickle.loads(pickle.dumps(alert.core)),  # noqa: S301 - our own bytes
    "or": lambda alert: alert.core | {"rb": 2.0, "own": 1},
    "ror": lambda alert: {"own": 1} | alert.core,
    "json": lambda alert: json.dumps(alert.core, default=repr),
    "json in a list": lambda alert: json.dumps([alert.core], default=repr, indent=1),
    "match": _matched,
    "set": lambda alert: sorted(set(alert.core)),
    "dir": lambda alert: [name for name in dir(alert.core) if name in set(alert.core)],
    "update": lambda alert: _updated(alert.core),
    "missing attribute": lambda alert: alert.core.no_such_field,
    "change": _changed,
    "hash": lambda alert: hash(alert.core),
    "wrong type": lambda alert: alert.core + 1,  # type: ignore[operator]
    "no order": lambda alert: alert.core < {},  # type: ignore[operator]
    "unhashable": lambda alert: alert.core[[]],  # type: ignore[index]
    "equal": lambda alert: alert.core == dict(alert.core),
    "not equal": lambda alert: alert.core != {**alert.core, "own": 1},
    "sum": lambda alert: sum(v for v in alert.core.values() if isinstance(v, float)),
}
PACKET: dict[str, Look] = {
    "as_dict": lambda alert: alert.as_dict(),
    "dict(alert)": dict,
    "raw": lambda alert: alert.raw,
    "schema": lambda alert: alert.schema.raw,
    "pickled alert": lambda alert: dict(pickle.loads(pickle.dumps(alert))),  # noqa: S301
    "copied alert": lambda alert: copy.deepcopy(alert) == alert,
    "history": lambda alert: [
        entry and entry["jd"] for entry in alert.get("prv_candidates", ()) or ()
    ],
}
WRITTEN: dict[str, Look] = {
    "encode": encode,
    "encode as a dictionary": lambda alert: encode({**alert}),
}
ALERT: dict[str, Look] = {
    "names": list,
    "alert len": len,
    "alert repr": repr,
    "hash": hash,
    "isinstance": lambda alert: (isinstance(alert.core, dict), isinstance(alert, Alert)),
    "no such field": lambda alert: alert["no such field"],
    "no such attribute": lambda alert: alert.no_such_attribute,  # type: ignore[attr-defined]
    "wrong type of an alert": lambda alert: alert + 1,  # type: ignore[operator]
    "names of types": lambda alert: (type(alert).__name__, type(alert.core).__name__),
    "in": lambda alert: ("candidate" in alert, "nothing" in alert, None in alert),
    "html": lambda alert: alert._repr_html_(),
    "completion": lambda alert: alert._ipython_key_completions_(),
    **{
        name: operator.attrgetter(name)
        for name in ("candid", "object_id", "ra", "dec", "jd", "fid", "band", "mag", "programid")
    },
    "time": lambda alert: alert.time,
    **{
        f"alert[{name!r}]": operator.itemgetter(name)
        for name in ("objectId", "candid", "schemavsn", "publisher", "diaSourceId", "alertId")
    },
}


def _updated(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"own": 1}
    found.update(record)
    return found


def _not_a_method(value: Any) -> Any:
    """Return a value; a method of the record, whose name a field has, is any."""
    return "a method" if callable(value) else value


def _field_looks(name: str) -> dict[str, Look]:
    return {
        f"c[{name!r}]": lambda alert: alert.core[name],
        f"c[{name!r}] twice": lambda alert: (alert.core[name], alert.core[name]),
        f"c.get({name!r})": lambda alert: alert.core.get(name),
        f"c.get({name!r}, 5)": lambda alert: alert.core.get(name, 5),
        f"{name!r} in c": lambda alert: name in alert.core,
        f"c.{name}": lambda alert: _not_a_method(getattr(alert.core, name, "nothing")),
        f"format {name!r}": lambda alert: ("{" + name + "!r}").format_map(alert.core),
        f"itemgetter {name!r}": lambda alert: operator.itemgetter(name)(alert.core),
    }


def looks(alert: Alert, chance: random.Random) -> dict[str, Look]:
    """Return all looks, with some fields of this alert and some that it may not have."""
    names = [*chance.choices(sorted(alert.core), k=3)]
    names += ["rb", "drb", "ssdistnr", "psfFlux", "no_field"]
    found = {**WHOLE, **PACKET, **ALERT}
    for name in names:
        found |= _field_looks(name)
    return found


def seen(look: Look, alert: Alert) -> str:
    """What a look shows: a value with its types, its NaNs and its order, or an error."""
    try:
        value = look(alert)
    except Exception as error:  # noqa: BLE001 - errors are to be the same too
        return f"{type(error).__name__}: {error}"
    return f"{type(value).__name__ if not isinstance(value, dict) else 'dict'}: {value!r}"


def check(packet: bytes, made: Callable[[], Alert], chance: random.Random, count: int) -> None:
    """Assert that some looks, one after the other, show the same as at the decoded packet."""
    plain = decode(packet)
    every = looks(plain, chance)
    alert = made()
    for name in chance.sample(sorted(every), count):
        try:
            found = seen(every[name], alert)
        except NotAtHandError:
            assert isinstance(alert, LazyAlert)
            assert alert.asked
        else:
            assert found == seen(every[name], plain), name


def check_all(packet: bytes, alert: Alert) -> None:
    """Assert that an alert holds exactly what its packet holds."""
    plain = decode(packet)
    assert difference(alert.core, dict(plain.core)) == ""
    whole = outcome(plain.as_dict)
    if isinstance(whole, DecodeError):
        assert str(outcome(alert.as_dict)) == str(whole)
    else:
        assert difference(alert.as_dict(), whole) == ""
    assert alert == plain
    assert plain == alert
    assert hash(alert) == hash(plain)
    assert alert.raw == packet


def stores(packets: Sequence[bytes]) -> Iterator[Store]:
    """Yield stores of these packets: with a growing block, and with sealed ones."""
    for pieces in (1, 3):
        store = Store()
        size = -(-len(packets) // pieces)
        for begin in range(0, len(packets), size):
            piece = packets[begin : begin + size]
            store.append([Packet(value) for value in piece], decode_columns(piece))
            if pieces > 1:
                store._seal()
        if pieces > 1:
            store.append([Packet(b"")], Columns({"candid": np.array([-1])}, {}, np.arange(1)))
        yield store


def by_candid(packets: Sequence[bytes]) -> dict[int, bytes]:
    """Return the packets that decode by candid: of several the first, which a store keeps."""
    found: dict[int, bytes] = {}
    for packet in packets:
        alert = outcome(decode, packet)
        if not isinstance(alert, DecodeError):
            found.setdefault(alert.candid, packet)
    return found


def check_held(packets: Sequence[bytes], chance: random.Random, count: int = 25) -> None:
    """Assert that the alerts held equal the packets, whether these are at hand or not."""
    known = by_candid(packets)
    for store in stores(packets):
        held = store.snapshot()
        rows = chance.sample(range(len(held)), len(held))
        candids = held.candid[rows].tolist()
        for packet_of in (store.packet, lambda _candid: None):
            alerts = HeldAlerts(held, packet_of).alerts(rows)
            for candid, alert in zip(candids, alerts, strict=True):
                if candid in known:
                    check(known[candid], lambda alert=alert: alert, chance, count)  # type: ignore[misc]
        for candid, alert in zip(candids, HeldAlerts(held, store.packet).alerts(rows), strict=True):
            if candid in known and store.packet(candid):
                check_all(known[candid], alert)


# -- Real packets ------------------------------------------------------------------------------


@needs_real_packets
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_rows_of_every_real_packet_equal_it() -> None:
    """Every real packet of any survey and version, in one batch: each look shows the same."""
    packets = real_packets()
    columns = decode_columns(packets)
    alerts = alerts_of(columns, packets)
    assert len(alerts) == len(columns.rows) > 500
    chance = random.Random(1)
    for place, alert in zip(columns.rows.tolist(), alerts, strict=True):
        check(packets[place], lambda alert=alert: alert, chance, 30)  # type: ignore[misc]
    for place, alert in zip(columns.rows.tolist(), alerts_of(columns, packets), strict=True):
        check_all(packets[place], alert)


@needs_real_packets
@pytest.mark.parametrize("name", sorted(WHOLE | PACKET | WRITTEN | ALERT))
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_each_look_shows_the_same_at_first_sight(name: str) -> None:
    """The first thing that is asked of an alert is answered as the packet answers it."""
    packets = samples()
    columns = decode_columns(packets)
    look = (WHOLE | PACKET | WRITTEN | ALERT)[name]
    for place, alert in zip(columns.rows.tolist(), alerts_of(columns, packets), strict=True):
        assert seen(look, alert) == seen(look, decode(packets[place]))


@needs_real_packets
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_held_rows_of_every_real_packet_equal_it() -> None:
    """The same of a store, growing or sealed, with and without the packets at hand."""
    check_held(real_packets(), random.Random(2), 8)


@needs_real_packets
@pytest.mark.parametrize("folder", ["night-20181128", "v1.8", "v3.3", "v4.01", "v4.02", "lsst/ocf"])
def test_scalars_of_real_packets_need_no_packet(folder: str) -> None:
    """All that a filter of the candidate asks for is there when the packets have gone."""
    packets = [path.read_bytes() for path in real_files(f"{folder}/*.avro")]
    known = by_candid(packets)
    store = Store()
    store.append([Packet(value) for value in packets], decode_columns(packets))
    held = store.snapshot()
    for alert in HeldAlerts(held, lambda _candid: None).alerts(range(len(held))):
        plain = decode(known[alert.candid])
        scalar = [name for name in plain.core if not isinstance(plain.core[name], dict | list)]
        for name in scalar:
            assert difference(alert.core[name], plain.core[name]) == "", name
        assert alert.object_id == plain.object_id
        if "candidate" in alert:
            assert alert["candid"] == plain["candid"]
            assert difference(dict(alert.core), dict(plain.core)) == ""
        assert repr(alert) == repr(plain)
        assert not alert.asked


def test_what_lies_in_the_packet_alone_is_asked_for() -> None:
    """Without its packet an alert raises what no filter's `except Exception` takes for its own."""
    store = Store()
    packets = simulated()
    store.append([Packet(value) for value in packets], decode_columns(packets))
    held = store.snapshot()
    asked: dict[str, Look] = {
        "history": operator.itemgetter("prv_candidates"),
        "stamp": operator.itemgetter("cutoutScience"),
        "get": lambda alert: alert.get("fp_hists"),
        **PACKET,
    }
    for look in asked.values():
        (alert,) = HeldAlerts(held, lambda _candid: None).alerts([3])
        with pytest.raises(NotAtHandError) as error:
            look(alert)
        assert alert.asked
        assert error.value.candid == held.candid[3]
    assert not issubclass(NotAtHandError, Exception)


def test_a_packet_is_decoded_only_for_what_columns_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The candidate and the top level's scalars cost no decoding, the rest one."""
    packets = simulated()
    columns = decode_columns(packets)
    decoded: list[bytes] = []

    def counting(data: bytes) -> Alert:
        decoded.append(data)
        return decode(data)

    monkeypatch.setattr(lazy, "decode", counting)
    alert = alerts_of(columns, packets)[2]
    assert alert.candid == alert["candid"] == alert["candidate"]["candid"]
    assert dict(alert.candidate)["rb"] == alert.candidate.rb
    assert alert["objectId"]
    assert alert.raw == packets[2]
    decoded.clear()
    assert alert["prv_candidates"] is alert["prv_candidates"]
    assert alert["cutoutScience"]
    assert len(decoded) <= 1


# -- Made, forged and mutated packets ----------------------------------------------------------


_NUMBERS = st.none() | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, -999.0])
_CANDIDATES = st.fixed_dictionaries(
    {},
    optional={
        "rb": _NUMBERS | st.floats(width=32),
        "magap": _NUMBERS | st.floats(width=32),
        "distpsnr1": _NUMBERS,
        "ssdistnr": _NUMBERS,
        "jd": st.floats(),
        "objectidps1": st.none() | st.integers(-(2**63), 2**63 - 1),
        "tooflag": st.none() | st.integers(-(2**31), 2**31 - 1),
        "pdiffimfilename": st.none() | st.text(max_size=200),
        "ssnamenr": st.none() | st.sampled_from(["", "\0", "a\0", "\0a", "null", "x" * 129]),
    },
)


def _made(number: int, changes: dict[str, Any], version: str) -> bytes:
    value = plainest(version)
    value["candidate"] |= changes | {"candid": number}
    value |= {"candid": number if number % 3 else number + 1, "objectId": f"ZTF{number}"}
    return encode(value, version)


@given(
    st.lists(st.tuples(_CANDIDATES, st.sampled_from(["3.3", "4.02"])), min_size=1, max_size=12),
    st.integers(0, 2**32),
)
@settings(max_examples=40, deadline=None)
def test_made_alerts_equal_their_packets(
    changes: list[tuple[dict[str, Any], str]], seed: int
) -> None:
    """Null, NaN and absent, texts of every length, and identifiers that differ, in two versions."""
    packets = [_made(number, *change) for number, change in enumerate(changes, 1)]
    chance = random.Random(seed)
    columns = decode_columns(packets)
    assert not columns.errors
    for packet, alert in zip(packets, alerts_of(columns, packets), strict=True):
        check(packet, lambda alert=alert: alert, chance, 20)  # type: ignore[misc]
    for packet, alert in zip(packets, alerts_of(columns, packets), strict=True):
        check_all(packet, alert)
    check_held(packets, chance, 10)


@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_s24_rows_of_mutated_packets_equal_them() -> None:
    """Whatever is changed in real packets: the rows that decode show what the packets show."""
    chance = random.Random(11)
    for _ in range(25):
        packets = [mutated(chance.choice(samples()), chance) for _ in range(12)]
        packets += chance.sample(samples(), 3)
        columns = decode_columns(packets)
        for place, alert in zip(columns.rows.tolist(), alerts_of(columns, packets), strict=True):
            check(packets[place], lambda alert=alert: alert, chance, 12)  # type: ignore[misc]
        check_held(packets, chance, 6)


def _forged(before: Any, inside: Any, after: Any, value: dict[str, Any]) -> bytes:
    schema = alert_schema(before, inside, after)
    return container(schema, written(schema, value))


def _hostile() -> list[bytes]:
    """Packets whose schemas clash with one another and with the store's own columns."""
    nested = {"type": "record", "name": "inner", "fields": [{"name": "x", "type": "int"}]}
    number = iter(range(1, 1_000))

    def packet(before: Any = (), inside: Any = (), after: Any = (), **values: Any) -> bytes:
        top = {name: values[name] for name, _ in (*before, *after)}
        core = {"candid": next(number)} | {name: values[f"c_{name}"] for name, _ in inside}
        return _forged(before, inside, after, {**top, "candidate": core})

    return [
        packet(inside=[("a", "int")], c_a=5),
        packet(inside=[("a", "string")], c_a="5"),
        packet(inside=[("a", "double")], c_a=0.1),
        packet(inside=[("a", "long")], c_a=2**53 + 1),
        packet(inside=[("a", "boolean")], c_a=True),
        packet(inside=[("a", ["null", "boolean"])], c_a=None),
        packet(inside=[("a", nested)], c_a={"x": 1}),
        packet(inside=[("a", {"type": "array", "items": "int"})], c_a=[1, 2]),
        packet(
            inside=[("@topic", "string"), ("@outline", "int")],
            **{"c_@topic": "mine", "c_@outline": 7},
        ),
        packet(before=[("candid", "string")], candid="not a number"),
        packet(before=[("candid", "long")], candid=10**15),
        packet(before=[("candid", ["null", "long"])], candid=None),
        packet(after=[("candid", "long")], candid=77),
        packet(before=[("a", "float")], inside=[("a", "float")], a=1.5, c_a=2.5),
        packet(before=[("a", ["null", "int"])], inside=[("a", ["null", "int"])], a=None, c_a=None),
        packet(before=[("a", ["null", "int"])], inside=[("a", ["null", "int"])], a=0, c_a=None),
        packet(after=[("score", "double")], score=0.5),
        packet(inside=[("keys", "int"), ("get", "string")], c_keys=1, c_get="x"),
    ]


def test_s24_hostile_schemas_never_give_a_wrong_value() -> None:
    """Names that clash, types that differ from packet to packet, identifiers that disagree."""
    chance = random.Random(3)
    for _ in range(30):
        packets = chance.sample(_hostile(), chance.randrange(1, 18))
        columns = decode_columns(packets)
        for place, alert in zip(columns.rows.tolist(), alerts_of(columns, packets), strict=True):
            check_all(packets[place], alert)
        check_held(packets, chance, 30)


def test_s24_more_fields_than_a_store_takes_lie_in_the_packet() -> None:
    """A field that no column took is asked of the packet, and the others are still there."""
    fields = [(f"f{number}", "int") for number in range(MAX_FIELDS + 20)]
    core = {"candid": 4} | {name: number for number, (name, _) in enumerate(fields)}
    packet = _forged((), fields, (), {"candidate": core})
    check_held([packet], random.Random(4), 40)
    store = Store()
    store.append([Packet(packet)], decode_columns([packet]))
    (alert,) = HeldAlerts(store.snapshot(), lambda _candid: None).alerts([0])
    assert alert["candidate"]["f1"] == 1
    with pytest.raises(NotAtHandError):
        alert["candidate"][f"f{MAX_FIELDS + 10}"]


@pytest.mark.parametrize("text", ["x" * MAX_TEXT, "x" * (MAX_TEXT + 1), "t\0", "", "é" * 128, "\0"])
def test_texts_are_exact_or_lie_in_the_packet(text: str) -> None:
    """A text that a column cuts short is never taken for the packet's."""
    packets = [made_packet(1, ssnamenr=text), made_packet(2, ssnamenr=None)]
    check_held(packets, random.Random(6), 60)
    for packet, alert in zip(packets, alerts_of(decode_columns(packets), packets), strict=True):
        check_all(packet, alert)


def test_columns_of_some_fields_lead_to_the_packet_for_others() -> None:
    """Columns that were asked for in part give alerts that have all; a store knows it too."""
    packets = [made_packet(number, ssdistnr=None, rb=math.nan) for number in (1, 2, 3)]
    for fields in ([], ["rb"], ["candid", "rb"], ["objectId"]):
        columns = decode_columns(packets, fields)
        for packet, alert in zip(packets, alerts_of(columns, packets), strict=True):
            check_all(packet, alert)
    store = Store()
    store.append([Packet(packets[0])], decode_columns(packets[:1], ["candid", "rb"]))
    store.append([Packet(packet) for packet in packets], decode_columns(packets))
    for alert in HeldAlerts(store.snapshot(), store.packet).alerts([0, 1, 2]):
        check_all(packets[alert.candid - 1], alert)
    plain = Columns(columns.arrays, columns.masks, columns.rows)
    for packet, alert in zip(packets, alerts_of(plain, packets), strict=True):
        check_all(packet, alert)


def test_nan_is_kept_apart_from_null_in_few_bytes() -> None:
    """A store knows which values are NaN, and `missing` says as before that they are none."""
    store, plain = Store(), Store()
    for number in range(1, 6):
        value = [math.nan, None, 0.5, math.nan, None][number - 1]
        packet = made_packet(number, ssdistnr=value)
        store.append([Packet(packet)], decode_columns([packet]))
        packet = made_packet(number, ssdistnr=0.5)
        plain.append([Packet(packet)], decode_columns([packet]))
    assert store.snapshot().missing("ssdistnr").tolist() == [True, True, False, True, True]
    assert 0 < store.nbytes - plain.nbytes <= store._capacity
    for sealed in (False, True):
        if sealed:
            store._seal()
            store.append([Packet(b"")], decode_columns([made_packet(9)]))
        held = store.snapshot()
        found = [
            alert.candidate.ssdistnr
            for alert in HeldAlerts(held, lambda _candid: None).alerts(range(5))
        ]
        assert repr(found) == "[nan, None, 0.5, nan, None]"
        tail = [
            alert.candidate.ssdistnr
            for alert in HeldAlerts(held.tail(2), lambda _candid: None).alerts(range(3))
        ]
        assert repr(tail) == "[0.5, nan, None]"


def test_rows_are_given_in_the_order_asked_for() -> None:
    """Numbers in any order, repeated, more than are read at once; or a bool for each row."""
    packets = simulated()
    store = Store()
    store.append([Packet(value) for value in packets], decode_columns(packets))
    store._seal()
    store.append([Packet(made_packet(5))], decode_columns([made_packet(5)]))
    held = store.snapshot()
    rows = np.random.default_rng(8).integers(0, len(held), 5_000)
    alerts = HeldAlerts(held, store.packet)
    assert [alert.candid for alert in alerts.alerts(rows)] == held.candid[rows].tolist()
    chosen = np.arange(len(held)) % 3 == 0
    assert [alert.candid for alert in alerts.alerts(chosen)] == held.candid[chosen].tolist()
    assert list(alerts.alerts([])) == []
    with pytest.raises(IndexError):
        list(alerts.alerts([len(held)]))
