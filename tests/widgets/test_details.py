"""Details show every field of a packet, of any version, and cost nothing while nobody looks."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from made import NIGHT_JD, made_alert
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.errors import ConfigError, DecodeError
from ztfnb.widgets._packet import MOST_ROWS, history_of, sections_of
from ztfnb.widgets.details import Details

EPOCH = {
    "jd": NIGHT_JD - 1, "fid": 1, "pid": 1, "diffmaglim": 20.5, "programid": 1, "candid": None,
    "isdiffpos": None, "ra": None, "dec": None, "magpsf": None, "sigmapsf": None, "ranr": None,
    "decnr": None, "pdiffimfilename": "where.fits", "rbversion": "",
}  # fmt: skip
"""A limit, the day before."""


def alert(*epochs: dict[str, Any], **candidate: Any) -> ztfnb.Alert:
    made = made_alert(1, **candidate)
    if epochs:
        made["prv_candidates"] = list(epochs)
    return ztfnb.decode(ztfnb.encode(made))


def rows_of(packet: ztfnb.Alert, section: str) -> dict[str, list[Any]]:
    """Value, readable form and whether it is missing, by name."""
    (found,) = (one for one in sections_of(packet) if one["name"] == section)
    return {name: rest for name, *rest in found["rows"]}


def notes_of(packet: ztfnb.Alert) -> dict[str, str]:
    return {section["name"]: section["note"] for section in sections_of(packet)}


def test_every_field_is_there() -> None:
    """All fields of the packet's schema are shown, in its order, none twice."""
    packet = alert()
    names = [field.name for field in packet.schema.root.fields]
    core = [name for name, *_ in next(iter(sections_of(packet)[1:2]))["rows"]]
    assert core == list(packet.candidate)
    shown = [row[0] for section in sections_of(packet) if section["name"] != "candidate"
             for row in section["rows"] or [[section["name"]]]]  # fmt: skip
    assert sorted([*shown, "candidate"]) == sorted(names)


def test_numbers_have_the_digits_of_the_packet() -> None:
    """A float has seven digits, a double up to fifteen, and a number is no other number."""
    rows = rows_of(alert(jd=2461055.7512345, magpsf=18.3, ra=150.1234567), "candidate")
    assert rows["magpsf"][0] == "18.3"
    assert rows["jd"][0] == "2461055.7512345"
    assert rows["ra"][0] == "150.1234567"
    assert rows["candid"][0] == "1"


def test_readable_forms() -> None:
    """Dates, bands, programmes, signs and angles are also told as people say them."""
    rows = rows_of(
        alert(jd=2461055.75, fid=2, programid=1, isdiffpos="f", ra=187.70593, dec=-12.39112,
              distnr=2.0, sgscore1=0.9),
        "candidate",
    )  # fmt: skip
    assert rows["jd"][1] == "2026-01-15 06:00:00 UTC"
    assert rows["fid"][1] == "r band"
    assert rows["programid"][1] == "public"
    assert rows["isdiffpos"][1] == "negative: fainter"
    assert (rows["ra"][1], rows["dec"][1]) == ("12:30:49.42", "-12:23:28.0")
    assert rows["distnr"][1] == "2.02 arcsec"
    assert rows["sgscore1"][1] == "star"


def test_missing_values() -> None:
    """Null, NaN and the survey's codes are missing; a code elsewhere is a value."""
    rows = rows_of(
        alert(drb=None, sgmag1=-999.0, ssnamenr="null", magap=math.nan, scorr=-999.0), "candidate"
    )
    assert rows["drb"][0] == "missing (null)"
    assert rows["sgmag1"][0] == "missing (-999)"
    assert rows["ssnamenr"][0] == "missing (null)"
    assert rows["magap"][0] == "missing (NaN)"
    assert rows["scorr"] == ["-999", "", False, ""]
    assert all(rows[name][2] for name in ("drb", "sgmag1", "ssnamenr", "magap"))


def test_histories_are_counted() -> None:
    """A history is told in numbers and dates, apart for detections and limits."""
    found = EPOCH | {"jd": NIGHT_JD - 4, "candid": 5, "magpsf": 18.0}
    notes = notes_of(alert(EPOCH, found, EPOCH))
    assert notes["prv_candidates"] == "3 epochs; 1 detection, 2 limits; 2026-01-11 to 2026-01-14"
    assert notes["fp_hists"] == "not in this packet"
    assert notes["stamps"] == "3 files"


def test_history_as_table() -> None:
    """Epochs come the newest first, with their times; what is missing is marked."""
    older = EPOCH | {"jd": NIGHT_JD - 4, "candid": 5, "magpsf": 18.0}
    table = history_of(alert(older, EPOCH), "prv_candidates")
    assert table is not None
    assert table["times"] == ["2026-01-14 06:00:00 UTC", "2026-01-11 06:00:00 UTC"]
    place = table["names"].index("magpsf")
    assert [row[place] for row in table["rows"]] == ["null", "18"]
    assert [place in gone for gone in table["gone"]] == [True, False]
    assert table["total"] == 2


def test_no_such_history() -> None:
    """What is no history, or none of this packet, has no table."""
    packet = alert(EPOCH)
    assert history_of(packet, "fp_hists") is None
    assert history_of(packet, "candidate") is None
    assert history_of(packet, "nonsense") is None


def test_endless_histories_are_cut() -> None:
    """A history longer than any real one shows its newest epochs, and how many there are."""
    epochs = [EPOCH | {"jd": NIGHT_JD - place} for place in range(MOST_ROWS + 5)]
    table = history_of(alert(*epochs), "prv_candidates")
    assert table is not None
    assert (len(table["rows"]), table["total"]) == (MOST_ROWS, MOST_ROWS + 5)
    assert table["times"][0] == "2026-01-15 06:00:00 UTC"


def test_long_texts_are_cut() -> None:
    """A text of a length that no field has shows its beginning and its length."""
    packet = ztfnb.decode(ztfnb.encode(made_alert(1) | {"publisher": "x" * 5000}))
    value = rows_of(packet, "alert")["publisher"][0]
    assert value == "x" * 2000 + "… (5,000 characters)"


def test_fields_of_a_broker() -> None:
    """Columns that a broker added are shown with what the packet's own schema says of them."""
    inner = {"type": "record", "name": "candidate", "fields": [
        {"name": "candid", "type": "long"}, {"name": "jd", "type": "double"},
        {"name": "twist", "type": ["null", "float"], "doc": "A number of theirs"},
    ]}  # fmt: skip
    schema = {"type": "record", "name": "added", "fields": [
        {"name": "objectId", "type": "string"}, {"name": "candidate", "type": inner},
        {"name": "cdsxmatch", "type": "string", "doc": "Class at SIMBAD"},
        {"name": "scores", "type": {"type": "array", "items": "float"}},
        {"name": "extra", "type": {"type": "map", "values": "int"}},
    ]}  # fmt: skip
    record = {
        "objectId": "ZTF18abcfcoo", "candidate": {"candid": 1, "jd": NIGHT_JD, "twist": -999.0},
        "cdsxmatch": "RRLyr", "scores": [0.5, 0.25], "extra": {"n": 3},
    }  # fmt: skip
    packet = ztfnb.decode(_container(schema, record))
    top = rows_of(packet, "alert")
    assert top["cdsxmatch"] == ["RRLyr", "", False, "Class at SIMBAD"]
    assert top["scores"][0] == "[0.5, 0.25]"
    assert top["extra"][0] == "{'n': 3}"
    assert rows_of(packet, "candidate")["twist"] == [
        "missing (-999)", "", True, "A number of theirs"
    ]  # fmt: skip


def _container(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    import io  # noqa: PLC0415 - one test only

    import fastavro  # noqa: PLC0415 - one test only

    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(schema), [record])
    return file.getvalue()


def test_shown_with_neighbours_and_links() -> None:
    """The nearest sources in words, and the links, stand with the fields."""
    details = Details(alert(distpsnr1=0.1, sgscore1=0.98, srmag1=16.2, distnr=0.5, magnr=20.0))
    shown = details._shown
    assert shown["near"] == [
        "star 0.1 arcsec, r 16.2 (PS1, sgscore 0.98)",
        "reference image source 0.5 arcsec, 20.0",
    ]
    assert all(url.startswith("https://") for _name, url, _title in shown["links"])
    assert shown["candid"] == "1"
    details.alert = None
    assert (details._shown["candid"], details._shown["sections"]) == ("", [])


def test_docs_of_the_page() -> None:
    """The page has unit and meaning of every field that is documented, sent once."""
    docs = Details()._docs
    assert docs["candidate"]["magpsf"][0] == "mag"
    assert docs["fp_hists"]["forcediffimflux"][0] == "DN"
    assert "Julian date" in docs["prv_candidates"]["jd"][1]
    assert docs["alert"]["objectId"][1].startswith("Name of the object")


def test_inactive_details_wait() -> None:
    """While nobody can see them an alert is only remembered, and shown when somebody can."""
    details = Details()
    details.active = False
    details.alert = packet = alert(EPOCH)
    details.settings = {"open": ["prv_candidates"]}
    assert details.alert is packet
    assert (details._shown["candid"], details._histories) == ("", {})
    details.active = True
    assert details._shown["candid"] == "1"
    assert details._histories.keys() == {"prv_candidates"}


def test_settings_come_back() -> None:
    """What is chosen in the page is a setting, is sent back, and can be saved as JSON."""
    details = Details(alert(EPOCH))
    assert details._histories == {}
    for name, value in (
        ("search", "zero point"), ("hide_missing", True), ("open", ["prv_candidates", "stamps"])
    ):  # fmt: skip
        details.receive({"kind": "setting", "name": name, "value": value, "turn": f"view-{name}"})
        assert details._settings == details.settings | {"turn": f"view-{name}"}
    assert details._histories.keys() == {"prv_candidates"}
    again = Details(alert(EPOCH))
    again.settings = json.loads(json.dumps(details.settings))
    assert again.settings == details.settings
    assert again._histories == details._histories
    again.settings = {"hide_missing": False}
    assert again.settings == details.settings | {"hide_missing": False}


@pytest.mark.parametrize(
    "wrong",
    [
        {"search": 5}, {"search": "x" * 101}, {"hide_missing": 1}, {"open": "alert"},
        {"open": [1]}, {"open": ["x"] * 51}, {"open": ["x" * 101]}, {"colour": "red"},
    ],
)  # fmt: skip
def test_settings_from_a_file_are_checked(wrong: dict[str, Any]) -> None:
    """A setting of another kind is refused with what was expected, and nothing changes."""
    details = Details()
    before = details.settings
    with pytest.raises(ConfigError, match="details"):
        details.settings = {"hide_missing": True} | wrong
    assert details.settings == before


def test_settings_are_not_shared() -> None:
    """Changing the dictionary that was given out changes nothing."""
    details = Details()
    details.settings["open"].append("stamps")
    assert "stamps" not in details.settings["open"]


@needs_real_packets
def test_real_packets() -> None:
    """Every packet that can be read, of any survey or version, is shown whole and as JSON."""
    seen = 0
    versions = ("legacy", "v1.8", "v3.3", "v4.01", "v4.02", "lsst/*", "night-*", "v4.02-no-*")
    for file in (file for version in versions for file in real_files(f"{version}/*.avro")):
        try:
            packet = ztfnb.decode(file.read_bytes())
            sections = sections_of(packet)
        except DecodeError:
            continue
        json.dumps([Details(packet)._shown, sections], allow_nan=False)
        for section in sections:
            if section["rows"] is None:
                json.dumps(history_of(packet, section["name"]), allow_nan=False)
        names = {section["name"] for section in sections}
        names |= {row[0] for section in sections for row in section["rows"] or []}
        assert names >= {field.name for field in packet.schema.root.fields}
        seen += 1
    assert seen > 100


@needs_real_packets
def test_rubin() -> None:
    """A packet of Rubin has its records as sections, with times in UTC."""
    packet = ztfnb.decode(real_files("lsst/confluent-wire/alercebroker*.avro")[0].read_bytes())
    notes = notes_of(packet)
    assert {"diaSource", "diaObject", "prvDiaForcedSources", "stamps"} <= notes.keys()
    assert rows_of(packet, "diaSource")["midpointMjdTai"][1].endswith("UTC")


def test_damaged_parts_say_so() -> None:
    """Where a part of the packet is damaged the rest is shown, and why."""
    damaged = bytearray(ztfnb.encode(made_alert(1) | {"prv_candidates": [EPOCH], "fp_hists": []}))
    # The length of a text: minus one.
    place = damaged.rindex(b"where.fits") - 1
    damaged[place] = 1
    packet = ztfnb.decode(bytes(damaged))
    assert rows_of(packet, "candidate")["magpsf"][0] == "18.5"
    rows = rows_of(packet, "alert")
    assert rows["prv_candidates"][0].startswith("damaged: ")
    assert rows["fp_hists"][2]
