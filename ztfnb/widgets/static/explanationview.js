const MEANING = {
  "✓": "as a passing alert has it", "✗": "not as a passing alert has it",
  "·": "not needed: another condition made up for it", "?": "could not be judged",
};

function render({ model, el }) {
  el.classList.add("ztfnb-explained");
  el.dataset.lmSuppressShortcuts = "true";
  const verdict = make("span", { class: "ztfnb-explained-verdict" });
  const reason = make("span", { class: "ztfnb-explained-reason" });
  const pin = (text, passes, title) => {
    const button = make("button", { type: "button", text, title });
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") === "true";
      model.send({ kind: "pin", passes: on ? null : passes });
    });
    return button;
  };
  const must = pin("must pass", true, "Pin this alert: it is to pass, also when the filter is changed");
  const not = pin("must be rejected", false,
    "Pin this alert: it is to be rejected, also when the filter is changed");
  const pins = make("span", { class: "ztfnb-explained-pins", role: "group", "aria-label": "Pin" },
    make("span", { text: "pin: " }), must, not);
  const head = make("div", { class: "ztfnb-explained-head", "aria-live": "polite" }, verdict, reason, pins);
  const note = make("div", { class: "ztfnb-explained-note" });
  const body = make("tbody");
  const table = make("table", {}, make("thead", {}, make("tr", {},
    ...["", "line", "condition", "is", "values"].map((text) => make("th", { text, scope: "col" })))), body);
  const notes = make("div", { class: "ztfnb-explained-annotations" });
  const more = make("div", { class: "ztfnb-explained-note" });
  el.append(head, note, table, more, notes);

  function show() {
    const shown = model.get("_shown");
    const some = Boolean(shown.verdict);
    el.dataset.candid = shown.candid ?? "";
    head.hidden = !some;
    note.textContent = shown.note ?? "";
    note.hidden = !shown.note;
    table.hidden = !some || !shown.steps.length;
    notes.hidden = true;
    more.hidden = true;
    if (!some) return;
    verdict.textContent = shown.verdict;
    verdict.dataset.verdict = shown.verdict;
    reason.textContent = shown.reason;
    must.setAttribute("aria-pressed", String(shown.pinned === true));
    not.setAttribute("aria-pressed", String(shown.pinned === false));
    body.replaceChildren(...shown.steps.map((step) => {
      const meaning = step.decisive ? `${MEANING[step.mark]}: this decided` : MEANING[step.mark];
      const mark = make("td", {
        class: "ztfnb-explained-mark", text: step.mark, title: meaning, "aria-label": meaning,
      });
      const row = make("tr", { "data-mark": step.mark }, mark,
        make("td", { class: "ztfnb-explained-line", text: step.line }),
        make("td", {}, make("code", { text: step.text })),
        make("td", { text: step.outcome }), make("td", { text: step.values }));
      if (step.decisive) row.dataset.decisive = "true";
      return row;
    }));
    more.hidden = !shown.left;
    more.textContent = shown.left ? `${shown.left.toLocaleString("en")} more steps are not shown.` : "";
    notes.hidden = !shown.annotations.length;
    notes.replaceChildren(make("span", { text: "annotations: " }),
      ...shown.annotations.map(([name, value]) => make("span", { class: "ztfnb-explained-annotation" },
        make("code", { text: name }), ` ${value}`)));
  }
  const undo = follow(model, "_shown", show);
  keepKeys(el);
  return undo;
}

export default { render };
