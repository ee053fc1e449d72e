"""Help for people: each state and each kind of trouble has words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ztfnb import advice, kafka_trouble
from ztfnb.state import STATES

KINDS = sorted({*kafka_trouble._KINDS, "host", "refused", "firewall", "binder", "protocol"} - {""})


def test_each_state_has_a_meaning() -> None:
    """No state is left without a sentence, and none is explained that is not there."""
    assert set(advice.STATES) == set(STATES)
    assert all(text.endswith(".") for text in advice.STATES.values())


@pytest.mark.parametrize("kind", [*KINDS, "waiting"])
def test_each_trouble_has_help(kind: str) -> None:
    """What Kafka's troubles are called here is known here: a title, a meaning, steps."""
    found = advice.advise(kind)
    assert found is not None
    assert not found.title.endswith(".")
    assert found.meaning.endswith(".")
    assert found.steps


def test_what_is_unknown_has_none() -> None:
    """An error without a name must speak for itself."""
    assert advice.advise("") is None
    assert advice.advise("other") is None


def test_kinds_that_are_used_are_known() -> None:
    """Every kind that the Kafka modules give a trouble is one that there is help for."""
    folder = Path(kafka_trouble.__file__).parent
    text = "".join((folder / f"kafka{name}.py").read_text() for name in ("", "_trouble", "_health"))
    used = set(re.findall(r'Trouble\("(\w+)"', text)) | set(re.findall(r'return "(\w+)", ', text))
    assert used
    assert all(advice.advise(kind) for kind in used)
