// A form whose rows are conditions, and the Python that they mean.

const RESTING = 150; // [ms] after the last key, until the kernel is told

function renderFilterForm({ model, el }) {
  const prefix = Math.random().toString(36).slice(2);
  const offers = model.get("_offers");
  const fields = new Map(offers.fields.map((one) => [one.name, one]));
  const ready = new Map(offers.ready.map((one) => [one.name, one]));
  const operators = new Map(offers.operators.map((one) => [one.name, one]));
  let sent = 0;
  let timer = 0;

  el.classList.add("ztfnb-form");
  el.dataset.lmSuppressShortcuts = "true";
  const name = make("input", {
    type: "text", class: "ztfnb-form-name", spellcheck: "false", autocomplete: "off",
    "aria-label": "Name of the filter",
  });
  const nameNote = make("span", { class: "ztfnb-form-problem", role: "status" });
  const joined = choice("How conditions are joined", [
    ["all", "all", "An alert passes where every condition holds"],
    ["any", "any", "An alert passes where one condition holds, or more"],
  ], (value) => { joined.press(value); tell(); });
  const rows = make("div", { class: "ztfnb-form-rows", role: "list", "aria-label": "Conditions" });
  const add = make("button", { type: "button", text: "+ condition" });
  add.addEventListener("click", () => {
    const made = rowOf({ kind: "field", field: "", operator: ">", value: "", negated: false });
    rows.append(made);
    made.querySelector("input[role=combobox]").focus();
    tell();
  });
  const more = offers.ready.map((one) => {
    const button = make("button", {
      type: "button", text: `+ ${one.before}${one.value ? " …" : ""}`, title: one.doc,
      "data-ready": one.name,
    });
    button.addEventListener("click", () => {
      const made = rowOf({ kind: one.name, value: one.value, negated: false });
      rows.append(made);
      (made.querySelector(".ztfnb-form-value") ?? made.querySelector("button")).focus();
      tell();
    });
    return button;
  });
  const problem = make("div", { class: "ztfnb-form-problem", role: "status" });
  const source = sourceBox(model);
  el.append(
    make("div", { class: "ztfnb-form-fill" },
      make("label", { class: "ztfnb-form-line" }, make("span", { class: "ztfnb-label", text: "name" }), name, nameNote),
      make("div", { class: "ztfnb-form-line" }, make("span", { text: "An alert passes where" }), joined,
        make("span", { text: "of these hold:" })),
      rows, problem,
      make("div", { class: "ztfnb-form-add", role: "group", "aria-label": "Add a condition" }, add, ...more)),
    make("div", { class: "ztfnb-form-means" },
      make("div", { class: "ztfnb-form-line" }, make("span", { class: "ztfnb-label", text: "as Python" }),
        ...source.controls),
      source.code));

  // -- Rows -------------------------------------------------------------------------------------
  function rowOf(state) {
    const kind = ready.get(state.kind);
    const not = make("button", {
      type: "button", class: "ztfnb-form-not", text: "not", title: "The opposite of this condition",
      "aria-pressed": String(Boolean(state.negated)),
    });
    not.addEventListener("click", () => {
      not.setAttribute("aria-pressed", String(not.getAttribute("aria-pressed") !== "true"));
      tell();
    });
    const value = make("input", {
      type: "text", class: "ztfnb-form-value", spellcheck: "false", autocomplete: "off",
      "aria-label": kind ? `${kind.before} … ${kind.after}` : "Value",
    });
    value.value = state.value ?? "";
    value.addEventListener("input", soon);
    const remove = make("button", {
      type: "button", class: "ztfnb-form-remove", text: "×", title: "Remove", "aria-label": "Remove this condition",
    });
    const note = make("div", { class: "ztfnb-form-note" });
    const wrong = make("div", { class: "ztfnb-form-problem", role: "status" });
    const line = make("div", { class: "ztfnb-form-line" }, not);
    const element = make("div", { class: "ztfnb-form-row", role: "listitem" }, line, note, wrong);
    element.problem = wrong;
    remove.addEventListener("click", () => {
      const next = element.nextElementSibling ?? element.previousElementSibling;
      element.remove();
      (next?.querySelector(".ztfnb-form-remove") ?? add).focus();
      tell();
    });
    if (kind) {
      line.append(make("span", { text: kind.before }));
      if (kind.value) line.append(value, make("span", { text: kind.after }));
      note.textContent = kind.doc;
      element.read = () => ({
        kind: kind.name, value: kind.value ? value.value : "",
        negated: not.getAttribute("aria-pressed") === "true",
      });
    } else {
      const field = make("input", {
        type: "text", class: "ztfnb-form-field", placeholder: "field", spellcheck: "false",
        autocomplete: "off", autocapitalize: "off", "aria-label": "Field",
      });
      field.value = state.field;
      const operator = make("select", { "aria-label": "What is asked" });
      const unit = make("span", { class: "ztfnb-label" });
      const paint = () => {
        const known = fields.get(field.value.trim());
        note.textContent = known?.doc ?? "";
        const wanted = operator.value || state.operator;
        const fitting = offers.operators.filter((one) => !known || !one.only || one.only === known.kind);
        operator.replaceChildren(...fitting.map((one) => make("option", { value: one.name, text: one.label })));
        operator.value = fitting.some((one) => one.name === wanted) ? wanted : fitting[0].name;
        const takes = operators.get(operator.value).values;
        value.hidden = takes === 0;
        unit.textContent = takes === 0 ? "" : known?.unit ?? "";
        value.placeholder = takes === 2 ? "15, 19" : takes === null ? "one, another" : "";
      };
      const changed = () => { paint(); soon(); };
      const list = completion(field, line, () => offers.fields);
      field.addEventListener("input", changed);
      field.addEventListener("keydown", (event) => {
        if (list.keydown(event)) event.preventDefault();
        field.value = field.value.trimEnd();
        changed();
      });
      line.addEventListener("pointerup", () => { field.value = field.value.trimEnd(); changed(); });
      operator.addEventListener("change", changed);
      line.append(field, operator, value, unit);
      paint();
      element.read = () => ({
        kind: "field", field: field.value.trim(), operator: operator.value, value: value.value,
        negated: not.getAttribute("aria-pressed") === "true",
      });
    }
    line.append(remove);
    return element;
  }

  // -- Words to the kernel ----------------------------------------------------------------------
  const read = () => ({
    name: name.value.trim(),
    joined: joined.querySelector('[aria-pressed="true"]')?.dataset.value ?? "all",
    rows: [...rows.children].map((row) => row.read()),
  });
  function tell() {
    clearTimeout(timer);
    timer = 0;
    const form = read();
    const text = JSON.stringify(form);
    if (text === shown) return;
    shown = text;
    sent += 1;
    model.send({ kind: "form", id: `${prefix}-${sent}`, form });
  }
  function soon() {
    clearTimeout(timer);
    timer = setTimeout(tell, RESTING);
  }
  name.addEventListener("input", soon);

  // -- What the kernel says ---------------------------------------------------------------------
  let shown = "";
  function fill() {
    const form = model.get("_form");
    const made = model.get("_made");
    // What was typed here meanwhile stays; what code or another view filled in is shown.
    if (timer || (sent && made.answered.startsWith(`${prefix}-`))) return;
    name.value = form.name;
    joined.press(form.joined);
    rows.replaceChildren(...form.rows.map(rowOf));
    shown = JSON.stringify(read());
  }
  function paint() {
    const made = model.get("_made");
    const [view, number] = made.answered.split("-");
    if (view === prefix && Number(number) < sent) return; // older than what stands there
    nameNote.textContent = made.name;
    problem.textContent = made.name ? "" : made.problem;
    [...rows.children].forEach((row, place) => {
      row.problem.textContent = made.rows[place] ?? "";
    });
    source.show(made.source, "# not filled in yet");
  }

  keepKeys(el);
  const steps = [follow(model, "_form", fill), follow(model, "_made", paint)];
  return () => {
    clearTimeout(timer);
    steps.forEach((step) => step());
  };
}

export default { render: renderFilterForm };
