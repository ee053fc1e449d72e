function render({ model, el }) {
  el.classList.add("ztfnb-labtable");
  el.dataset.lmSuppressShortcuts = "true";
  const note = make("div", { class: "ztfnb-labtable-note" });
  const head = make("tr");
  const body = make("tbody");
  const table = make("table", { "aria-label": model.get("_label") }, make("thead", {}, head), body);
  const left = make("div", { class: "ztfnb-labtable-note" });
  const after = make("div", { class: "ztfnb-labtable-after" });
  const text = make("pre", { class: "ztfnb-labtable-text", tabindex: "0" });
  el.append(note, make("div", { class: "ztfnb-labtable-frame" }, table), left, after, text);

  function rowOf([key, cells, mark, action], shown) {
    const row = make("tr", { "data-key": key, "data-mark": mark || null });
    cells.forEach((cell, at) => row.append(make("td", {
      text: cell, class: shown.numbers.includes(at) ? "ztfnb-labtable-number" : null,
    })));
    if (action) {
      const button = make("button", { type: "button", text: action, "aria-label": `${action} ${key}` });
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        model.send({ kind: "act", key });
      });
      row.append(make("td", {}, button));
    }
    if (key) {
      row.tabIndex = 0;
      row.setAttribute("aria-selected", String(key === shown.chosen));
    }
    return row;
  }
  function show() {
    const shown = model.get("_shown");
    const focused = body.contains(document.activeElement)
      ? document.activeElement.closest("tr").dataset.key : "";
    note.textContent = shown.note;
    note.hidden = !shown.note;
    const blank = shown.rows.some(([, , , action]) => action) ? [""] : [];
    head.replaceChildren(...[...shown.columns, ...blank].map((title, at) => make("th", {
      scope: "col", text: title,
      class: shown.numbers.includes(at) ? "ztfnb-labtable-number" : null,
    })));
    body.replaceChildren(...shown.rows.map((row) => rowOf(row, shown)));
    if (focused) [...body.children].find((row) => row.dataset.key === focused)?.focus();
    table.hidden = !shown.rows.length;
    left.textContent = shown.left;
    left.hidden = !shown.left;
    after.hidden = !shown.after && !shown.links.length;
    after.replaceChildren(make("span", { text: shown.after }), ...shown.links.map(([name, title]) => {
      const button = make("button", { type: "button", text: title });
      button.addEventListener("click", () => model.send({ kind: "link", key: name }));
      return button;
    }));
    text.hidden = !shown.text;
    text.replaceChildren(...(shown.text ? shown.text.split("\n") : []).map((line) => {
      const kind = /^(\+\+\+|---|@@)/.test(line) ? "at" : { "+": "plus", "-": "minus" }[line[0]];
      return make("span", { text: `${line}\n`, "data-kind": kind });
    }));
  }
  function choose(row) {
    if (row?.dataset.key) model.send({ kind: "choose", key: row.dataset.key });
  }
  body.addEventListener("click", (event) => choose(event.target.closest("tr")));
  body.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
    const row = event.target.closest("tr");
    const to = { ArrowUp: row?.previousElementSibling, ArrowDown: row?.nextElementSibling };
    if (event.key === "Enter" || event.key === " ") choose(row);
    else if (event.key in to) to[event.key]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const undo = follow(model, "_shown", show);
  keepKeys(el);
  return undo;
}

export default { render };
