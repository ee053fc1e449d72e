// The figure of a light curve: points over time or phase, drawn by BokehJS.

const COLUMNS = ["x", "y", "lower", "upper", "size", "alpha", "color", "fill", "marker", "told"];
const AXES = { below: 24, left: 54 }; // [px] from the frame: room for any number
const REACH = 14; // [px] around a point, within which it is tapped on

const twice = (values) =>
  ArrayBuffer.isView(values) ? Float64Array.of(...values, ...values) : [...values, ...values];

/** Days as a person reads them. */
const days = (period) => String(Number(period.toPrecision(7)));

/** Phases of dates, for two cycles: those of the first, then those of the second. */
function phases(jd, start, period) {
  const x = new Float64Array(2 * jd.length);
  jd.forEach((date, place) => {
    const cycles = (date - start) / period;
    x[place] = cycles - Math.floor(cycles);
    x[place + jd.length] = x[place] + 1;
  });
  return x;
}

/**
 * Leave out what BokehJS does for every painting of the figure, though nothing of it changed:
 * the styles of JupyterLab's page make it dear. Without it all works too, only slower.
 */
function hasten(view) {
  const plot = view.model;
  const still = new Set([...plot.below, ...plot.left, ...plot.center, ...plot.renderers]);
  for (const one of view.renderer_views?.values() ?? []) {
    const side = Object.keys(AXES).find((name) => plot[name][0] === one.model);
    // Labels of another width would lay out everything anew.
    if (side && one.get_size) one.get_size = () => ({ width: 0, height: AXES[side] });
    if (!still.has(one.model) || !one.update_position) continue;
    // Each has a style sheet of its own, which would be replaced by the same.
    const put = one.update_position.bind(one);
    let last = "";
    one.update_position = () => {
      const { left, top, width, height, is_valid: valid } = one.bbox ?? {};
      const box = String([left, top, width, height, valid]);
      if (box !== last) put();
      last = box;
    };
  }
}

/**
 * Put the figure into `place`. Returns `paint({ shown, period, mark, snr })`, which changes what is
 * not as before, `dress(colours)`, and `remove`. `onTap` is given the row of the light curve.
 */
async function curvePlot(Bokeh, figure, place, onTap) {
  const views = await Bokeh.embed.embed_item(structuredClone(figure), place);
  const view = [...views][0];
  const plot = view.model;
  const find = (name) => plot.document.get_model_by_name(name);
  const points = find("points");
  const circle = find("ring");
  hasten(view);
  view.invalidate_layout?.();

  let held = null; // the columns of the message that is drawn
  let before = {};
  const rowOf = (index) => held.rows[index % held.rows.length];

  plot.on_event("tap", (event) => {
    if (!held) return;
    const { x_scale: across, y_scale: up } = view.frame;
    let best = -1;
    let least = REACH ** 2;
    const { x, y } = points.data;
    for (let index = 0; index < x.length; index += 1) {
      const away = (across.compute(x[index]) - event.sx) ** 2 + (up.compute(y[index]) - event.sy) ** 2;
      // Later ones lie on top.
      if (away <= least) [best, least] = [index, away];
    }
    if (best >= 0) onTap(rowOf(best));
  });

  const unpack = (columns) => Object.fromEntries(Object.entries(columns).map(
    ([name, values]) => [name, values instanceof DataView ? numbers(values, Float64Array) : values]));

  const paint = ({ shown, period, mark, snr }) => {
    const fresh = shown !== before.shown;
    const folded = period > 0;
    if (fresh) held = shown.points ? unpack(shown.points) : null;
    if (fresh || period !== before.period || snr !== before.snr) {
      const data = Object.fromEntries(COLUMNS.map((name) => [name, []]));
      if (held) {
        for (const name of COLUMNS) {
          if (name in held) data[name] = folded ? twice(held[name]) : held[name];
        }
        const alpha = snr === null ? held.alpha
          : held.alpha.map((opacity, row) => (held.snr[row] >= snr ? opacity : shown.faint));
        data.alpha = folded ? twice(alpha) : alpha;
        if (folded) data.x = phases(held.jd, shown.start, period);
      }
      points.data = data;
    }
    const { x, y } = points.data;
    const marked = [...x.keys()].filter((index) => held && rowOf(index) === mark);
    const ring = { x: marked.map((index) => x[index]), y: marked.map((index) => y[index]) };
    if (String(ring.x) !== String(circle.data.x) || String(ring.y) !== String(circle.data.y)) {
      circle.data = ring;
    }
    const span = held ? [folded ? shown.phases : shown.x_range, shown.y_range] : null;
    if (span && String(span) !== before.span) {
      [plot.x_range, plot.y_range].forEach((range, place_) => {
        const [start, end] = span[place_];
        range.setv({ start, end, reset_start: start, reset_end: end });
      });
    }
    before = { shown, period, snr, span: span ? String(span) : before.span };
  };

  const dress = ({ ink, line }) => {
    for (const axis of [plot.below[0], plot.left[0]]) {
      axis.setv({ major_label_text_color: ink, axis_line_color: line, major_tick_line_color: line });
    }
    for (const grid of plot.center) grid.setv?.({ grid_line_color: line });
    plot.renderers.at(-1).glyph.line_color = { value: ink };
  };

  return { paint, dress, remove: () => view.remove?.() };
}
