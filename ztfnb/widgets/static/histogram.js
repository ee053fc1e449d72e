// The histogram in the header of a column; brushing it makes a cut.

const BARS = 20; // [px] height
const GRIP = 4; // [px] around an end of the brush, where it can be taken
const MOVED = 3; // [px] from which on a press is a drag
const TWICE = 250; // [ms] in which a second click makes a double one
const KEYS_REST = 400; // [ms] after the last key
const ANSWER = 2000; // [ms] that the kernel may take before its older word counts again

/** A number as short as it can be told from its neighbours. */
const short = (number) => String(Number(number.toPrecision(12)));

/**
 * A histogram of `field`. `send` takes messages for the kernel; `write` tells a value as text.
 * Give `element` a place; `show` a page of the kernel's histogram; `brush` the range that is cut.
 */
function headerHistogram({ field, label = field, send, write = short }) {
  let data = null;
  let range = null; // that is cut: [low, high], null where open
  let drag = null;
  let active = null; // end that keys move: 0 or 1
  let awaited = { until: 0, word: "" };
  let later = null; // what came while someone drags
  let rest = 0;
  let single = 0;
  let hovered = null; // bins that the words beside the pointer are about
  const svg = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const every = svg("path", { class: "ztfnb-bars-all" });
  const kept = svg("path", { class: "ztfnb-bars-kept" });
  const chart = svg("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
  chart.append(every, kept);
  const band = make("div", { class: "ztfnb-bars-brush", hidden: true });
  const element = make("div", {
    class: "ztfnb-bars", role: "group", "aria-roledescription": "histogram", tabindex: "-1",
    "data-field": field,
  }, chart, band);
  const tip = make("div", { class: "ztfnb-bars-tip", role: "presentation" });

  // -- Painting ---------------------------------------------------------------------------------
  const size = () => (data ? data.counts.length : 0);
  function steps(counts, most) {
    let path = `M0 ${BARS}`;
    counts.forEach((count, bin) => {
      // The root shows a few beside very many; a pixel shows one.
      const height = count ? Math.max(1, (BARS - 1) * Math.sqrt(count / most)) : 0;
      path += `V${(BARS - height).toFixed(2)}H${bin + 1}`;
    });
    return `${path}V${BARS}Z`;
  }
  function paint() {
    const most = Math.max(1, ...(data ? data.counts : []));
    chart.setAttribute("viewBox", `0 0 ${size() || 1} ${BARS}`);
    every.setAttribute("d", data ? steps(data.counts, most) : "");
    kept.setAttribute("d", data ? steps(data.kept, most) : "");
    element.classList.toggle("ztfnb-bars-empty", !size());
    mark();
    if (hovered && hovered[1] < size()) tell(...hovered);
  }
  /** Where in the picture a value lies, in bins. */
  function place(value) {
    const { edges } = data;
    const bin = edges.findIndex((edge) => edge > value);
    if (bin <= 0) return bin < 0 ? size() : 0;
    return bin - 1 + (value - edges[bin - 1]) / (edges[bin] - edges[bin - 1]);
  }
  function ends() {
    if (drag) return [drag.from, drag.to + 1];
    if (!data || !size() || !range) return null;
    const half = data.whole ? 0.5 : 0;
    return [
      range[0] === null ? 0 : place(range[0] - half),
      range[1] === null ? size() : place(range[1] + half),
    ];
  }
  function mark() {
    const found = ends();
    band.hidden = !found;
    if (found) {
      band.style.left = `${(100 * found[0]) / size()}%`;
      band.style.width = `${(100 * Math.max(found[1] - found[0], 0)) / size()}%`;
    }
    element.setAttribute("aria-label", !size() ? `${label}: no values`
      : `${label} from ${words(0, size() - 1)}, ${found ? `cut to ${told()}` : "not cut"}. `
        + "Left and right move one end of the cut, Space then changes to the other end, Escape "
        + "removes it. A cut can be typed as well.");
  }
  const told = () => {
    if (drag) return words(drag.from, drag.to);
    const [low, high] = range;
    return low === null ? `at most ${write(high)}`
      : high === null ? `at least ${write(low)}`
        : low === high ? write(low) : `${write(low)} to ${write(high)}`;
  };
  /** The range of some bins in words. */
  function words(from, to) {
    const { edges, whole } = data;
    const low = whole ? Math.ceil(edges[from]) : edges[from];
    const high = whole ? Math.floor(edges[to + 1]) : edges[to + 1];
    return low === high ? write(low) : `${write(low)} to ${write(high)}`;
  }
  function sum(counts, from, to) {
    return counts.slice(from, to + 1).reduce((total, count) => total + count, 0);
  }
  function tell(from, to) {
    hovered = [from, to];
    const total = sum(data.counts, from, to);
    const some = sum(data.kept, from, to);
    const beyond = (from === 0 ? "and less" : to === size() - 1 ? "and more" : "");
    tip.textContent = `${field} ${words(from, to)}${from === to && beyond ? ` ${beyond}` : ""}: `
      + `${total.toLocaleString("en")} alert${total === 1 ? "" : "s"}`
      + (some === total ? "" : `, ${some.toLocaleString("en")} kept`);
    const box = element.getBoundingClientRect();
    if (!tip.isConnected) document.body.append(tip);
    const middle = box.left + (box.width * (from + to + 1)) / 2 / size();
    const room = document.documentElement.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(4, Math.min(middle - tip.offsetWidth / 2, room))}px`;
    tip.style.top = `${box.bottom + 3}px`;
  }
  function hush() {
    hovered = null;
    tip.remove();
  }

  // -- Brushing ---------------------------------------------------------------------------------
  function cut(from, to) {
    const { edges, low, whole, complete } = data;
    // Open at the ends of the picture: the outermost bars hold what lies beyond them. But one of
    // a few whole numbers is named.
    if (from === to && whole && complete) say(edges[from], edges[to + 1], whole);
    else say(from === 0 ? low : edges[from], to === size() - 1 ? null : edges[to + 1], whole);
  }
  function say(low, high, whole = false) {
    const shown = (end, round) => (end === null ? null : whole ? round(end) : end);
    awaited = { until: performance.now() + ANSWER, word: JSON.stringify(range) };
    range = low === null && high === null ? null
      : [shown(low, Math.ceil), shown(high, Math.floor)];
    send({ kind: "cuts", act: "range", field, low, high, whole });
    mark();
  }
  const clear = () => {
    active = null;
    if (range) say(null, null);
  };
  function binAt(event) {
    const box = element.getBoundingClientRect();
    const bin = Math.floor(((event.clientX - box.left) / box.width) * size());
    return Math.min(Math.max(bin, 0), size() - 1);
  }
  element.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    clearTimeout(single);
    if (event.button !== 0 || !size()) return;
    const box = element.getBoundingClientRect();
    const bin = binAt(event);
    const found = ends();
    const near = (end) => found
      && Math.abs(event.clientX - box.left - (box.width * found[end]) / size()) <= GRIP;
    // Taken at one end, the brush stays where its other end is.
    const fixed = near(0) ? Math.ceil(found[1]) - 1 : near(1) ? Math.floor(found[0]) : bin;
    drag = { from: bin, to: bin, fixed, at: event.clientX, moved: false };
    if (near(0) || near(1)) stretch(bin);
    element.setPointerCapture(event.pointerId);
  });
  function stretch(bin) {
    drag.from = Math.min(bin, drag.fixed);
    drag.to = Math.max(bin, drag.fixed);
  }
  element.addEventListener("pointermove", (event) => {
    if (!size()) return;
    const bin = binAt(event);
    if (!drag) { tell(bin, bin); return; }
    drag.moved ||= Math.abs(event.clientX - drag.at) > MOVED;
    if (!drag.moved) return;
    stretch(bin);
    mark();
    tell(drag.from, drag.to);
  });
  function drop() {
    const done = drag;
    drag = null;
    if (later) show(later.page);
    return done;
  }
  element.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { from, to } = drag;
    if (drag.moved) cut(from, to);
    else single = setTimeout(() => (range ? clear() : size() && cut(from, to)), TWICE);
    hush();
    drop();
    mark();
    event.stopPropagation();
  });
  element.addEventListener("pointercancel", () => { drop(); mark(); });
  element.addEventListener("pointerleave", () => { if (!drag) hush(); });
  element.addEventListener("dblclick", (event) => {
    clearTimeout(single);
    clear();
    event.stopPropagation();
  });
  for (const name of ["click", "dragstart"]) {
    element.addEventListener(name, (event) => {
      event.stopPropagation();
      event.preventDefault();
    });
  }

  // -- Keys -------------------------------------------------------------------------------------
  function step(by) {
    const found = ends() ?? [0, size()];
    let [from, to] = [Math.floor(found[0]), Math.ceil(found[1]) - 1];
    active ??= by > 0 ? 0 : 1;
    if (active === 0) from = Math.min(Math.max(from + by, 0), to);
    else to = Math.max(Math.min(to + by, size() - 1), from);
    clearTimeout(rest);
    drag = { from, to };
    mark();
    tell(from, to);
    rest = setTimeout(() => { drop(); cut(from, to); hush(); }, KEYS_REST);
  }
  const grid = () => element.closest("[role=grid], [role=treegrid]");
  const heading = () => element.closest("[role=columnheader]")?.querySelector("button");
  /** Let keys that mean nothing here do what they do in the rows: the pointer left them here. */
  function pass(event) {
    const rows = grid();
    if (!rows || ["Tab", "Shift"].includes(event.key)) return false;
    rows.focus({ preventScroll: true });
    const { key, shiftKey } = event;
    rows.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, cancelable: true }));
    return true;
  }
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight" && size()) step(1);
    else if (event.key === "ArrowLeft" && size()) step(-1);
    else if (event.key === " " && active !== null) active = 1 - active;
    else if (event.key === "ArrowUp" && heading()) heading().focus();
    else if (event.key === "Escape" && (drag || range)) {
      clearTimeout(rest);
      // A brush that is being drawn is given up; one that is there is removed.
      if (drag) { drop(); mark(); } else clear();
      hush();
    } else if (!pass(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  /** One of all histograms is reached by Tab: that of the column that was reached last. */
  function reach() {
    for (const other of element.closest("[role=row]")?.querySelectorAll(".ztfnb-bars") ?? []) {
      other.tabIndex = other === element ? 0 : -1;
    }
  }
  let reached = null;
  element.addEventListener("focus", reach);
  element.addEventListener("blur", hush);

  function show(page) {
    if (drag) { later = { page }; return; }
    later = null;
    data = page;
    if (!reached && heading()) {
      reached = heading();
      reached.addEventListener("focus", reach);
      if (!reached.closest("[role=row]")?.querySelector(".ztfnb-bars[tabindex='0']")) reach();
    }
    paint();
  }
  paint();
  return {
    element,
    show,
    brush(next) {
      const word = JSON.stringify(next);
      // The kernel has not heard yet of what was just brushed here.
      if (performance.now() < awaited.until && word === awaited.word) return;
      awaited.until = 0;
      if (word === JSON.stringify(range)) return;
      range = next;
      mark();
    },
    stop() {
      clearTimeout(rest);
      clearTimeout(single);
      hush();
    },
  };
}
