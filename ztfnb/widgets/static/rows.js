// The rows of the table that are in view, out of a list of any length; the rest stays in the kernel.

const ROW = 24; // [px]
const HEAD = 50; // [px]
const TALLEST = 8e6; // [px] browsers cannot scroll what is much taller
const SPARE = 40; // rows fetched above and below those in view, while the list stands still
const SPARE_FOLLOWING = 4;
const MOST_KEPT = 5000;
const AGES = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [86400 * 365.25, 86400, "d"]];

/** How long ago a Julian date was, as people say it. */
function ago(text, now = Date.now()) {
  const jd = Number(text);
  if (!text || !Number.isFinite(jd)) return "";
  const seconds = now / 1000 - (jd - 2440587.5) * 86400;
  if (seconds < 0) return seconds > -60 ? "now" : "";
  const [, unit, name] = AGES.find(([below]) => seconds < below) ?? [0, 86400 * 365.25, "yr"];
  return `${Math.floor(seconds / unit)} ${name} ago`;
}

/**
 * Paint the rows of a list into `grid`. `ask` is called with the span of rows that are missing.
 * Returns what the table does with them.
 */
function rowView({ grid, space, layer, ask }) {
  const prefix = `ztfnb-${Math.random().toString(36).slice(2)}`;
  let columns = [];
  let state = { total: 0, following: true, selected: "", group: false };
  let version = -1;
  let cache = new Map();
  let marks = new Set();
  let pool = [];
  let top = 0; // first row in view, with a fraction
  let ours = -1; // scroll position that we set, not the user
  let requested = "";

  const viewHeight = () => Math.max(grid.clientHeight - HEAD, ROW);
  const inView = () => viewHeight() / ROW;
  const highest = () => Math.max(0, state.total - inView());
  const height = () => Math.min(state.total * ROW, TALLEST);
  const scaled = () => state.total * ROW > TALLEST;
  const span = () => {
    const spare = state.following ? SPARE_FOLLOWING : SPARE;
    return {
      start: Math.max(0, Math.floor(top) - spare),
      stop: Math.ceil(top + inView()) + spare,
    };
  };

  function newRow() {
    const tick = make("div", { class: "ztfnb-tick", role: "gridcell", "aria-colindex": 1 },
      make("span", { role: "checkbox", "aria-label": "marked" }));
    const size = make("div", { class: "ztfnb-size", role: "gridcell", "aria-colindex": 2 });
    const first = state.group ? 3 : 2;
    const cells = columns.map((column, place) =>
      make("div", {
        role: "gridcell", "aria-colindex": place + first,
        class: column.text ? "ztfnb-text" : "ztfnb-number",
      }));
    const row = make("div", { class: "ztfnb-row", role: "row" }, tick);
    if (state.group) row.append(size);
    row.append(...cells);
    row.box = tick.firstChild;
    row.size = size.appendChild(document.createTextNode(""));
    row.cells = cells.map((cell) => cell.appendChild(document.createTextNode("")));
    layer.append(row);
    return row;
  }
  function write(node, text) {
    if (node.data !== text) node.data = text;
  }
  function attribute(element, name, value) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  function blank(row, index) {
    if (row.index !== index || row.dataset.candid) {
      for (const node of [row.size, ...row.cells]) write(node, "");
      row.dataset.candid = "";
      row.removeAttribute("aria-selected");
      row.classList.remove("ztfnb-marked", "ztfnb-member");
    }
    row.index = index;
  }
  function fill(row, index, held, now) {
    const { candid } = held;
    row.index = index;
    if (row.dataset.candid !== candid) {
      row.dataset.candid = candid;
      row.id = candid ? `${prefix}-${candid}` : "";
    }
    row.classList.toggle("ztfnb-left", !candid);
    row.classList.toggle("ztfnb-marked", marks.has(candid));
    attribute(row.box, "aria-checked", String(marks.has(candid)));
    attribute(row, "aria-selected", String(candid !== "" && candid === state.selected));
    if (state.group) {
      const open = isOpen(index);
      const foldable = held.size > 1;
      row.classList.toggle("ztfnb-member", held.size === 0);
      attribute(row, "aria-level", held.size === 0 ? "2" : "1");
      attribute(row, "aria-expanded", foldable ? String(open) : null);
      write(row.size, foldable ? `${open ? "▾" : "▸"} ×${held.size.toLocaleString("en")}` : "");
    }
    row.cells.forEach((node, place) => {
      const text = candid ? held.cells[place]
        : columns[place].field === "objectId" ? "no longer held" : "";
      write(node, columns[place].name === "age" ? ago(text, now) : text);
    });
  }
  function isOpen(index) {
    return cache.get(index)?.size > 1 && cache.get(index + 1)?.size === 0;
  }

  function paint() {
    const tall = `${Math.max(height(), viewHeight())}px`;
    if (space.style.height !== tall) space.style.height = tall;
    layer.style.height = `${viewHeight()}px`;
    const first = Math.floor(top);
    const needed = Math.min(Math.ceil(inView()) + 1, Math.max(0, state.total - first));
    while (pool.length < needed) pool.push(newRow());
    const now = Date.now();
    let missing = false;
    let current = null;
    pool.forEach((row, place) => {
      row.hidden = place >= needed;
      const index = first + place;
      if (row.hidden) {
        blank(row, -1);
        return;
      }
      const move = `translateY(${(index - top) * ROW}px)`;
      if (row.style.transform !== move) row.style.transform = move;
      attribute(row, "aria-rowindex", String(index + 2));
      const held = cache.get(index);
      if (held) fill(row, index, held, now);
      else blank(row, index);
      missing ||= !held;
      if (held?.candid && held.candid === state.selected) current = row.id;
    });
    attribute(grid, "aria-activedescendant", current);
    if (missing) request();
  }
  function request() {
    const { start, stop } = span();
    const key = `${version}:${start}:${stop}`;
    if (key === requested) return;
    requested = key;
    ask({ start, stop });
  }
  function scrollTo(row) {
    top = Math.min(Math.max(row, 0), highest());
    const range = height() - viewHeight();
    const share = highest() > 0 ? top / highest() : 0;
    ours = Math.round(scaled() ? share * range : top * ROW);
    grid.scrollTop = ours;
    paint();
  }

  grid.addEventListener("scroll", () => {
    if (Math.abs(grid.scrollTop - ours) <= 1) return;
    ours = -1;
    const range = height() - viewHeight();
    const share = scaled() && range > 0 ? grid.scrollTop / range : 0;
    top = Math.min(scaled() ? share * highest() : grid.scrollTop / ROW, highest());
    if (top >= 1) view.onScroll();
    paint();
  });
  grid.addEventListener("wheel", (event) => {
    if (!scaled() || !event.deltaY || event.ctrlKey || event.shiftKey) return;
    // So tall a list is scrolled by rows: a pixel of its scroll bar stands for many.
    event.preventDefault();
    view.onScroll();
    scrollTo(top + (event.deltaMode === 1 ? event.deltaY : event.deltaY / ROW));
  }, { passive: false });

  const view = {
    onScroll() {},
    span,
    inView,
    scrollTo,
    paint,
    get version() { return version; },
    get top() { return top; },
    at: (index) => cache.get(index),
    isOpen,
    /** Paint other columns, or with or without the sizes of groups: with new rows. */
    shape(list, group) {
      columns = list;
      state = { ...state, group };
      cache = new Map();
      pool.forEach((row) => row.remove());
      pool = [];
    },
    /** Take what the kernel says about the list; rows, if any came with it. */
    show(message) {
      if (message.version !== version) {
        cache = new Map();
        requested = "";
      }
      version = message.version;
      state = message;
      if (message.candids) view.keep(message);
      if (message.top) scrollTo(0);
      else if (top > highest()) scrollTo(highest());
      else paint();
    },
    /** Keep rows that came; those of another list than the one on screen are of no use. */
    keep(message) {
      if (message.version !== version) return;
      requested = "";
      if (cache.size > MOST_KEPT) cache = new Map();
      message.candids.forEach((candid, place) => {
        cache.set(message.start + place, {
          candid, cells: message.cells.map((column) => column[place]),
          size: message.sizes[place] ?? 1,
        });
      });
    },
    mark(candids) {
      marks = new Set(candids);
      paint();
    },
    isMarked: (candid) => marks.has(candid),
    get marked() { return marks.size; },
    /** Scroll no further than to have a row in view. */
    reveal(index) {
      if (index < top) scrollTo(index);
      else if (index + 1 > top + inView()) scrollTo(index + 1 - inView());
    },
    /** The widest text of a column that is on the screen [px]. */
    widest(place) {
      const range = document.createRange();
      return Math.max(0, ...pool.filter((row) => !row.hidden).map((row) => {
        range.selectNodeContents(row.cells[place]);
        return range.getBoundingClientRect().width;
      }));
    },
  };
  const resized = new ResizeObserver(() => paint());
  resized.observe(grid);
  const ageing = setInterval(() => {
    if (!document.hidden && columns.some((column) => column.name === "age")) paint();
  }, 15e3);
  view.stop = () => {
    resized.disconnect();
    clearInterval(ageing);
  };
  return view;
}
