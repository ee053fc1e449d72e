const KINDS = [["passed", "passed"], ["rejected", "rejected"], ["failed", "failed"]];
const shown = (n) => n.toLocaleString("en");
const share = (n, all) => {
  if (!all) return "";
  const percent = (100 * n) / all;
  if (n && percent < 0.01) return "<0.01%";
  return `${percent >= 10 || !n ? percent.toFixed(0) : percent.toPrecision(2)}%`;
};

function render({ model, el }) {
  el.classList.add("ztfnb-labhead");
  el.dataset.lmSuppressShortcuts = "true";
  const name = make("strong", { class: "ztfnb-labhead-name" });
  const counts = make("span", { class: "ztfnb-labhead-counts" });
  const buttons = new Map();
  const countOf = (kind, label) => {
    const value = make("span", { class: "ztfnb-value" });
    const part = make("span", { class: "ztfnb-labhead-share" });
    const button = make("button", { type: "button", "data-kind": kind },
      make("span", { class: "ztfnb-labhead-dot", "aria-hidden": "true" }), value,
      make("span", { text: ` ${label} ` }), part);
    button.addEventListener("click", () => model.send({ kind: "list", name: kind }));
    buttons.set(kind, { button, value, part });
    return button;
  };
  const change = (kind, sign) => {
    const button = make("button", { type: "button", "data-kind": kind });
    button.addEventListener("click", () => model.send({ kind: "list", name: kind }));
    button.say = (n) => {
      button.hidden = n == null;
      button.textContent = `${sign}${shown(n ?? 0)}`;
      button.disabled = !n;
      button.title = `${shown(n ?? 0)} ${kind} since the evaluation before`;
      button.setAttribute("aria-label", button.title);
    };
    return button;
  };
  const gained = change("gained", "+");
  const lost = change("lost", "−");
  counts.append(countOf(...KINDS[0]), gained, lost, countOf(...KINDS[1]), countOf(...KINDS[2]));
  const of = make("span", { class: "ztfnb-labhead-of" });
  const times = make("span", { class: "ztfnb-labhead-times", title: "Time of the filter for one alert" });
  const busy = make("span", { class: "ztfnb-labhead-busy", role: "status" });
  const bar = make("div", { class: "ztfnb-labhead-bar", "aria-hidden": "true" },
    ...KINDS.map(([kind]) => make("span", { "data-kind": kind })));
  const fresh = make("span", { class: "ztfnb-labhead-fresh" });
  const again = make("button", { type: "button", class: "ztfnb-labhead-again", text: "Evaluate again" });
  const auto = make("input", { type: "checkbox" });
  const live = make("span", { class: "ztfnb-labhead-live" }, fresh, again,
    make("label", { title: "Every few seconds, while the filter is quick" }, auto, " by itself"));
  const trouble = make("div", { class: "ztfnb-labhead-trouble", role: "alert" });
  el.append(
    make("div", { class: "ztfnb-labhead-line" }, name, counts, of, times, busy, live), bar, trouble);
  again.addEventListener("click", () => model.send({ kind: "again" }));
  const autos = turnTaking();
  auto.addEventListener("change", () => {
    model.send({ kind: "auto", on: auto.checked, turn: autos.next() });
  });

  function show() {
    const told = model.get("_told");
    name.textContent = told.name;
    for (const [kind] of KINDS) {
      const { button, value, part } = buttons.get(kind);
      value.textContent = shown(told[kind]);
      part.textContent = share(told[kind], told.total);
      button.classList.toggle("ztfnb-labhead-none", !told[kind]);
      bar.querySelector(`[data-kind=${kind}]`).style.flexGrow = told[kind];
    }
    bar.classList.toggle("ztfnb-labhead-empty", !told.total);
    gained.say(told.gained);
    lost.say(told.lost);
    const bad = told.not_read ? `, ${shown(told.not_read)} packets not readable` : "";
    const all = `${shown(told.total)} alerts`;
    of.textContent = `of ${all}${told.sample && told.sample !== all ? ` (${told.sample})` : ""}${bad}`;
    times.textContent = told.times;
    busy.textContent = told.busy ? "evaluating…" : "";
    el.setAttribute("aria-busy", String(told.busy));
    trouble.textContent = told.trouble;
    trouble.hidden = !told.trouble;
    live.hidden = !told.live;
    if (!autos.isOutdated(told.turn)) auto.checked = told.auto;
    again.disabled = told.busy;
  }
  const news = listen(model);
  function showFresh() {
    const n = model.get("_fresh");
    fresh.textContent = `${shown(n)} new ${n === 1 ? "alert" : "alerts"} since`;
    news.answered();
  }
  const undo = [follow(model, "_told", show), follow(model, "_fresh", showFresh), () => news.stop()];
  keepKeys(el);
  return () => undo.forEach((end) => end());
}

export default { render };
