const NUMBERS = ["x", "y", "lower", "upper"];
const SHAPES = {
  circle: "M6 2.2a3.8 3.8 0 1 0 .01 0z", square: "M2.5 2.5h7v7h-7z", diamond: "M6 1l4 5-4 5-4-5z",
  inverted_triangle: "M1.5 2.5h9l-4.5 8z", hex: "M3.5 1.7h5L11 6l-2.5 4.3h-5L1 6z",
};

function symbol([marker, colour, style]) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("ztfnb-symbol", `ztfnb-${style}`);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[marker]);
  path.setAttribute("stroke", colour || "currentColor");
  path.setAttribute("fill", style === "open" ? "none" : colour || "currentColor");
  svg.append(path);
  return svg;
}

async function render({ model, el }) {
  el.classList.add("ztfnb-curve");
  el.dataset.lmSuppressShortcuts = "true";
  const quantity = choice("What is plotted", [
    ["difference", "difference mag", "Magnitude of the change against the reference image"],
    ["apparent", "apparent mag", "Magnitude of the source itself: reference and change together"],
    ["flux", "flux", "Signed flux of the change, with forced photometry"],
  ], (value) => model.send({ kind: "quantity", value }));
  const time = choice("Time axis", [
    ["days", "days", "Days since the first detection"], ["mjd", "MJD", "Modified Julian date, UTC"],
  ], (value) => model.send({ kind: "time", value }));
  const bar = make("div", { class: "ztfnb-curve-bar" }, quantity, time);
  const place = make("div", { class: "ztfnb-plot", role: "img" });
  const note = make("div", { class: "ztfnb-curve-note", role: "status" });
  const frame = make("div", { class: "ztfnb-curve-frame" }, place, note);
  const legend = make("div", { class: "ztfnb-legend" });
  el.append(bar, frame, legend);
  let ended = false;
  const undo = [() => { ended = true; }];
  const cleanup = () => undo.forEach((step) => step());

  const begin = async () => {
    const Bokeh = await load(model, model.get("_bokeh_version"));
    if (ended) return;
    const item = structuredClone(model.get("_figure"));
    const views = await Bokeh.embed.embed_item(item, place);
    if (ended) return;
    const view = [...views][0];
    const plot = view.model;
    const find = (name) => plot.document.get_model_by_name(name);
    undo.push(() => view.remove?.());

    const colour = (name, otherwise) =>
      getComputedStyle(el).getPropertyValue(name).trim() || otherwise;
    const dress = () => {
      const ink = colour("--jp-ui-font-color1", "#222");
      const line = colour("--jp-border-color1", "#bbb");
      for (const axis of [...plot.below, ...plot.left]) {
        axis.setv({
          axis_label_text_color: ink, major_label_text_color: ink, axis_line_color: line,
          major_tick_line_color: line, minor_tick_line_color: null,
          axis_label_text_font_style: "normal", axis_label_text_font_size: "12px",
          major_label_text_font_size: "11px",
        });
      }
      for (const grid of plot.center) grid.setv?.({ grid_line_color: line });
      find("shown").data = { ...find("shown").data, color: find("shown").data.x.map(() => ink) };
    };
    const unpack = (columns) => Object.fromEntries(Object.entries(columns).map(
      ([name, values]) => [name, NUMBERS.includes(name) ? [...numbers(values, Float64Array)] : values]));
    const blank = () => ({
      x: [], y: [], lower: [], upper: [], color: [], fill: [], marker: [], when: [], value: [],
    });
    const ring = () => {
      const mark = model.get("_mark");
      const ink = colour("--jp-ui-font-color1", "#222");
      find("shown").data = "x" in mark
        ? { ...blank(), x: [mark.x], y: [mark.y], lower: [mark.y], upper: [mark.y], color: [ink],
          fill: [""], marker: ["circle"], when: [""], value: [""] }
        : blank();
    };
    const draw = () => {
      const shown = model.get("_shown");
      quantity.press(shown.quantity);
      time.press(shown.time);
      for (const name of ["detections", "limits", "forced"]) {
        const source = find(name);
        source.selected.indices = [];
        source.data = shown.sources[name] ? unpack(shown.sources[name]) : blank();
      }
      if (shown.x_range) {
        const [left, right] = shown.x_range;
        const [bottom, top] = shown.y_range;
        plot.x_range.setv({ start: left, end: right, reset_start: left, reset_end: right });
        plot.y_range.setv({ start: bottom, end: top, reset_start: bottom, reset_end: top });
        // Lays out everything anew, which takes long: only when it is another one.
        if (plot.below[0].axis_label !== shown.x_label) plot.below[0].axis_label = shown.x_label;
        if (plot.left[0].axis_label !== shown.y_label) plot.left[0].axis_label = shown.y_label;
      }
      place.setAttribute("aria-label",
        shown.y_label ? `Light curve: ${shown.y_label} against ${shown.x_label}` : "Light curve");
      place.style.visibility = shown.x_range ? "visible" : "hidden";
      note.textContent = shown.note;
      note.hidden = !shown.note;
      legend.replaceChildren(...shown.legend.map((entry) =>
        make("span", {}, symbol(entry), make("span", { text: entry[3] }))));
      el.dataset.candid = shown.candid;
    };
    undo.push(follow(model, "_shown", draw), follow(model, "_mark", ring));
    for (const name of ["detections", "limits", "forced"]) {
      const source = find(name);
      source.selected.properties.indices.change.connect(() => {
        const [index] = source.selected.indices;
        if (index !== undefined) model.send({ kind: "tap", source: name, place: index });
      });
    }
    dress();
    const themed = new MutationObserver(dress);
    themed.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
    undo.push(() => themed.disconnect());
  };
  begin().catch((error) => {
    note.textContent = `The light curve cannot be drawn: ${error.message}`;
    note.hidden = false;
  });
  return cleanup;
}

export default { render };
