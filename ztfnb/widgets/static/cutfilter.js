// The cuts that are set, written as a filter: a button beside them, and the panel that it opens.

const NAMING = 150; // [ms] without a key, after which the source is asked for by its new name

/** `send` takes messages for the kernel; `done` is called when the panel leaves a person nowhere. */
function cutFilter({ model, send, done }) {
  const prefix = Math.random().toString(36).slice(2);
  let sent = 0;
  let timer = 0;
  let cuts = ""; // those that the source is of
  const button = make("button", {
    type: "button", class: "ztfnb-cut-to-filter", text: "As a filter",
    title: "Show the cuts as the source of a filter function, to copy or to put in a cell",
    "aria-expanded": "false", "aria-controls": `ztfnb-filter-${prefix}`, disabled: true,
  });
  const name = make("input", {
    type: "text", value: "my_filter", maxlength: "80", spellcheck: "false", autocomplete: "off",
    autocapitalize: "off", "aria-label": "Name of the filter",
    "aria-describedby": `ztfnb-filter-name-${prefix}`,
  });
  const nameProblem = make("div", {
    class: "ztfnb-cut-problem", role: "status", id: `ztfnb-filter-name-${prefix}`,
  });
  const problem = make("div", { class: "ztfnb-cut-problem", role: "status" });
  const close = make("button", {
    type: "button", class: "ztfnb-cut-close", text: "×", title: "Close (Escape)",
    "aria-label": "Close",
  });
  const source = sourceBox(model);
  const panel = make("div", {
    class: "ztfnb-cut-filter", id: `ztfnb-filter-${prefix}`, role: "group",
    "aria-label": "The cuts as a filter", hidden: true,
  },
  make("div", { class: "ztfnb-cut-filter-line" },
    make("label", {}, make("span", { class: "ztfnb-label", text: "name" }), name),
    ...source.controls, close),
  nameProblem, problem, source.code);

  function ask() {
    clearTimeout(timer);
    sent += 1;
    send({ kind: "source", id: `${prefix}-${sent}`, name: name.value.trim() });
  }
  function open(on) {
    clearTimeout(timer);
    panel.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    if (!on) return;
    source.show("");
    ask();
    name.focus();
    name.select();
  }
  function leave() {
    open(false);
    button.focus();
  }
  button.addEventListener("click", () => open(panel.hidden));
  close.addEventListener("click", leave);
  name.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, NAMING);
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && event.target === name) ask();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    button,
    panel,
    /** Take note of what is cut and searched for: an open panel shows its source. */
    follow({ chips, search }) {
      const now = JSON.stringify([search, chips.map(({ text }) => text)]);
      button.disabled = !chips.length;
      if (button.disabled && !panel.hidden) {
        const held = panel.contains(document.activeElement);
        open(false);
        if (held) done();
      } else if (now !== cuts && !panel.hidden) ask();
      cuts = now;
    },
    /** Show what the kernel answers, unless more has been asked since. */
    answer(made) {
      if (made.id !== `${prefix}-${sent}`) return;
      nameProblem.textContent = made.name;
      name.setAttribute("aria-invalid", String(Boolean(made.name)));
      problem.textContent = made.problem;
      // While a name is being typed the last source stays, greyed, so that nothing jumps.
      source.show(made.source, made.name ? source.code.textContent : "");
    },
    stop() { clearTimeout(timer); },
  };
}
