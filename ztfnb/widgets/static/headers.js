// The headers of the table: they sort, are dragged to other places and to other widths, and hold
// the distributions of their columns.

const PADDING = 14; // [px] both sides of a cell
const NARROWEST = 24; // [px]
const WIDEST = 600; // [px]
const STEP = 10; // [px] of a width, by key
const FAR = 5; // [px] that a pointer moves before it drags

/** What a histogram's values mean to people who hover over it: a date, for dates. */
function valueWriter(column) {
  if (column.field !== "jd") return undefined;
  return (jd) => new Date((jd - 2440587.5) * 86400e3).toISOString().slice(0, 16).replace("T", " ");
}

/**
 * The row of headers. `choose` is called with settings that a person has chosen, `fitting` with a
 * column's place for the width of its widest text, `leave` when the keyboard goes back to the rows.
 */
function headerRow({ head, grid, send, choose, fitting, leave }) {
  let columns = [];
  let headers = [];
  let group = false;
  let focused = "";
  let pages = {};
  let ranges = {};
  let pixels = {};
  const line = make("div", { class: "ztfnb-drop", hidden: true });

  const names = () => columns.map((column) => column.name);
  const widthOf = (column) => pixels[column.name] ? `${pixels[column.name]}px`
    : `calc(${column.width}ch + ${PADDING}px)`;
  function lay() {
    const widths = columns.map(widthOf);
    const first = group ? ["26px", "68px"] : ["26px"];
    grid.style.setProperty("--ztfnb-columns", [...first, ...widths].join(" "));
    grid.style.setProperty("--ztfnb-width", `calc(${[...first, ...widths].join(" + ")})`);
  }
  function resize(column, width) {
    pixels = { ...pixels, [column.name]: Math.round(Math.min(Math.max(width, NARROWEST), WIDEST)) };
    lay();
  }
  const keepWidths = () => choose({ widths: pixels });
  function move(from, to) {
    if (to < 0 || to >= columns.length || to === from) return;
    const order = names();
    order.splice(to, 0, ...order.splice(from, 1));
    focused = columns[from].name;
    choose({ columns: order });
  }
  function sort(name) {
    // Largest first, smallest first, then as they arrived.
    const next = row.sort === `-${name}` ? name : row.sort === name ? "" : `-${name}`;
    choose({ sort: next });
  }
  function fit(place) {
    const label = headers[place].button;
    const own = label.firstChild.getBoundingClientRect().width + 16;
    resize(columns[place], Math.ceil(Math.max(fitting(place), own)) + PADDING + 2);
    keepWidths();
  }

  // -- One header -----------------------------------------------------------------------------
  function newHeader(column, place) {
    const button = make("button", { type: "button", tabindex: "-1" },
      make("span", { text: column.label }));
    const edge = make("div", { class: "ztfnb-edge", title: "Drag to resize; double click to fit" });
    const header = make("div", {
      role: "columnheader", "aria-label": column.label, title: column.title,
      "aria-colindex": place + (group ? 3 : 2), "data-column": column.name,
      class: column.text ? "ztfnb-text" : "ztfnb-number",
    }, button);
    const made = { header, button, bars: null };
    if (column.bars) {
      made.bars = headerHistogram({
        field: column.field, label: column.label, send, write: valueWriter(column),
      });
      header.append(made.bars.element);
    }
    header.append(edge);
    button.addEventListener("click", () => {
      if (button.dragged) return;
      if (column.sorts) sort(column.name);
    });
    button.addEventListener("focus", () => {
      focused = column.name;
      for (const { button: other } of headers) other.tabIndex = other === button ? 0 : -1;
    });
    button.addEventListener("keydown", (event) => onKey(event, place));
    button.addEventListener("pointerdown", (event) => dragHeader(event, button, place));
    edge.addEventListener("pointerdown", (event) => dragEdge(event, edge, column, header));
    edge.addEventListener("dblclick", () => fit(place));
    return made;
  }
  function onKey(event, place) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.altKey) move(place, place + way);
    else if (way && event.shiftKey) {
      resize(columns[place], headers[place].header.getBoundingClientRect().width + way * STEP);
      keepWidths();
    } else if (way) headers[place + way]?.button.focus();
    else if (event.key === "Home") headers[0].button.focus();
    else if (event.key === "End") headers.at(-1).button.focus();
    else if (event.key === "Delete" && columns.length > 1) {
      focused = columns[place + 1]?.name ?? columns[place - 1].name;
      choose({ columns: names().filter((name) => name !== columns[place].name) });
    } else if (event.key === "ArrowDown" || event.key === "Escape") leave();
    else if (event.key !== "Enter" && event.key !== " ") return;
    else {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
  function dragHeader(event, button, place) {
    if (event.button !== 0) return;
    button.dragged = false;
    let to = place;
    const begin = event.clientX;
    const onMove = (moved) => {
      if (!button.dragged && Math.abs(moved.clientX - begin) < FAR) return;
      if (!button.dragged) button.setPointerCapture(event.pointerId);
      button.dragged = true;
      const boxes = headers.map(({ header }) => header.getBoundingClientRect());
      const before = boxes.findIndex((box) => moved.clientX < box.x + box.width / 2);
      const gap = before < 0 ? columns.length : before;
      to = gap > place ? gap - 1 : gap;
      const at = before < 0 ? boxes.at(-1).right : boxes[before].x;
      line.hidden = false;
      line.style.left = `${at - head.getBoundingClientRect().x - 1}px`;
    };
    const stop = (up) => {
      button.removeEventListener("pointermove", onMove);
      button.removeEventListener("pointerup", stop);
      button.removeEventListener("pointercancel", stop);
      line.hidden = true;
      if (button.dragged && up.type === "pointerup") move(place, to);
      // The click that follows a drag does not sort.
      setTimeout(() => { button.dragged = false; });
    };
    button.addEventListener("pointermove", onMove);
    button.addEventListener("pointerup", stop);
    button.addEventListener("pointercancel", stop);
  }
  function dragEdge(event, edge, column, header) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    edge.setPointerCapture(event.pointerId);
    const begin = header.getBoundingClientRect().width - event.clientX;
    let moved = false;
    const onMove = (to) => {
      moved = true;
      resize(column, begin + to.clientX);
    };
    const stop = () => {
      edge.removeEventListener("pointermove", onMove);
      edge.removeEventListener("pointerup", stop);
      edge.removeEventListener("pointercancel", stop);
      if (moved) keepWidths();
    };
    edge.addEventListener("pointermove", onMove);
    edge.addEventListener("pointerup", stop);
    edge.addEventListener("pointercancel", stop);
  }

  // -- All of them ------------------------------------------------------------------------------
  function build() {
    const keyboardWasHere = head.contains(document.activeElement);
    headers.forEach(({ bars }) => bars?.stop());
    const tick = make("div", {
      role: "columnheader", class: "ztfnb-tick", "aria-label": "marked", "aria-colindex": 1,
      title: "Marked alerts: space marks the one in view",
    });
    headers = columns.map(newHeader);
    const size = make("button", { type: "button", tabindex: "-1", text: "alerts" });
    size.addEventListener("click", () => sort("@size"));
    row.size = make("div", {
      role: "columnheader", "aria-label": "alerts", "aria-colindex": 2, 
      class: "ztfnb-text ztfnb-size", title: "Alerts of the object among those listed",
    }, size);
    head.replaceChildren(
      tick, ...(group ? [row.size] : []), ...headers.map(({ header }) => header), line);
    const place = Math.max(0, names().indexOf(focused));
    if (headers[place]) headers[place].button.tabIndex = 0;
    if (keyboardWasHere) headers[place]?.button.focus();
    row.show(row.sort);
    row.histograms(pages);
    row.ranges(ranges);
    lay();
  }

  const row = {
    sort: "",
    size: null,
    /** Show other columns, or the same with other widths. */
    columns(list, grouped) {
      const same = grouped === group && list.length === columns.length &&
        list.every((column, place) => column.name === columns[place].name);
      pixels = Object.fromEntries(
        list.filter((column) => column.pixels).map((column) => [column.name, column.pixels]));
      columns = list;
      group = grouped;
      if (same) lay();
      else build();
      return !same;
    },
    /** Show what the list is sorted by. */
    show(sorted) {
      row.sort = sorted;
      const name = sorted.replace(/^-/, "");
      const way = sorted.startsWith("-") ? "descending" : "ascending";
      const mark = (header, its) => {
        const now = its === name && name ? way : "none";
        if (header.getAttribute("aria-sort") !== now) header.setAttribute("aria-sort", now);
      };
      headers.forEach(({ header }, place) => mark(header, columns[place].name));
      if (row.size) mark(row.size, "@size");
    },
    histograms(of) {
      pages = of;
      headers.forEach(({ bars }, place) => bars?.show(pages[columns[place].field] ?? null));
    },
    ranges(of) {
      ranges = of;
      headers.forEach(({ bars }, place) => bars?.brush(ranges[columns[place].field] ?? null));
    },
    stop() {
      headers.forEach(({ bars }) => bars?.stop());
    },
  };
  return row;
}
