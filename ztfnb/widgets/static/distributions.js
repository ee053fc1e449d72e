const SPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 118; // [px] of a plot
const FLOOR = 100; // [px] from the top to its axis
const TOP = 16;
const SIDE = 8;

function draw(tag, attributes = {}) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** The largest of 1, 2, 5, 10, 20, ... that is not above a number. */
function roundNumber(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return power * [5, 2, 1].find((step) => step * power <= most);
}

/** One distribution: made once, drawn again as alerts arrive. */
function panel() {
  const title = make("div", { class: "ztfnb-dist-title" });
  const svg = draw("svg", { height: HEIGHT, role: "img" });
  const part = (tag, name) => {
    const element = draw(tag, { class: `ztfnb-dist-${name}` });
    svg.append(element);
    return element;
  };
  const level = part("path", "level");
  const held = part("path", "held");
  const passing = part("path", "passing");
  const axis = part("path", "axis");
  const edges = part("path", "edges");
  const mark = part("path", "mark");
  const value = part("text", "value");
  const count = part("text", "count");
  const ticks = part("g", "ticks");
  const box = make("div", { class: "ztfnb-dist-panel" }, title, svg);
  let ticksFor = "";

  const paint = (plot, marked, scale) => {
    const width = box.clientWidth;
    if (!width) return;
    svg.setAttribute("width", width);
    const selected = marked === undefined ? "" : `; the selected alert has ${marked.toFixed(2)}`;
    svg.setAttribute("aria-label", plot.text + selected);
    title.textContent = plot.label;
    const [all, some] = [numbers(plot.held, Uint32Array), numbers(plot.passing, Uint32Array)];
    const most = all.reduce((a, b) => Math.max(a, b), 0);
    const x = (at) => SIDE + (at - plot.low) / (plot.high - plot.low) * (width - 2 * SIDE);
    const rise = scale === "log"
      ? (n) => Math.log1p(n) / Math.log1p(Math.max(most, 1)) : (n) => n / Math.max(most, 1);
    const y = (n) => (FLOOR - rise(n) * (FLOOR - TOP)).toFixed(1);
    const edge = (bin) => x(plot.low + bin / all.length * (plot.high - plot.low)).toFixed(1);
    const steps = (counts) => {
      let path = `M${edge(0)} ${FLOOR}`;
      counts.forEach((n, bin) => { path += `V${y(n)}H${edge(bin + 1)}`; });
      return `${path}V${FLOOR}Z`;
    };
    held.setAttribute("d", steps(all));
    passing.setAttribute("d", steps(some));
    passing.style.fill = plot.colour || null;
    axis.setAttribute("d", `M${SIDE} ${FLOOR + 0.5}H${width - SIDE}`);
    edges.setAttribute("d", plot.edges.map((at) => `M${x(at).toFixed(1)} ${TOP - 8}V${FLOOR}`).join(""));
    const shown = most ? roundNumber(most) : 0;
    level.setAttribute("d", shown ? `M${SIDE} ${y(shown)}H${width - SIDE}` : "");
    count.textContent = shown ? `${shown.toLocaleString("en")} ${shown === 1 ? "alert" : "alerts"}` : "no values";
    count.setAttribute("x", SIDE);
    // Above its line, unless it would run into the selected value.
    count.setAttribute("y", Number(y(shown)) + (y(shown) < TOP + 16 ? 11 : -3));
    const seen = marked !== undefined && marked >= plot.low && marked <= plot.high;
    const at = seen ? x(marked).toFixed(1) : 0;
    value.textContent = seen ? marked.toFixed(2) : "";
    value.setAttribute("x", at > width / 2 ? at - 7 : Number(at) + 7);
    value.setAttribute("y", 10);
    value.setAttribute("text-anchor", at > width / 2 ? "end" : "start");
    mark.setAttribute("d", seen ? `M${at} ${FLOOR}V${TOP - 6}m-4 -6h8l-4 6z` : "");
    if (ticksFor !== `${plot.low} ${plot.high} ${width}`) {
      ticksFor = `${plot.low} ${plot.high} ${width}`;
      const span = plot.high - plot.low;
      // Labels stand 40 pixels apart at least.
      const step = [0.1, 0.2, 0.5, 1, 2, 5, 10].find((one) => one / span * width > 40) ?? span;
      const texts = [];
      for (let n = Math.ceil(plot.low / step - 1e-9); n * step <= plot.high + 1e-9; n += 1) {
        const text = draw("text", { x: x(n * step).toFixed(1), y: HEIGHT - 4 });
        text.textContent = step < 1 ? (n * step).toFixed(1) : String(n * step);
        texts.push(text);
      }
      ticks.replaceChildren(...texts);
    }
  };
  return { box, paint };
}

function render({ model, el }) {
  el.classList.add("ztfnb-dist");
  el.dataset.lmSuppressShortcuts = "true";
  const [held, passing] = ["held", "passing"].map((name) =>
    make("span", { class: "ztfnb-dist-words", "data-part": name }));
  const summary = make("span", { class: "ztfnb-dist-summary" }, held, passing);
  const scale = choice("How counts are drawn", [
    ["linear", "linear", "Heights are counts"],
    ["log", "log", "Heights are logarithms of counts, so that few can be seen beside many"],
  ], (value) => model.send({ kind: "setting", name: "scale", value }));
  const note = make("div", { class: "ztfnb-dist-note", role: "status", hidden: true });
  const rows = ["scores", "magnitudes"].map((name) =>
    make("div", { class: "ztfnb-dist-row", "data-row": name }));
  el.append(make("div", { class: "ztfnb-dist-bar" }, summary, scale), note, ...rows);
  const panels = new Map();

  const paint = () => {
    const plots = model.get("_plots").panels ?? [];
    const marks = model.get("_mark");
    for (const plot of plots) {
      if (!panels.has(plot.name)) panels.set(plot.name, panel());
    }
    // Placed before any is painted, since they share the width.
    const [scores, magnitudes] = [plots.slice(0, 2), plots.slice(2)];
    [scores, magnitudes].forEach((some, place) => {
      const boxes = some.map((plot) => panels.get(plot.name).box);
      const same = boxes.length === rows[place].children.length
        && boxes.every((box, index) => rows[place].children[index] === box);
      if (!same) rows[place].replaceChildren(...boxes);
    });
    for (const plot of plots) {
      panels.get(plot.name).paint(plot, marks[plot.name], model.get("_chosen").scale);
    }
  };
  const news = listen(model);
  const show = () => {
    const plots = model.get("_plots");
    if (!("held" in plots)) return;
    held.textContent = plots.held;
    passing.textContent = plots.passing;
    passing.hidden = !plots.passing;
    note.textContent = plots.error;
    note.hidden = !plots.error;
    paint();
    news.answered();
  };
  passKeysOn(model, el);
  keepKeys(el);
  const sized = new ResizeObserver(paint);
  sized.observe(el);
  const undo = [
    follow(model, "_plots", show),
    follow(model, "_mark", paint),
    follow(model, "_chosen", () => { scale.press(model.get("_chosen").scale); paint(); }),
    () => sized.disconnect(),
    () => news.stop(),
  ];
  return () => undo.forEach((step) => step());
}

export default { render };
