const ROW = 24; // [px]
const HEAD = 28; // [px]
const PADDING = 14; // [px] both sides of a cell
const TALLEST = 8e6; // [px] browsers cannot scroll what is much taller
const SPARE = 40; // rows fetched above and below those in view
const POINTER_RESTS = 3000; // [ms] after which a pointer over the rows no longer holds them

function render({ model, el }) {
  const columns = model.get("_columns");
  const template = columns.map(({ width }) => `calc(${width}ch + ${PADDING}px)`).join(" ");
  const letters = columns.reduce((sum, { width }) => sum + width, 0);
  let state = { total: 0, held: 0, fresh: 0, following: true, selected: "", version: -1 };
  let cache = new Map();
  let top = 0; // first row in view, with a fraction
  let ours = -1; // scroll position that we set, not the user
  let requested = "";

  // -- The parts ------------------------------------------------------------------------------
  el.classList.add("ztfnb-table");
  el.dataset.lmSuppressShortcuts = "true"; // j and k move here, not between cells
  const search = make("input", {
    type: "search", class: "ztfnb-search", placeholder: "objectId", spellcheck: "false",
    "aria-label": "Search: beginning of an objectId, or a candid",
    title: "Beginning of an objectId, or a candid ( / )",
  });
  const cut = make("input", {
    type: "search", class: "ztfnb-cut", placeholder: "cut: rb > 0.65 and magpsf < 19",
    spellcheck: "false", "aria-label": "Cut: an expression over fields of the alert",
    title: "An expression over fields, such as: rb > 0.65 and magpsf < 19",
  });
  const followButton = make("button", { type: "button", class: "ztfnb-follow" });
  const count = make("span", { class: "ztfnb-count", role: "status" });
  const error = make("div", { class: "ztfnb-error", role: "alert", hidden: true });
  const bar = make("div", { class: "ztfnb-bar" }, search, cut, followButton);

  const head = make("div", { class: "ztfnb-head", role: "row", "aria-rowindex": "1" });
  const layer = make("div", { class: "ztfnb-rows", role: "presentation" });
  const space = make("div", { class: "ztfnb-space", role: "presentation" }, layer);
  const grid = make("div", {
    class: "ztfnb-grid", role: "grid", tabindex: "0", "aria-label": "Alerts",
    "aria-colcount": columns.length, "aria-multiselectable": "false",
  }, head, space);
  grid.style.setProperty("--ztfnb-columns", template);
  grid.style.setProperty("--ztfnb-width", `calc(${letters}ch + ${columns.length * PADDING}px)`);
  const empty = make("div", { class: "ztfnb-empty" });
  const body = make("div", { class: "ztfnb-body" }, grid, empty);
  const keys = make("span", { class: "ztfnb-keys", text: "↑ ↓ or j k: browse   /: search" });
  const foot = make("div", { class: "ztfnb-foot" }, count, keys);
  el.append(bar, error, body, foot);

  const headers = columns.map((column, place) => {
    const button = make("button", { type: "button", tabindex: "-1", text: column.label });
    const header = make("div", {
      role: "columnheader", title: column.title, "aria-colindex": place + 1,
      class: column.text ? "ztfnb-text" : "ztfnb-number",
    }, button);
    button.addEventListener("click", () => {
      // Largest first, smallest first, then as they arrived.
      const same = state.sort === column.field;
      const field = same && !state.descending ? "" : column.field;
      model.send({ kind: "sort", field, descending: !same || field === "" });
      grid.focus({ preventScroll: true });
    });
    head.append(header);
    return header;
  });

  // -- Rows -----------------------------------------------------------------------------------
  const pool = [];
  const newRow = () => {
    const cells = columns.map((column, place) =>
      make("div", {
        role: "gridcell", "aria-colindex": place + 1,
        class: column.text ? "ztfnb-text" : "ztfnb-number",
      }));
    const row = make("div", { class: "ztfnb-row", role: "row" }, ...cells);
    row.cells = cells.map((cell) => cell.appendChild(document.createTextNode("")));
    layer.append(row);
    return row;
  };
  const viewHeight = () => Math.max(grid.clientHeight - HEAD, ROW);
  const inView = () => viewHeight() / ROW;
  const highest = () => Math.max(0, state.total - inView());
  const height = () => Math.min(state.total * ROW, TALLEST);
  const scaled = () => state.total * ROW > TALLEST;

  function scrollTo(row) {
    top = Math.min(Math.max(row, 0), highest());
    const range = height() - viewHeight();
    const share = highest() > 0 ? top / highest() : 0;
    ours = Math.round(scaled() ? share * range : top * ROW);
    grid.scrollTop = ours;
    paint();
  }

  function paint() {
    space.style.height = `${Math.max(height(), viewHeight())}px`;
    layer.style.height = `${viewHeight()}px`;
    const first = Math.floor(top);
    const needed = Math.min(Math.ceil(inView()) + 1, Math.max(0, state.total - first));
    while (pool.length < needed) pool.push(newRow());
    let missing = false;
    let current = "";
    pool.forEach((row, place) => {
      row.hidden = place >= needed;
      if (row.hidden) {
        row.removeAttribute("aria-selected");
        row.dataset.candid = "";
        return;
      }
      const index = first + place;
      const held = cache.get(index);
      row.style.transform = `translateY(${(index - top) * ROW}px)`;
      row.setAttribute("aria-rowindex", index + 2);
      if (!held) {
        missing = true;
        if (row.index !== index) row.cells.forEach((node) => { node.data = ""; });
        row.index = index;
        row.dataset.candid = "";
        row.removeAttribute("aria-selected");
        return;
      }
      row.index = index;
      row.dataset.candid = held.candid;
      row.classList.toggle("ztfnb-left", !held.candid);
      const selected = held.candid !== "" && held.candid === state.selected;
      row.setAttribute("aria-selected", String(selected));
      row.id = held.candid ? `${prefix}-${held.candid}` : "";
      if (selected) current = row.id;
      row.cells.forEach((node, column) => {
        const text = held.candid ? held.cells[column] : column === 1 ? "no longer held" : "";
        if (node.data !== text) node.data = text;
      });
    });
    if (current) grid.setAttribute("aria-activedescendant", current);
    else grid.removeAttribute("aria-activedescendant");
    if (missing) request();
  }
  const prefix = `ztfnb-${Math.random().toString(36).slice(2)}`;

  const span = () => ({
    start: Math.max(0, Math.floor(top) - SPARE),
    stop: Math.ceil(top + inView()) + SPARE,
  });
  function request() {
    const { start, stop } = span();
    const key = `${state.version}:${start}:${stop}`;
    if (key === requested) return;
    requested = key;
    model.send({ kind: "window", start, stop });
  }
  function keep(message) {
    if (message.version !== state.version) cache = new Map();
    state.version = message.version;
    if (cache.size > 5000) cache = new Map();
    message.candids.forEach((candid, place) => {
      cache.set(message.start + place, {
        candid, cells: message.cells.map((column) => column[place]),
      });
    });
  }

  // -- What the kernel says ---------------------------------------------------------------------
  const plural = (n) => `${n.toLocaleString("en")} alert${n === 1 ? "" : "s"}`;
  function onMessage(message) {
    if (message.kind === "rows") {
      // Of another list than the one on screen: the tick that brings that one is on its way.
      if (message.version === state.version) keep(message);
      paint();
    } else if (message.kind === "tick") {
      const { start, candids, cells, version, kind, ...rest } = message;
      keep(message);
      state = { ...rest, version };
      requested = "";
      chrome();
      if (top > highest()) scrollTo(highest());
      else paint();
      el.dataset.total = state.total;
      news.answered();
    }
  }
  function chrome() {
    const chosen = state.cut || state.search;
    count.textContent = chosen
      ? `${state.total.toLocaleString("en")} of ${plural(state.held)}`
      : plural(state.total);
    const paused = !state.following;
    const fresh = paused && state.fresh ? `: ${state.fresh.toLocaleString("en")} new` : "";
    followButton.textContent = paused ? `Follow${fresh}` : "Following";
    followButton.setAttribute("aria-pressed", String(state.following));
    followButton.classList.toggle("ztfnb-fresh", Boolean(fresh));
    followButton.title = paused
      ? "Let new alerts come in on top" : "New alerts come in on top; click to stand still";
    error.textContent = state.error;
    error.hidden = !state.error;
    cut.setAttribute("aria-invalid", String(Boolean(state.error)));
    grid.setAttribute("aria-rowcount", state.total + 1);
    empty.textContent = state.total ? ""
      : state.held ? "No alert fulfils this." : "Waiting for the first alert…";
    empty.hidden = state.total > 0;
    headers.forEach((header, place) => {
      const sorted = state.sort === columns[place].field;
      header.setAttribute(
        "aria-sort", sorted ? (state.descending ? "descending" : "ascending") : "none");
    });
    if (document.activeElement !== cut && cut.value !== state.cut) cut.value = state.cut;
  }
  const news = listen(model, span);
  model.on("msg:custom", onMessage);

  // -- What people do ---------------------------------------------------------------------------
  function select(candid, place) {
    if (!candid || candid === state.selected) return;
    state.selected = candid;
    state.place = place;
    state.following = false;
    chrome();
    paint();
    model.send({ kind: "select", candid });
  }
  function move(to) {
    if (!state.total) return;
    const place = Math.min(Math.max(to, 0), state.total - 1);
    if (place < top) scrollTo(place);
    else if (place + 1 > top + inView()) scrollTo(place + 1 - inView());
    const held = cache.get(place);
    if (held) select(held.candid, place);
    else model.send({ kind: "window", ...span() });
  }
  grid.addEventListener("scroll", () => {
    if (Math.abs(grid.scrollTop - ours) <= 1) return;
    ours = -1;
    const range = height() - viewHeight();
    top = scaled() && range > 0 ? (grid.scrollTop / range) * highest() : grid.scrollTop / ROW;
    top = Math.min(top, highest());
    if (top >= 1 && state.following) standStill();
    paint();
  });
  grid.addEventListener("wheel", (event) => {
    if (!scaled() || !event.deltaY || event.ctrlKey) return;
    // So tall a list is scrolled by rows: a pixel of its scroll bar stands for many.
    event.preventDefault();
    const step = event.deltaMode === 1 ? event.deltaY : event.deltaY / ROW;
    if (state.following) standStill();
    scrollTo(top + step);
  }, { passive: false });
  function standStill() {
    state.following = false;
    chrome();
    model.send({ kind: "follow", on: false });
  }
  layer.addEventListener("pointerdown", (event) => {
    const row = event.target.closest(".ztfnb-row");
    if (row && event.button === 0) select(row.dataset.candid, row.index);
  });
  let holding = false;
  let rest = 0;
  const hold = (on) => {
    if (on !== holding) model.send({ kind: "hold", on });
    holding = on;
  };
  layer.addEventListener("pointermove", () => {
    clearTimeout(rest);
    rest = setTimeout(hold, POINTER_RESTS, false);
    hold(true);
  });
  layer.addEventListener("pointerleave", () => { clearTimeout(rest); hold(false); });
  followButton.addEventListener("click", () => {
    const on = !state.following;
    state.following = on;
    chrome();
    if (on) scrollTo(0);
    model.send({ kind: "follow", on });
  });
  const choose = () => model.send({ kind: "choose", cut: cut.value, search: search.value });
  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(choose, 200);
  });
  cut.addEventListener("change", choose);
  cut.addEventListener("search", choose);
  for (const input of [search, cut]) {
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") choose();
      if (event.key === "Escape" || event.key === "Enter") grid.focus({ preventScroll: true });
    });
  }
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(inView()) - 1);
    const here = state.place ?? Math.floor(top) - 1;
    const steps = {
      ArrowDown: here + 1, j: here + 1, ArrowUp: here - 1, k: here - 1,
      PageDown: here + page, PageUp: here - page, Home: 0, End: state.total - 1,
      Enter: state.place ?? Math.floor(top),
    };
    if (event.target.closest("button") && event.key === "Enter") return;
    if (event.key in steps) move(steps[event.key]);
    else if (event.key === "/") search.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const resized = new ResizeObserver(() => paint());
  resized.observe(grid);
  chrome();
  return () => {
    news.stop();
    resized.disconnect();
    clearTimeout(rest);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
