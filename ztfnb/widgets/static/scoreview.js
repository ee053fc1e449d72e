const SPACE = "http://www.w3.org/2000/svg";
const SIZE = { width: 560, height: 220, left: 44, right: 76, top: 12, bottom: 34 };
const LINES = ["pass rate", "precision", "recall"];

function draw(tag, attributes = {}, text = "") {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

function render({ model, el }) {
  el.classList.add("ztfnb-score");
  el.dataset.lmSuppressShortcuts = "true";
  const note = make("div", { class: "ztfnb-score-note" });
  const measures = make("div", { class: "ztfnb-score-measures", role: "list" });
  const cells = new Map();
  const cell = (name, title) => {
    const button = make("button", { type: "button", title: `${title}: show them` });
    button.addEventListener("click", () => model.send({ kind: "cell", name }));
    cells.set(name, { button, title });
    return make("td", {}, button);
  };
  const row = (title, ...some) => make("tr", {}, make("th", { scope: "row", text: title }), ...some);
  const table = make("table", { "aria-label": "Confusion" },
    make("thead", {}, make("tr", {}, make("td"),
      make("th", { scope: "col", text: "passed" }), make("th", { scope: "col", text: "did not" }))),
    make("tbody", {},
      row("should pass", cell("true_passed", "should pass, and passed"), cell("missed", "should pass, and did not")),
      row("should not pass", cell("false_passed", "should not pass, and passed"),
        cell("true_rejected", "should not pass, and did not"))));
  const basis = make("div", { class: "ztfnb-score-note" });
  const which = make("select", { "aria-label": "Threshold of the curve" });
  const asked = make("button", { type: "button", text: "Draw the curve" });
  const head = make("div", { class: "ztfnb-score-bar" }, make("span", { text: "Curve of" }), which, asked);
  const said = make("div", { class: "ztfnb-score-note", role: "status" });
  const suggested = make("div", { class: "ztfnb-score-suggested" });
  const frame = make("div", { class: "ztfnb-score-frame" });
  const told = make("div", { class: "ztfnb-score-told" });
  el.append(note, make("div", { class: "ztfnb-score-top" }, table, measures), basis, head, said,
    frame, told, suggested);
  asked.addEventListener("click", () => model.send({ kind: "curve", name: which.value }));

  function showScore() {
    const score = model.get("_score");
    const some = Boolean(score.cells);
    note.textContent = score.note ?? "";
    note.hidden = !score.note;
    table.parentElement.hidden = !some;
    basis.hidden = !some;
    if (!some) return;
    basis.textContent = score.basis;
    for (const [name, { button, title }] of cells) {
      const n = score.cells[name];
      button.textContent = n.toLocaleString("en");
      button.disabled = !n;
      button.setAttribute("aria-label", `${n} ${title}`);
      button.classList.toggle("ztfnb-score-wrong", n > 0 && (name === "missed" || name === "false_passed"));
    }
    measures.replaceChildren(...score.measures.map(([name, value, words]) => make("div", { role: "listitem" },
      make("span", { class: "ztfnb-label", text: `${name} ` }), make("strong", { text: value }),
      make("span", { class: "ztfnb-label", text: ` ${words}` }))));
  }

  function showCurve() {
    const curve = model.get("_curve");
    const before = which.value;
    which.replaceChildren(...curve.names.map((name) => make("option", { value: name, text: name })));
    which.value = curve.name || (curve.names.includes(before) ? before : curve.names[0] ?? "");
    head.hidden = !curve.names.length;
    said.textContent = curve.note;
    said.hidden = !curve.note;
    suggested.textContent = curve.suggested ?? "";
    suggested.hidden = !curve.suggested;
    frame.replaceChildren();
    frame.hidden = !curve.at;
    told.hidden = !curve.at;
    told.textContent = "";
    if (curve.at) paint(curve);
  }

  function paint({ name, at, words, lines, current, best, passed }) {
    const { width, height, left, right, top, bottom } = SIZE;
    const [low, high] = [Math.min(...at), Math.max(...at)];
    const x = (value) => left + ((value - low) / (high - low || 1)) * (width - left - right);
    const y = (share) => height - bottom - share * (height - top - bottom);
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: 0,
      "aria-label": `Pass rate${lines.recall ? ", precision and recall" : ""} against ${name}; arrow keys read it` });
    for (const share of [0, 0.5, 1]) {
      svg.append(
        draw("path", { class: "ztfnb-score-grid", d: `M${left} ${y(share)}H${width - right}` }),
        draw("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, `${100 * share}%`));
    }
    const ticks = at.length > 6 ? [0, Math.floor(at.length / 2), at.length - 1] : at.keys();
    for (const place of ticks) {
      svg.append(draw("text", { x: x(at[place]), y: height - bottom + 15, "text-anchor": "middle" }, words[place]));
    }
    svg.append(draw("text", { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" }, name));
    if (current >= 0) {
      svg.append(draw("path", { class: "ztfnb-score-now", d: `M${x(at[current])} ${top}V${height - bottom}` }));
    }
    if (best >= 0) {
      svg.append(draw("path", { class: "ztfnb-score-best",
        d: `M${x(at[best])} ${height - bottom}l-5 8h10z` }));
    }
    const ends = [];
    LINES.forEach((line, place) => {
      const values = lines[line];
      if (!values) return;
      let path = "";
      let pen = false;
      values.forEach((value, n) => {
        if (value != null) path += `${pen ? "L" : "M"}${x(at[n]).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = value != null;
      });
      svg.append(draw("path", { class: `ztfnb-score-line ztfnb-score-line-${place}`, d: path }));
      const last = values.findLast((value) => value != null);
      if (last !== undefined) ends.push([y(last), line, place]);
    });
    // Names at the ends of the lines, not one over the other.
    ends.sort(([a], [b]) => a - b);
    let from = 0;
    for (const [end, line, place] of ends) {
      const here = Math.max(end + 4, from);
      from = here + 13;
      svg.append(draw("text", { class: `ztfnb-score-name-${place}`, x: width - right + 6, y: here }, line));
    }
    const cursor = draw("path", { class: "ztfnb-score-cursor" });
    svg.append(cursor);
    frame.append(svg);
    let place = current >= 0 ? current : 0;
    const tell = (to) => {
      place = Math.min(Math.max(0, to), at.length - 1);
      cursor.setAttribute("d", `M${x(at[place])} ${top}V${height - bottom}`);
      const parts = LINES.filter((line) => lines[line]).map((line) => {
        const value = lines[line][place];
        return `${line} ${value == null ? "unknown" : `${(100 * value).toPrecision(3)}%`}`;
      });
      const set = place === current ? " (as it is set)" : "";
      told.textContent = `${name} = ${words[place]}${set}: ${passed[place].toLocaleString("en")} pass, ${parts.join(", ")}`;
    };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const here = ((event.clientX - box.left) / box.width) * width;
      let nearest = 0;
      at.forEach((value, n) => {
        if (Math.abs(x(value) - here) < Math.abs(x(at[nearest]) - here)) nearest = n;
      });
      tell(nearest);
    });
    svg.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: at.length - 1 }[event.key];
      if (to === undefined) return;
      tell(to);
      event.preventDefault();
      event.stopPropagation();
    });
    tell(place);
  }
  const undo = [follow(model, "_score", showScore), follow(model, "_curve", showCurve)];
  keepKeys(el);
  return () => undo.forEach((end) => end());
}

export default { render };
