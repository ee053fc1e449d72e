const count = (n) => n.toLocaleString("en");
const times = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

function render({ model, el }) {
  el.classList.add("ztfnb-funnel");
  el.dataset.lmSuppressShortcuts = "true";
  const scale = choice("Length of the bars", [
    ["linear", "linear", "A bar is as long as its share of all alerts"],
    ["log", "log", "Few alerts stay visible beside many"],
  ], (value) => model.send({ kind: "setting", value }));
  const title = make("span", { class: "ztfnb-funnel-title", text: "condition, as in the source" });
  const heads = [
    ["came", "Alerts that reached the condition"],
    ["stopped", "Alerts that it stopped"],
    ["only here", "Alerts that would pass, had it alone come out otherwise"],
    ["not judged", "Alerts of which a value was missing there"],
  ].map(([text, meaning]) => make("span", { class: "ztfnb-funnel-number", text, title: meaning }));
  const head = make("div", { class: "ztfnb-funnel-head", "aria-hidden": "true" }, title, ...heads);
  const list = make("div", { class: "ztfnb-funnel-list", role: "listbox", "aria-label": "Funnel" });
  const note = make("div", { class: "ztfnb-funnel-note" });
  const key = make("div", { class: "ztfnb-funnel-key", "aria-hidden": "true" },
    ...[["on", "goes on"], ["stopped", "stopped"], ["passed", "passed"], ["failed", "failed"]].map(
      ([kind, text]) => make("span", {}, make("i", { "data-kind": kind }), text)), scale);
  el.append(head, list, note, key);
  const rows = []; // kept, and told what to show

  function newRow() {
    const line = make("span", { class: "ztfnb-funnel-line" });
    const text = make("span", { class: "ztfnb-funnel-text" });
    const cells = heads.map(() => make("span", { class: "ztfnb-funnel-number" }));
    const on = make("i", { "data-kind": "on" });
    const stopped = make("i", { "data-kind": "stopped" });
    const box = make("div", { class: "ztfnb-funnel-row", role: "option", tabindex: "-1" },
      line, text, ...cells, make("span", { class: "ztfnb-funnel-bar" }, on, stopped));
    list.append(box);
    const row = { box, line, text, cells, on, stopped };
    rows.push(row);
    return row;
  }
  const words = (one, total) => {
    if (one.end) return `${times(one.entered, "alert", "alerts")} of ${count(total)} ${one.end}`;
    const where = one.line ? `line ${one.line}${one.loop ? ", a loop told by its outcome" : ""}: ` : "";
    const only = one.only == null ? "" : `, ${count(one.only)} of which nothing else stops`;
    const unjudged = one.unjudged ? `; ${count(one.unjudged)} could not be judged` : "";
    const stop = one.stop && one.stopped ? `. It stops where: ${one.stop}` : "";
    return `${where}${times(one.entered, "alert came", "alerts came")}, ${times(one.stopped, "was", "were")}`
      + ` stopped${only}${unjudged}${stop}`;
  };
  function write(row, one, total, size) {
    const { box } = row;
    box.hidden = false;
    box.dataset.name = one.name;
    box.dataset.end = one.end ?? "";
    box.title = `${one.text}\n${words(one, total)}`;
    box.setAttribute("aria-label", `${one.text}: ${words(one, total)}`);
    row.line.textContent = one.line || "";
    row.text.textContent = one.text;
    const numbers = one.end ? [one.entered, "", "", ""]
      : [one.entered, one.stopped, one.only, one.unjudged];
    row.cells.forEach((cell, at) => {
      const n = one.end ? numbers[at] : numbers[at] ?? "–";
      cell.textContent = typeof n === "number" ? count(n) : n;
      cell.classList.toggle("ztfnb-funnel-nil", !n);
    });
    const left = size(one.entered - one.stopped);
    row.on.style.width = `${100 * left}%`;
    row.stopped.style.width = `${100 * (size(one.entered) - left)}%`;
    row.stopped.classList.toggle("ztfnb-funnel-some", one.stopped > 0);
  }
  function show() {
    const funnel = model.get("_funnel");
    const chosen = model.get("_chosen");
    scale.press(chosen.scale);
    const { total } = funnel;
    const size = chosen.scale === "log"
      ? (n) => Math.log1p(n) / Math.log1p(Math.max(total, 1)) : (n) => n / Math.max(total, 1);
    const all = [...funnel.rows];
    if (total) {
      all.push({ name: "passed", end: "passed", text: "passed", entered: funnel.passed, stopped: 0 });
      if (funnel.failed) {
        all.push({ name: "failed", end: "failed", text: "failed", entered: funnel.failed, stopped: 0 });
      }
    }
    while (rows.length < all.length) newRow();
    rows.forEach((row, at) => {
      if (at < all.length) write(row, all[at], total, size);
      else row.box.hidden = true;
    });
    head.hidden = !all.length;
    key.hidden = !all.length;
    note.textContent = funnel.note;
    note.hidden = !funnel.note;
    mark(chosen.selected);
  }
  function mark(name) {
    const shownRows = rows.filter(({ box }) => !box.hidden);
    const at = Math.max(0, shownRows.findIndex(({ box }) => box.dataset.name === name));
    shownRows.forEach(({ box }, place) => {
      box.setAttribute("aria-selected", String(Boolean(name) && box.dataset.name === name));
      box.tabIndex = place === at ? 0 : -1;
    });
  }
  function select(row) {
    if (!row || row.box.hidden) return;
    mark(row.box.dataset.name);
    row.box.focus();
    model.send({ kind: "select", name: row.box.dataset.name });
  }
  list.addEventListener("click", (event) => {
    const box = event.target.closest(".ztfnb-funnel-row");
    if (box) select(rows.find((row) => row.box === box));
  });
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const shownRows = rows.filter(({ box }) => !box.hidden);
    const at = shownRows.findIndex(({ box }) => box === document.activeElement);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: shownRows.length - 1,
      Enter: at, " ": at }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    select(shownRows[to]);
  });
  const undo = [follow(model, "_funnel", show), follow(model, "_chosen", show)];
  keepKeys(el);
  return () => undo.forEach((end) => end());
}

export default { render };
