"""What the page may offer while someone types a cut."""

from __future__ import annotations

import json

from ztfnb.fields import fields
from ztfnb.selection import FUNCTIONS, parse
from ztfnb.widgets._completion import completions


def test_every_field_that_a_cut_can_read_is_offered_with_its_meaning() -> None:
    """Those of the candidate and of the packet's top level, each once, and no records."""
    offered = {entry["name"]: entry for entry in completions()}
    assert len(offered) == len(completions())
    assert offered["magpsf"]["unit"] == "mag"
    assert offered["magpsf"]["doc"] == fields("candidate.magpsf")[0].doc
    assert offered["magpsf"]["kind"] == "number"
    assert offered["objectId"]["kind"] == "text"
    names = list(offered)
    assert names.index("magpsf") < names.index("magap") < names.index("magnr")
    assert "prv_candidates" not in offered
    assert "cutoutScience" not in offered
    known = {f.name for f in fields() if f.record == "candidate"}
    assert known <= set(offered)
    json.dumps(completions())


def test_functions_and_words_are_offered_too() -> None:
    """All that a condition may contain, with an example that is one."""
    kinds = {entry["name"]: entry["kind"] for entry in completions()}
    assert {name for name, kind in kinds.items() if kind == "function"} == set(FUNCTIONS)
    assert {name for name, kind in kinds.items() if kind == "word"} == {"and", "or", "not", "in"}
    for entry in completions():
        if entry["kind"] == "function" and ": " in entry["doc"]:
            parse(entry["doc"].partition(": ")[2])


def test_fields_of_another_survey_are_offered_as_they_are_named() -> None:
    """Without a meaning where none is known; those of ZTF that are not there are left out."""
    offered = {entry["name"]: entry for entry in completions(["psfFlux", "ra"])}
    assert offered["psfFlux"] == {"name": "psfFlux", "unit": "", "doc": "", "kind": ""}
    assert offered["ra"]["unit"] == "deg"
    assert "magpsf" not in offered
