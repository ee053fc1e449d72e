const NO_ALERT = -1; // in a cell: alerts are held there, and none of them passes the cuts
const ZOOM = 1.6;
const NEAR = 14; // [px] from a tap to the alert that is meant
const STEPS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const HALF_HEIGHT = Math.SQRT2;
const HALF_WIDTH = 2 * HALF_HEIGHT;
const RADIAN = 180 / Math.PI;

/** Right ascension and declination [deg] of a place on the map, or null outside of it. */
function skyAt(x, y, centre) {
  if ((x / HALF_WIDTH) ** 2 + (y / HALF_HEIGHT) ** 2 > 1) return null;
  const theta = Math.asin(y / HALF_HEIGHT);
  const lon = -180 * x / (HALF_WIDTH * Math.cos(theta)) || 0;
  const dec = RADIAN * Math.asin((2 * theta + Math.sin(2 * theta)) / Math.PI);
  return { ra: (lon + centre * 15 + 360) % 360, dec };
}

/** Coordinates as people write them: hours and minutes, and degrees. */
function told({ ra, dec }) {
  const minutes = Math.round(ra * 4) % 1440;
  const hours = `${String(Math.floor(minutes / 60)).padStart(2, "0")}h ${String(minutes % 60).padStart(2, "0")}m`;
  const sign = dec < 0 ? "\u2212" : "+";
  return `${ra.toFixed(2)} ${sign}${Math.abs(dec).toFixed(2)} (${hours})`;
}

/** A line or dot as the map has it, with its name, for the legend. */
function sample(name, text) {
  return make("span", { class: "ztfnb-sky-sample", "data-line": name },
    make("span", { class: "ztfnb-sky-ink", "aria-hidden": "true" }), make("span", { text }));
}

const rgba = (hex, alpha = 255) => {
  const value = parseInt(hex.slice(1), 16);
  // As the page's processor stores it: red comes first.
  return ((alpha << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
};

function render({ model, el }) {
  el.classList.add("ztfnb-sky");
  el.dataset.lmSuppressShortcuts = "true";
  const choose = (name) => (value) => model.send({ kind: "setting", name, value });
  const shows = choice("What is shown", [
    ["auto", "auto", "Points while they are few, counts when there are many"],
    ["points", "points", "Every alert is a point; the newest 2,000 of them"],
    ["counts", "counts", "Alerts are counted in cells of 3.4 square degrees"],
  ], choose("shows"));
  const centre = make("select", { "aria-label": "Right ascension in the middle of the map" },
    ...[0, 6, 12, 18].map((hours) => make("option", { value: hours, text: `centre ${hours}h` })));
  centre.addEventListener("change", () => choose("centre")(Number(centre.value)));
  const button = (text, title) => make("button", { type: "button", text, title, "aria-label": title });
  const [closer, farther, whole] = [
    button("+", "Closer to the selected alert (or shift and the wheel)"), button("\u2212", "Farther"), button("whole sky", "Show the whole sky")];
  const zoom = make("div", { class: "ztfnb-choice", role: "group", "aria-label": "Zoom" },
    closer, farther, whole);
  const bar = make("div", { class: "ztfnb-sky-bar" }, shows, zoom, centre);
  const place = make("div", { class: "ztfnb-sky-plot", tabindex: "0", role: "application" });
  const note = make("div", { class: "ztfnb-sky-note", role: "status" });
  const frame = make("div", { class: "ztfnb-sky-frame" }, place, note);
  const scale = make("span", { class: "ztfnb-sky-scale" });
  const dots = make("span", { class: "ztfnb-sky-dots" },
    sample("points", "alert"), sample("others", "does not pass the cuts"));
  const field = sample("outline", "field");
  const grey = sample("none", "none passes the cuts");
  const legend = make("div", { class: "ztfnb-sky-legend" },
    dots, scale, grey, sample("galactic", "Galactic plane"), sample("ecliptic", "ecliptic"), field);
  const summary = make("div", { class: "ztfnb-sky-summary" });
  const marked = make("span", { class: "ztfnb-sky-marked", role: "status" });
  const cursor = make("span", { class: "ztfnb-sky-cursor" });
  el.append(bar, frame, make("div", { class: "ztfnb-sky-line" }, marked, cursor), summary, legend);

  let ended = false;
  const undo = [() => { ended = true; }];
  const cleanup = () => undo.forEach((step) => step());

  const begin = async () => {
    const Bokeh = await load(model, model.get("_bokeh_version"));
    if (ended) return;
    const { palette, ...item } = structuredClone(model.get("_figure"));
    const views = await Bokeh.embed.embed_item(item, place);
    if (ended) return;
    const view = [...views][0];
    const plot = view.model;
    const find = (name) => plot.document.get_model_by_name(name);
    undo.push(() => view.remove?.());

    const image = find("counts").data.image[0].constructor;
    const cells = {}; // of each pixel of the map, by its centre
    let counts = null; // of alerts in each cell
    let dark = false;

    // -- What is drawn ---------------------------------------------------------------------

    const unpacked = ({ x, y }) => ({ x: numbers(x, Float32Array), y: numbers(y, Float32Array) });
    const put = (name, columns) => { find(name).data = columns ? unpacked(columns) : { x: [], y: [] }; };

    const drawGround = () => {
      const ground = model.get("_ground");
      for (const name of ["graticule", "edge", "galactic", "ecliptic"]) put(name, ground[name]);
      const { text, down } = ground.labels;
      find("labels").data = { ...unpacked(ground.labels), text, down };
    };
    const showChosen = () => {
      const chosen = model.get("_chosen");
      shows.press(chosen.shows);
      centre.value = String(chosen.centre);
    };

    const drawCounts = () => {
      const sky = model.get("_sky");
      const source = find("counts");
      const table = cells[sky.centre];
      if (!counts || !table) {
        if (counts) model.send({ kind: "cells" });
        source.data = { image: [new image(1, [1, 1])] };
        return;
      }
      const { width, height } = model.get("_chosen");
      const span = Math.log(Math.max(sky.most ?? 0, 2));
      const colours = (dark ? palette : palette.toReversed()).map((colour) => rgba(colour));
      const nothing = rgba("#808080", 70);
      const ofCell = Uint32Array.from(counts, (count) => {
        if (count === 0) return 0;
        if (count === NO_ALERT) return nothing;
        return colours[Math.round(Math.log(count) / span * (colours.length - 1))];
      });
      const pixels = new image(width * height, [height, width]);
      for (let i = 0; i < table.length; i += 1) if (table[i] >= 0) pixels[i] = ofCell[table[i]];
      source.data = { image: [pixels] };
    };

    const drawScale = () => {
      const { most } = model.get("_sky");
      const shown = dark ? palette : palette.toReversed();
      const span = Math.log(Math.max(most, 2));
      const ticks = [];
      for (let tick = 1; tick <= most; tick *= 10) ticks.push(tick);
      // The last power of ten gives way to the largest count where the two would touch.
      if (ticks.length > 1 && Math.log(most / ticks.at(-1)) / span < 0.2) ticks.pop();
      if (most > ticks.at(-1)) ticks.push(most);
      scale.replaceChildren(
        make("span", { text: "alerts in a cell " }),
        make("span", { class: "ztfnb-sky-ramp" },
          make("span", { style: `background: linear-gradient(to right, ${shown.join(",")})` }),
          ...ticks.map((tick) => make("span", {
            class: "ztfnb-sky-tick", text: tick.toLocaleString("en"),
            style: `left: ${(Math.log(tick) / span * 100).toFixed(1)}%`,
          }))));
    };

    const drawSky = () => {
      const sky = model.get("_sky");
      if (!("summary" in sky)) return;
      put("points", sky.points);
      put("others", sky.others);
      counts = sky.counts ? numbers(sky.counts, Int32Array) : null;
      drawCounts();
      const counted = "most" in sky;
      if (counted) drawScale();
      dots.hidden = counted;
      dots.lastChild.hidden = !find("others").data.x.length;
      scale.hidden = !counted;
      grey.hidden = !counts?.includes(NO_ALERT);
      el.dataset.shows = counted ? "counts" : "points";
      note.textContent = sky.error;
      note.hidden = !sky.error;
      summary.textContent = sky.summary;
      place.setAttribute("aria-label", `Map of the sky: ${sky.summary}. `
        + "Arrow keys select the next alert, plus and minus zoom, 0 shows the whole sky.");
      line.answered();
    };

    const drawMark = () => {
      const mark = model.get("_mark");
      put("selected", mark.at);
      put("outline", mark.outline);
      marked.textContent = mark.text;
      // Its room stays, so that nothing moves when an alert is selected.
      field.style.visibility = mark.field ? "" : "hidden";
      field.lastChild.textContent = `field ${mark.field}`;
      el.dataset.candid = mark.candid;
    };

    // -- How it looks ----------------------------------------------------------------------

    const dress = () => {
      const style = getComputedStyle(el);
      const colour = (name) => style.getPropertyValue(`--ztfnb-sky-${name}`).trim();
      dark = document.body.dataset.jpThemeLight === "false";
      for (const name of ["graticule", "edge", "galactic", "ecliptic", "outline"]) {
        find(`${name} line`).glyph.line_color = { value: colour(name) };
      }
      for (const name of ["points", "others"]) {
        find(`${name} dots`).glyph.fill_color = { value: colour(name) };
      }
      find("selected dots").glyph.line_color = { value: colour("selected") };
      find("labels text").glyph.text_color = { value: colour("labels") };
      drawSky();
    };

    // -- What people do --------------------------------------------------------------------

    const whereIs = ({ x, y }) => skyAt(x, y, model.get("_chosen").centre);
    /** Zoom around a place, which stays where it is on the screen; around the middle without one. */
    const zoomBy = (factor, at = {}) => {
      for (const [range, fixed] of [[plot.x_range, at.x], [plot.y_range, at.y]]) {
        const most = range.bounds[1];
        const [half, middle] = [(range.end - range.start) / 2, (range.end + range.start) / 2];
        const next = Math.max(range.min_interval / 2, Math.min(most, half / factor));
        const moved = (fixed ?? middle) + (middle - (fixed ?? middle)) * next / half;
        const kept = Math.max(next - most, Math.min(most - next, moved));
        range.setv({ start: kept - next, end: kept + next });
      }
    };
    place.addEventListener("wheel", (event) => {
      // Without a key the wheel scrolls the notebook; browsers send a pinch with Control.
      if (!event.shiftKey && !event.ctrlKey) return;
      const { x, y } = place.getBoundingClientRect();
      const turn = event.deltaY || event.deltaX;
      zoomBy(Math.exp(-Math.max(-100, Math.min(100, turn)) / 250), {
        x: view.frame.x_scale.invert(event.clientX - x),
        y: view.frame.y_scale.invert(event.clientY - y),
      });
      event.preventDefault();
      event.stopPropagation();
    }, { capture: true, passive: false });
    const zoomAtSelected = (factor) => {
      const { x, y } = find("selected").data;
      zoomBy(factor, { x: x[0], y: y[0] });
    };
    closer.addEventListener("click", () => zoomAtSelected(ZOOM));
    farther.addEventListener("click", () => zoomAtSelected(1 / ZOOM));
    whole.addEventListener("click", () => zoomAtSelected(0));
    const tap = (event) => {
      place.focus({ preventScroll: true });
      const at = whereIs(event);
      const perPixel = (plot.x_range.end - plot.x_range.start) / place.clientWidth;
      // The map's scale: its unit is a radian where nothing is stretched.
      if (at) model.send({ kind: "tap", ...at, reach: NEAR * perPixel * RADIAN });
    };
    const hover = (event) => {
      const at = whereIs(event);
      let text = at ? told(at) : "";
      const table = cells[model.get("_sky").centre];
      if (at && table && "most" in model.get("_sky")) {
        const { width, height } = model.get("_chosen");
        const column = Math.floor((event.x / HALF_WIDTH + 1) / 2 * width);
        const row = Math.floor((event.y / HALF_HEIGHT + 1) / 2 * height);
        const count = Math.max(0, counts[table[row * width + column]] ?? 0);
        text += ` \u00b7 ${count.toLocaleString("en")} ${count === 1 ? "alert" : "alerts"}`;
      }
      cursor.textContent = text;
    };
    const leave = () => { cursor.textContent = ""; };
    // All at once: Bokeh looks for listeners when this is set, and not when one is added.
    plot.js_event_callbacks = { tap: [tap], mousemove: [hover], mouseleave: [leave] };
    place.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const factor = { "+": ZOOM, "=": ZOOM, "-": 1 / ZOOM, 0: 0 }[event.key];
      if (STEPS[event.key]) model.send({ kind: "step", way: STEPS[event.key] });
      else if (factor !== undefined) zoomAtSelected(factor);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    const take = (message, buffers) => {
      if (message.kind !== "cells") return;
      cells[message.centre] = numbers(buffers[0], Int16Array);
      drawCounts();
    };
    model.on("msg:custom", take);
    undo.push(() => model.off("msg:custom", take));

    const line = listen(model);
    undo.push(() => line.stop());
    undo.push(follow(model, "_ground", drawGround), follow(model, "_chosen", showChosen));
    undo.push(follow(model, "_sky", drawSky), follow(model, "_mark", drawMark));
    dress();
    const themed = new MutationObserver(dress);
    themed.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
    undo.push(() => themed.disconnect());
  };
  passKeysOn(model, el);
  keepKeys(el);
  begin().catch((error) => {
    note.textContent = `The map cannot be drawn: ${error.message}`;
    note.hidden = false;
  });
  return cleanup;
}

export default { render };
