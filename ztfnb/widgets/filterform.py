"""A form that writes a filter: rows on one side, the Python that they mean on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets
from IPython.core.getipython import get_ipython

from ztfnb.errors import ConfigError, FilterError, SelectionError
from ztfnb.filters.compose import filter_from
from ztfnb.filters.filter import Filter
from ztfnb.filters.form import OPERATORS, READY, Form, Row
from ztfnb.widgets._completion import completions
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets._written import problem_of_name

_STARTS_WITH = (Row("positive"), Row(field="rb", operator=">=", value="0.65"))


class FilterForm(Part):
    """A form of conditions, with the source of the filter that it means beside it, always the same.

    Parameters
    ----------
    form
        What is filled in at first; two usual rows where None.
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of(
        "common.js", "copy.js", "completion.js", "newcell.js", "sourcebox.js", "filterform.js"
    )
    _css = text_of("choice.css", "cutbar.css", "sourcebox.css", "filterform.css")
    _form = traitlets.Dict().tag(sync=True)
    _made = traitlets.Dict().tag(sync=True)
    _offers = traitlets.Dict().tag(sync=True)

    def __init__(self, form: Form | None = None, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.on_filter: Callable[[Filter], None] = lambda _filter: None
        """Called with the filter whenever what the form says has become another."""
        self._filter: Filter | None = None
        self._source = ""
        self._answered = ""
        with self.pump.lock:
            self._offers = _offered()
            self._fill(Form(rows=_STARTS_WITH) if form is None else form)

    # -- What code may do ------------------------------------------------------------------

    @property
    def form(self) -> Form:
        """What is filled in."""
        return Form.from_json(self._form)

    @form.setter
    def form(self, form: Form) -> None:
        with self.pump.lock:
            self._answered = ""
            self._fill(form)

    @property
    def source(self) -> str:
        """The source of the filter; empty while something is not filled in."""
        return self._source

    @property
    def filter(self) -> Filter | None:
        """The filter; None while something is not filled in."""
        return self._filter

    @property
    def settings(self) -> dict[str, Any]:
        """What is filled in: ``name``, ``joined`` and ``rows``."""
        return self.form.to_json()

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        self.form = Form.from_json({**self.form.to_json(), **settings})

    def to_cell(self) -> None:
        """Put the source in the next cell of the notebook; called from a cell.

        Raises
        ------
        FilterError
            If something is not filled in, or this is no notebook.
        """
        if not self._source:
            raise FilterError("the form is not filled in yet: see what it says at its rows")
        shell: Any = get_ipython()
        if shell is None:
            raise FilterError("there is no notebook here; print(form.source) shows the source")
        shell.set_next_input(self._source)

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        if message.get("kind") != "form":
            return
        self._answered = str(message.get("id", ""))[:40]
        try:
            self._fill(Form.from_json(message.get("form")))
        except ConfigError as error:
            self._made = {**self._made, "problem": str(error), "answered": self._answered}

    # -- What is done ----------------------------------------------------------------------

    def _fill(self, form: Form) -> None:
        before, problem = self._source, ""
        problems = form.problems
        try:
            self._source = form.source if form.rows and not problems else ""
            if not form.rows:
                problem = "add a condition"
        except (FilterError, SelectionError) as error:
            self._source, problem = "", str(error)
        # At once: a page must not take its own words for those of others.
        with self.hold_sync():
            self._form = form.to_json()
            self._made = {
                "source": self._source,
                "name": problem_of_name(form.name),
                "problem": problem,
                "rows": {str(place): text for place, text in problems.items()},
                "answered": self._answered,
            }
        if self._source == before and self._source:
            return
        self._filter = filter_from(form.expression, form.name) if self._source else None
        if self._filter is not None:
            self.on_filter(self._filter)


def _offered() -> dict[str, Any]:
    """Return what can be chosen from, as JSON for the page."""
    fields = [one for one in completions() if one["kind"] in ("number", "text")]
    return {
        "fields": fields,
        "operators": [
            {"name": one.name, "label": one.label, "values": one.values, "only": one.only}
            for one in OPERATORS.values()
        ],
        "ready": [
            {"name": one.name, "before": one.before, "after": one.after, "value": one.value,
             "doc": one.doc}
            for one in READY.values()
        ],
    }  # fmt: skip
