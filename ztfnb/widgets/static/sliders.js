const WAIT = 150; // [ms] that a slider rests before its value is told

const shortly = (number) => String(Number(Number(number).toPrecision(10)));

function render({ model, el }) {
  el.classList.add("ztfnb-sliders");
  el.dataset.lmSuppressShortcuts = "true";
  const me = Math.random().toString(36).slice(2);
  let serial = 0;
  let timer = 0;
  let waiting = null;
  const list = make("div", { class: "ztfnb-sliders-list", role: "group", "aria-label": "Thresholds" });
  const code = make("code", { class: "ztfnb-sliders-code", title: "The filter as it is set" });
  const copy = copier();
  const trouble = make("div", { class: "ztfnb-sliders-trouble", role: "alert" });
  const foot = make("div", { class: "ztfnb-sliders-foot" }, code, copy);
  el.append(list, trouble, foot);
  let controls = new Map();

  function flush() {
    clearTimeout(timer);
    if (waiting) model.send(waiting);
    waiting = null;
  }
  function tell(name, value, settled, later = false) {
    serial += 1;
    if (waiting && waiting.name !== name) flush();
    waiting = { kind: "set", name, value, settled, by: me, serial };
    clearTimeout(timer);
    if (later) timer = setTimeout(flush, WAIT);
    else flush();
  }
  function reset(name) {
    flush();
    serial += 1;
    model.send({ kind: "reset", name, by: me, serial });
  }

  // -- One control ------------------------------------------------------------------------------
  function newControl(said) {
    const id = `ztfnb-slider-${me}-${said.name}`;
    const label = make("label", { for: id, text: said.name, title: said.name });
    const undo = make("button", {
      type: "button", class: "ztfnb-sliders-reset", text: "↺",
      "aria-label": `Reset ${said.name} to its default`,
    });
    undo.addEventListener("click", () => reset(said.name));
    const box = make("div", { class: "ztfnb-slider", "data-name": said.name, "data-kind": said.kind });
    const control = { said, box, show() {} };
    const dress = (value) => {
      const same = value === control.said.default;
      undo.style.visibility = same ? "hidden" : "";
      undo.title = `Back to ${told(control.said)}`;
      box.classList.toggle("ztfnb-slider-set", !same);
    };
    if (said.kind === "bool") {
      const check = make("input", { type: "checkbox", id });
      check.addEventListener("change", () => {
        dress(check.checked);
        tell(said.name, check.checked, true);
      });
      control.show = (value) => { check.checked = value; dress(value); };
      box.append(label, make("span", { class: "ztfnb-slider-body" }, check), undo);
    } else if (said.kind === "choice") {
      const select = make("select", { id });
      said.choices.forEach((text, at) => select.append(make("option", { value: at, text })));
      select.addEventListener("change", () => {
        dress(Number(select.value));
        tell(said.name, Number(select.value), true);
      });
      control.show = (value) => { select.value = String(value); dress(value); };
      box.append(label, make("span", { class: "ztfnb-slider-body" }, select), undo);
    } else if (said.kind === "text") {
      const entry = make("input", { type: "text", id, spellcheck: "false" });
      entry.addEventListener("change", () => {
        dress(entry.value);
        tell(said.name, entry.value, true);
      });
      control.show = (value) => { entry.value = value; dress(value); };
      box.append(label, make("span", { class: "ztfnb-slider-body" }, entry), undo);
    } else {
      number(control, id, label, undo, dress);
    }
    return control;
  }

  function number(control, id, label, undo, dress) {
    const { name } = control.said;
    const range = make("input", { type: "range", id });
    const entry = make("input", {
      type: "text", inputmode: "decimal", class: "ztfnb-slider-number", spellcheck: "false",
      "aria-label": `${name}, typed`,
    });
    let held = false; // by the pointer
    let shown = 0;
    range.addEventListener("pointerdown", () => { held = true; });
    range.addEventListener("pointercancel", () => { held = false; });
    const read = () => Number(Number(range.value).toPrecision(10));
    const paint = (value) => { entry.value = shortly(value); dress(value); fill(); };
    const fill = () => {
      const share = (range.value - range.min) / (range.max - range.min || 1);
      range.style.setProperty("--ztfnb-filled", `${(100 * share).toFixed(2)}%`);
    };
    range.addEventListener("input", () => {
      shown = read();
      paint(shown);
      tell(name, shown, !held, true);
    });
    range.addEventListener("change", () => {
      // Keys change it at each press: those wait for the last.
      tell(name, read(), true, !held);
      held = false;
    });
    entry.addEventListener("change", () => {
      const value = Number(entry.value.trim().replace("−", "-"));
      if (!entry.value.trim() || !Number.isFinite(value)) {
        entry.setAttribute("aria-invalid", "true");
        paintTrouble(`${name}: expected a number, got ${entry.value.slice(0, 40) || "nothing"}`);
        return;
      }
      tell(name, value, true);
    });
    control.show = (value) => {
      const { low, high, step } = control.said;
      entry.removeAttribute("aria-invalid");
      Object.assign(range, { min: low, max: high, step });
      range.title = `${shortly(low)} to ${shortly(high)}`;
      if (!held) {
        range.value = value;
        shown = value;
        paint(value);
      }
    };
    control.box.append(label, make("span", { class: "ztfnb-slider-body" }, range, entry), undo);
  }

  const told = ({ kind, choices, default: value }) => {
    if (kind === "choice") return choices[value];
    return typeof value === "number" ? shortly(value) : String(value);
  };

  // -- What the kernel says ---------------------------------------------------------------------
  function takeControls() {
    const said = model.get("_controls");
    const same = said.length === controls.size && said.every((one) => {
      const known = controls.get(one.name)?.said;
      return known && known.kind === one.kind && String(known.choices) === String(one.choices);
    });
    if (same) {
      for (const one of said) controls.get(one.name).said = one;
    } else {
      controls = new Map(said.map((one) => [one.name, newControl(one)]));
      list.replaceChildren(...[...controls.values()].map((control) => control.box));
    }
    list.hidden = !controls.size;
    takeState();
  }
  function paintTrouble(text) {
    trouble.textContent = text;
    trouble.hidden = !text;
  }
  function takeState() {
    const state = model.get("_state");
    // What was moved since is not moved back.
    if (state.by === me && state.serial < serial) return;
    for (const [name, value] of Object.entries(state.values ?? {})) controls.get(name)?.show(value);
    if (state.trouble) {
      controls.get(state.of)?.box.querySelector("input")?.setAttribute("aria-invalid", "true");
    }
    paintTrouble(state.trouble ?? "");
    code.textContent = state.code ?? "";
    copy.follow(state.code ?? "");
  }
  const undo = [follow(model, "_controls", takeControls), follow(model, "_state", takeState)];
  keepKeys(el);
  return () => {
    flush();
    for (const end of undo) end();
  };
}

export default { render };
