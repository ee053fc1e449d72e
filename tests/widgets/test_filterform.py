"""The form tells its page what it means, and code gets the filter."""

from __future__ import annotations

from typing import Any

import pytest
from made import made_packet

from ztfnb.codec import decode
from ztfnb.errors import ConfigError, FilterError
from ztfnb.filters.filter import Filter
from ztfnb.filters.form import Form, Row
from ztfnb.widgets import FilterForm, filterform

RB = {"kind": "field", "field": "rb", "operator": ">", "value": "0.5", "negated": False}


def say(form: FilterForm, *rows: Any, name: str = "f", number: int = 1) -> None:
    form.receive(
        {"kind": "form", "id": f"x-{number}", "form": {"name": name, "joined": "all", "rows": rows}}
    )


def test_what_is_filled_in_is_a_filter() -> None:
    """Its source, and the filter that runs it, are told whenever they have become others."""
    form = FilterForm()
    assert form.source.startswith("@ztfnb.filter\ndef my_filter(alert, *, rb_min=0.65):")
    made: list[Filter] = []
    form.on_filter = made.append
    say(form, RB)
    assert form._made["answered"] == "x-1"
    assert form.source == form._made["source"]
    assert "def f(alert, *, rb_min=0.5):" in form.source
    say(form, RB, number=2)
    assert made == [form.filter]
    assert made[0](decode(made_packet(1, rb=0.6))) is True
    assert made[0](decode(made_packet(1, rb=0.4))) is False


def test_what_is_wrong_is_told_at_its_row() -> None:
    """Meanwhile there is no filter, rather than another one than the form shows."""
    form = FilterForm()
    say(form, RB, RB | {"value": "high"})
    assert form._made["rows"] == {"1": "expected a number, got 'high'"}
    assert (form.source, form.filter) == ("", None)
    say(form, RB, name="my filter")
    assert "letters, digits" in form._made["name"]
    assert form.filter is None
    say(form)
    assert form._made["problem"] == "add a condition"
    say(form, RB)
    assert form.filter is not None


@pytest.mark.parametrize("message", [None, 5, {"rows": [{"field": 5}]}, {"joined": "some"}])
def test_what_is_no_form_changes_nothing(message: Any) -> None:
    """A page may send anything."""
    form = FilterForm()
    before = form.form
    form.receive({"kind": "form", "id": "x-1", "form": message})
    assert form.form == before
    assert form._made["problem"]


def test_code_fills_it_in() -> None:
    """As a form, or as plain values that a notebook keeps."""
    form = FilterForm(Form("g", (Row("positive"),)))
    assert "def g(alert):" in form.source
    settings = form.settings
    form.form = Form("h", (Row("detections", value="2"),))
    assert "ndethist_min=2" in form.source
    form.settings = settings
    assert form.form.name == "g"
    with pytest.raises(ConfigError):
        form.settings = {"rows": 5}


def test_the_next_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the source, where there is a notebook."""

    class Shell:
        text = ""

        def set_next_input(self, text: str) -> None:
            self.text = text

    shell = Shell()
    form = FilterForm()
    with pytest.raises(FilterError, match="no notebook here"):
        form.to_cell()
    monkeypatch.setattr(filterform, "get_ipython", lambda: shell)
    form.to_cell()
    assert shell.text == form.source
    form.form = Form("f", ())
    with pytest.raises(FilterError, match="not filled in"):
        form.to_cell()
