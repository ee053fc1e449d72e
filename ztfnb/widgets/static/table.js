// The table of alerts: what is typed, clicked and pressed on it, and what the kernel answers.

const POINTER_RESTS = 3000; // [ms] after which a pointer over the rows no longer holds them

function render({ model, el }) {
  let state = {
    total: 0, held: 0, fresh: 0, following: true, selected: "", place: null, sort: "",
    group: false, objects: null, working: false, cuts: null,
  };
  let anchor = null; // where a range of marks begins
  let wanted = null; // place to select as soon as its row is here
  let unsaid = null; // the state before a list that is still being made
  const send = (message) => model.send(message);
  const turns = turnTaking();
  const sendTurn = (message) => send({ ...message, turn: turns.next() });
  const choose = (settings) => send({ kind: "choose", settings });

  // -- The parts ------------------------------------------------------------------------------
  el.classList.add("ztfnb-table");
  el.dataset.lmSuppressShortcuts = "true"; // j and k move here, not between cells
  const focusGrid = () => grid.focus({ preventScroll: true });
  const bar = cutBar({ model, send, done: focusGrid });
  const columnsButton = make("button", {
    type: "button", class: "ztfnb-control ztfnb-columns", text: "Columns",
    "aria-haspopup": "dialog", "aria-expanded": "false", title: "Choose what stands in the columns",
  });
  const groupButton = make("button", {
    type: "button", class: "ztfnb-control ztfnb-group", text: "By object", "aria-pressed": "false",
    title: "One row for each object, with its newest alert",
  });
  const followButton = make("button", { type: "button", class: "ztfnb-control ztfnb-follow" });
  bar.row.classList.add("ztfnb-bar");
  bar.row.append(make("span", { class: "ztfnb-controls" },
    columnsButton, groupButton, followButton));

  const head = make("div", { class: "ztfnb-head", role: "row", "aria-rowindex": "1" });
  const layer = make("div", { class: "ztfnb-rows", role: "presentation" });
  const space = make("div", { class: "ztfnb-space", role: "presentation" }, layer);
  const grid = make("div", {
    class: "ztfnb-grid", role: "grid", tabindex: "0", "aria-label": "Alerts",
    "aria-multiselectable": "false",
  }, head, space);
  const empty = make("div", { class: "ztfnb-empty", hidden: true });
  const menu = columnMenu({
    send,
    choose: (columns) => choose({ columns }),
    reset: () => send({ kind: "default columns" }),
    closed(back) {
      columnsButton.setAttribute("aria-expanded", "false");
      if (back) columnsButton.focus();
    },
  });
  const help = keyHelp({ closed: focusGrid });
  const body = make("div", { class: "ztfnb-body" }, grid, empty, menu.element, help.element);
  const count = make("span", { class: "ztfnb-count" });
  const working = make("span", { class: "ztfnb-working", text: "sorting…", hidden: true });
  const marked = make("span", { class: "ztfnb-marks", hidden: true });
  const unmark = make("button", {
    type: "button", class: "ztfnb-plain", text: "clear", "aria-label": "Take all marks away",
  });
  const keys = make("button", {
    type: "button", class: "ztfnb-plain ztfnb-keys", text: "? keys", title: "What the keys do",
  });
  const foot = make("div", { class: "ztfnb-foot" },
    make("span", {}, count, working), make("span", {}, marked, unmark), keys);
  const spoken = make("div", { class: "ztfnb-spoken", role: "status" });
  el.append(bar.row, bar.notes, body, foot, spoken);

  const rows = rowView({
    grid, space, layer, ask: ({ start, stop }) => send({ kind: "window", start, stop }),
  });
  const headers = headerRow({
    head, grid, send, choose, fitting: (place) => rows.widest(place), leave: focusGrid,
  });

  // -- What the kernel says ---------------------------------------------------------------------
  const plural = (n, what = "alert") => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
  function shape() {
    const columns = model.get("_columns");
    if (headers.columns(columns, state.group)) rows.shape(columns, state.group);
    menu.show(columns.map((column) => column.name));
    grid.setAttribute("aria-colcount", columns.length + (state.group ? 2 : 1));
    grid.setAttribute("role", state.group ? "treegrid" : "grid");
  }
  function onMessage(message) {
    if (message.kind === "rows") {
      rows.keep(message);
      rows.paint();
      if (wanted !== null) move(wanted);
    } else if (message.kind === "tick") {
      const before = state;
      const { kind, start, candids, cells, sizes, top, reveal, ...rest } = message;
      const { selected, place, following } = before;
      state = turns.isOutdated(message.turn) ? { ...rest, selected, place, following } : rest;
      if (before.group !== state.group) shape();
      rows.show({ ...message, selected: state.selected, following: state.following });
      if (reveal && state.place !== null) rows.reveal(state.place);
      chrome();
      announce(before);
      news.answered();
    } else if (message.kind === "marks") {
      rows.mark(message.candids);
      chrome();
    } else if (message.kind === "histograms") headers.histograms(message.of);
    else if (message.kind === "menu") menu.fill(message.columns);
    else if (message.kind === "source") bar.source(message);
  }
  function set(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
  function summary() {
    if (state.objects !== null) {
      return `${plural(state.objects, "object")} among ${plural(state.held)}`;
    }
    return state.total === state.held - state.fresh
      ? plural(state.total) : `${state.total.toLocaleString("en")} of ${plural(state.held)}`;
  }
  function chrome() {
    write(count, summary());
    const paused = !state.following;
    const fresh = paused && state.fresh ? `: ${state.fresh.toLocaleString("en")} new` : "";
    write(followButton, paused ? `Follow${fresh}` : "Following");
    set(followButton, "aria-pressed", String(state.following));
    followButton.classList.toggle("ztfnb-fresh", Boolean(fresh));
    followButton.title = paused
      ? "Let new alerts come in on top" : "New alerts come in on top; click to stand still";
    set(groupButton, "aria-pressed", String(state.group));
    working.hidden = !state.working;
    grid.setAttribute("aria-busy", String(state.working));
    marked.hidden = unmark.hidden = !rows.marked;
    write(marked, `${rows.marked.toLocaleString("en")} marked`);
    set(grid, "aria-rowcount", String(state.total + 1));
    empty.hidden = state.total > 0 || state.working;
    write(empty, state.held ? "No alert fulfils this." : "Waiting for the first alert…");
    if (state.cuts) {
      bar.show(state.cuts);
      headers.ranges(state.cuts.ranges);
    }
    if (headers.sort !== state.sort) headers.show(state.sort);
    el.dataset.total = state.total;
  }
  /** Tell people who cannot see it what came of something they did; not what streams in. */
  function announce(last) {
    if (last.cuts === null) return;
    unsaid ??= last;
    if (state.working) return;
    const before = unsaid;
    unsaid = null;
    const said = [];
    const chips = ({ cuts }) => JSON.stringify([cuts.search, cuts.chips.map(({ text }) => text)]);
    if (chips(before) !== chips(state)) said.push(summary());
    if (before.sort !== state.sort) {
      const name = state.sort.replace(/^-/, "");
      said.push(!name ? "In order of arrival" : `Sorted by ${name === "@size" ? "alerts" : name}, ${
        state.sort.startsWith("-") ? "largest" : "smallest"} first`);
    }
    if (before.group !== state.group) said.push(summary());
    if (before.following !== state.following) {
      said.push(state.following ? "New alerts come in on top" : "The list stands still");
    }
    if (said.length) spoken.textContent = said.join(". ");
  }
  shape();
  const news = listen(model, () => ({ version: rows.version, ...rows.span() }));
  model.on("msg:custom", onMessage);
  model.on("change:_columns", shape);

  // -- Selecting, marking, moving -----------------------------------------------------------------
  function select(candid, place) {
    wanted = null;
    if (!candid) return;
    if (candid === state.selected) {
      standStill(); // the browser may have chosen it; now somebody did
      return;
    }
    state = { ...state, selected: candid, place, following: false };
    rows.show(state);
    chrome();
    sendTurn({ kind: "select", candid });
  }
  function mark(candid, place) {
    if (!candid) return;
    anchor = place;
    send({ kind: "mark", candids: [candid], on: !rows.isMarked(candid) });
  }
  const last = () => state.total - 1;
  const here = () => wanted ?? state.place ?? Math.floor(rows.top) - 1;
  function move(to) {
    if (!state.total) return;
    const place = Math.min(Math.max(to, 0), last());
    rows.reveal(place);
    const held = rows.at(place);
    wanted = held ? null : place;
    if (held) select(held.candid, place);
  }
  function unfold(place, on) {
    const held = rows.at(place);
    if (!held) return;
    if (held.size > 1 && rows.isOpen(place) !== on) {
      send({ kind: "unfold", candid: held.candid, on });
    } else if (held.size === 0 && !on) {
      let top = place;
      while (top > 0 && rows.at(top)?.size === 0) top -= 1;
      move(top);
    }
  }
  function standStill() {
    if (!state.following) return;
    state = { ...state, following: false };
    chrome();
    sendTurn({ kind: "follow", on: false });
  }
  rows.onScroll = standStill;
  layer.addEventListener("pointerdown", (event) => {
    const row = event.target.closest(".ztfnb-row");
    if (!row?.dataset.candid || event.button !== 0) return;
    const { dataset: { candid }, index } = row;
    if (event.shiftKey) {
      event.preventDefault(); // It would select text.
      send({ kind: "mark range", from: anchor ?? state.place ?? index, to: index });
      standStill();
    } else if (event.target.closest(".ztfnb-tick") || event.ctrlKey || event.metaKey) {
      mark(candid, index);
      standStill();
    } else if (event.target.closest(".ztfnb-size") && rows.at(index)?.size > 1) {
      unfold(index, !rows.isOpen(index));
    } else {
      anchor = index;
      select(candid, index);
    }
  });
  let holding = false;
  let rest = 0;
  const hold = (on) => {
    if (on !== holding) send({ kind: "hold", on });
    holding = on;
  };
  layer.addEventListener("pointermove", () => {
    clearTimeout(rest);
    rest = setTimeout(hold, POINTER_RESTS, false);
    hold(true);
  });
  layer.addEventListener("pointerleave", () => { clearTimeout(rest); hold(false); });

  // -- Controls and keys --------------------------------------------------------------------------
  followButton.addEventListener("click", () => {
    const on = !state.following;
    state = { ...state, following: on };
    chrome();
    sendTurn({ kind: "follow", on });
  });
  groupButton.addEventListener("click", () => choose({ group: !state.group }));
  columnsButton.addEventListener("click", () => {
    menu.toggle();
    columnsButton.setAttribute("aria-expanded", String(menu.open));
  });
  unmark.addEventListener("click", () => { send({ kind: "clear marks" }); focusGrid(); });
  keys.addEventListener("click", help.open);
  const actions = {
    "/": () => bar.focusSearch(),
    "?": () => help.open(),
    " ": () => mark(state.selected, state.place),
    ArrowRight: () => unfold(state.place, true),
    ArrowLeft: () => unfold(state.place, false),
  };
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== grid) return;
    const page = Math.max(1, Math.floor(rows.inView()) - 1);
    const steps = {
      ArrowDown: here() + 1, j: here() + 1, ArrowUp: here() - 1, k: here() - 1,
      PageDown: here() + page, PageUp: here() - page, Home: 0, End: last(),
      Enter: state.place ?? Math.floor(rows.top),
    };
    if (event.key in steps) move(steps[event.key]);
    else if (event.key in actions) actions[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  passKeysOn(model, grid);
  keepKeys(el);
  chrome();
  return () => {
    news.stop();
    rows.stop();
    headers.stop();
    menu.stop();
    bar.stop();
    clearTimeout(rest);
    model.off("msg:custom", onMessage);
    model.off("change:_columns", shape);
  };
}

export default { render };
