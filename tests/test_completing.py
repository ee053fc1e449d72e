"""Names of fields are offered where they belong, in cells that are no valid Python yet."""
# ruff: noqa: E501 - each case stands in one line

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from made import made_packet

import ztfnb
from ztfnb.completing import fields_at, offer_fields, told

DEF = "@ztfnb.filter\ndef f(alert, *, rb_min=0.65):\n"
HISTORY = '    history = alert["prv_candidates"] or []\n'


def offered(text: str, **values: Any) -> tuple[str, set[str]]:
    """Return what is typed, and the names offered; the cursor is where ``|`` stands."""
    cursor = text.index("|")
    found = fields_at(text.replace("|", ""), cursor, values)
    return found.word, {f"{one.record}.{one.name}" for one in found.fields}


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("text", "some"),
    [
        (DEF + '    if alert["candidate"]["|', "candidate.rb"),
        (DEF + '    if alert["candidate"]["dr|', "candidate.drb"),
        (DEF + "    if alert['candidate']['dr|']", "candidate.drb"),
        (DEF + '    if alert["candidate"].get("dr|', "candidate.drb"),
        (DEF + "    if alert.candidate.dr|", "candidate.drb"),
        (DEF + "    if alert.candidate.dr| > 0.5:\n        return (", "candidate.drb"),
        (DEF + '    c = alert["candidate"]\n    if c["dr|', "candidate.drb"),
        (DEF + '    c = alert["candidate"]\n    if c["dr|"] > 0.5 and (\n', "candidate.drb"),
        (DEF + "    c = alert.candidate\n    return c.dr|", "candidate.drb"),
        (DEF + '    if (c := alert["candidate"]) and c["dr|', "candidate.drb"),
        (DEF + '    a = alert\n    if a["obj|', "alert.objectId"),
        (DEF + '    if alert["|', "alert.prv_candidates"),
        (DEF + '    if alert.get("fp|', "alert.fp_hists"),
        ("def g(a):\n    return a['candidate']['dr|", "candidate.drb"),
        ("def g(candidate):\n    return candidate['dr|", "candidate.drb"),
        (DEF + '    for p in alert["prv_candidates"] or []:\n        p["magp|', "prv_candidate.magpsf"),
        (DEF + '    for p in alert.get("prv_candidates") or ():\n        p.magp|', "prv_candidate.magpsf"),
        (DEF + HISTORY + '    for i, p in enumerate(history):\n        p["magp|', "prv_candidate.magpsf"),
        (DEF + HISTORY + '    return [p["magp| for p in history]', "prv_candidate.magpsf"),
        (DEF + HISTORY + '    d = [p for p in history if p["magpsf"]]\n    d[-1]["magp|', "prv_candidate.magpsf"),
        (DEF + HISTORY + '    d = sorted(history, key=len)\n    last = d[-1]\n    last["magp|', "prv_candidate.magpsf"),
        (DEF + HISTORY + '    last = max(history, key=len)\n    last["magp|', "prv_candidate.magpsf"),
        (DEF + '    return any(e["forcediffimflux|"] for e in alert["fp_hists"])', "fp_hist.forcediffimfluxunc"),
        ('alert["candidate"]["dr|', "candidate.drb"),
    ],
)  # fmt: skip
def test_what_is_offered(text: str, some: str) -> None:
    """The fields of the record that is meant, and of that one only."""
    word, found = offered(text)
    assert some in found
    record, name = some.split(".")
    assert all(each.startswith(f"{record}.{word}") for each in found)
    assert name.startswith(word)


@pytest.mark.parametrize(
    "text",
    [
        DEF + '    thing["dr|',
        DEF + "    alert.ca|",
        DEF + '    n = len(alert["prv_candidates"])\n    n["|',
        DEF + '    rb = alert["candidate"]["rb"]\n    rb["|',
        DEF + "    return rb| > 5",
        DEF + '    x = "dr|',
        DEF + '    alert["prv_candidates"]["|',
        DEF + '    other["candidate"]["dr|',
        "|",
    ],
)
def test_what_is_not_offered(text: str) -> None:
    """Where the record is not known, IPython's own completions stay."""
    assert offered(text)[1] == set()


def test_a_name_that_is_an_alert_is_known() -> None:
    """As in a cell that looks at one."""
    alert = ztfnb.decode(made_packet())
    assert "candidate.drb" in offered('one["candidate"]["dr|', one=alert)[1]
    assert offered('one["candidate"]["dr|')[1] == set()


def test_what_is_told_of_a_field() -> None:
    """Type, unit and meaning in a line."""
    (one,) = ztfnb.fields("candidate.magpsf")
    assert plain(told(one)).startswith("float [mag]: Brightness of the difference")
    assert " " not in told(one)
    assert all(len(told(each)) <= 80 for each in ztfnb.fields())


@pytest.fixture
def shell() -> Iterator[Any]:
    """An IPython."""
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415 - it is a singleton

    made = InteractiveShell.instance()
    yield made
    made.Completer.custom_matchers.clear()
    InteractiveShell.clear_instance()


def completed(shell: Any, text: str) -> list[tuple[str, str]]:
    from IPython.core.completer import provisionalcompleter  # noqa: PLC0415 - with the shell

    cursor = text.index("|")
    with provisionalcompleter():
        found = list(shell.Completer.completions(text.replace("|", ""), cursor))
    return [(one.text, one.type) for one in found]


def test_ipython_shows_them(shell: Any) -> None:
    """With what they mean, in the order of the packet; registered once, and only when asked."""
    assert shell.Completer.custom_matchers == []
    offer_fields()
    offer_fields()
    assert len(shell.Completer.custom_matchers) == 1
    found = completed(shell, DEF + '    c = alert["candidate"]\n    if c["dr|')
    assert [name for name, _ in found] == ["drb", "drbversion"]
    assert plain(found[0][1]).startswith("float: Real-bogus score of the neural network")
    assert ("magpsf", told(ztfnb.fields("candidate.magpsf")[0])) in completed(
        shell, DEF + "    return alert.candidate.magp|"
    )
    several = DEF + '    é = "ü"\n    if alert["candidate"]["rb|"] > 0.65:\n        return True\n'
    assert [name for name, _ in completed(shell, several)] == ["rb", "rbversion"]


def test_other_completions_stay(shell: Any) -> None:
    """Where no field is meant."""
    offer_fields()
    assert "import" in [name for name, _ in completed(shell, "impo|")]
    shell.user_ns["thing"] = {"drum": 1}
    assert any("drum" in name for name, _ in completed(shell, 'thing["dr|'))


def test_without_ipython_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a script, or where IPython is there but does not run."""
    offer_fields()
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    offer_fields()
    assert "IPython" not in sys.modules
