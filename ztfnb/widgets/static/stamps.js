const STRETCHES = [
  ["auto", "auto stretch"], ["asinh", "asinh"], ["linear", "linear"],
  ["sqrt", "square root"], ["log", "log"],
];
// Each takes 0..1 onto 0..1.
const CURVES = {
  linear: (x) => x,
  symmetric: (x) => x,
  sqrt: Math.sqrt,
  asinh: (x) => Math.asinh(x / 0.1) / Math.asinh(10),
  log: (x) => Math.log1p(1000 * x) / Math.log1p(1000),
};
const GAP = 12; // [px] between stamps
const LARGEST = 4; // screen pixels for one of the sky
const HATCH = 6;

function percentile(sorted, share) {
  const at = (share / 100) * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

function limitsOf(sorted, stretch) {
  const low = percentile(sorted, 0.5);
  const high = percentile(sorted, 99.5);
  if (stretch !== "symmetric") return [low, high];
  const reach = Math.max(Math.abs(low), Math.abs(high));
  return [-reach, reach];
}

function render({ model, el }) {
  el.classList.add("ztfnb-stamps");
  el.dataset.lmSuppressShortcuts = "true";
  const palettes = model.get("_palettes");
  const row = make("div", { class: "ztfnb-stamp-row" });
  const note = make("div", { class: "ztfnb-stamp-note", role: "status" });
  const stretch = make("select", {
    "aria-label": "Stretch of the stamps",
    title: "auto: asinh for science and template, linear about zero for the difference",
  });
  for (const [value, text] of STRETCHES) stretch.append(make("option", { value, text }));
  const colours = make("select", { "aria-label": "Colour map of the stamps" });
  for (const name of Object.keys(palettes)) {
    colours.append(make("option", { value: name, text: name }));
  }
  const value = make("span", { class: "ztfnb-stamp-value" });
  const controls = make("div", { class: "ztfnb-stamp-controls" }, value, stretch, colours);
  el.append(row, note, controls);
  let stamps = [];
  const inks = new Map();
  /** The 256 colours of a map as pixels of an image. */
  function inkOf(name) {
    if (!inks.has(name)) {
      const palette = numbers(palettes[name], Uint8Array);
      const bytes = new Uint8Array(4 * 256).fill(255);
      for (let level = 0; level < 256; level += 1) {
        bytes.set(palette.subarray(3 * level, 3 * level + 3), 4 * level);
      }
      inks.set(name, new Uint32Array(bytes.buffer));
    }
    return inks.get(name);
  }

  function take() {
    const shown = model.get("_shown");
    note.textContent = shown.note;
    note.hidden = !shown.note;
    value.textContent = "";
    stamps = shown.stamps.map((stamp) => {
      const pixels = stamp.pixels ? numbers(stamp.pixels, Float32Array) : null;
      const sorted = pixels ? pixels.filter(Number.isFinite).sort() : null;
      return { ...stamp, pixels, sorted };
    });
    row.hidden = controls.hidden = !stamps.length;
    while (row.children.length > stamps.length) row.lastChild.remove();
    while (row.children.length < stamps.length) row.append(figure(row.children.length));
    paint();
    el.dataset.candid = shown.candid;
  }

  function figure(place) {
    const canvas = make("canvas", { role: "img" });
    const reason = make("span", { class: "ztfnb-stamp-reason" });
    const frame = make("div", { class: "ztfnb-stamp-frame" }, canvas, reason);
    const box = make("figure", { class: "ztfnb-stamp" }, frame, make("figcaption"));
    canvas.addEventListener("pointermove", (event) => {
      const stamp = stamps[place];
      if (!stamp?.pixels) return;
      const bounds = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - bounds.left) / bounds.width) * stamp.columns);
      const line = Math.floor(((event.clientY - bounds.top) / bounds.height) * stamp.rows);
      const pixel = stamp.pixels[line * stamp.columns + column];
      if (pixel === undefined) return;
      const text = Number.isFinite(pixel) ? pixel.toPrecision(4) : "no value";
      value.textContent = `${stamp.kind} (${column}, ${stamp.rows - 1 - line}): ${text}`;
    });
    canvas.addEventListener("pointerleave", () => { value.textContent = ""; });
    return box;
  }

  function paint() {
    if (!stamps.length) return;
    const width = el.clientWidth || 480;
    const space = (width - GAP * (stamps.length - 1)) / stamps.length;
    const side = Math.max(63, ...stamps.map((stamp) => Math.max(stamp.rows, stamp.columns)));
    const scale = Math.max(0.5, Math.min(LARGEST, space / side)); // one for all
    row.style.gap = `${GAP}px`;
    stamps.forEach((stamp, place) => {
      const box = row.children[place];
      const frame = box.firstChild;
      const [canvas, reason] = frame.children;
      frame.style.width = frame.style.height = `${side * scale}px`;
      box.lastChild.textContent = stamp.kind;
      canvas.hidden = !stamp.pixels;
      reason.textContent = stamp.reason;
      reason.hidden = !stamp.reason;
      canvas.setAttribute("aria-label", `${stamp.kind} stamp, ${stamp.columns} by ${stamp.rows} pixels`);
      if (stamp.pixels) draw(canvas, stamp, scale);
    });
  }

  function draw(canvas, stamp, scale) {
    const { rows, columns, pixels, sorted } = stamp;
    const ratio = window.devicePixelRatio || 1;
    const chosen = stretch.value === "auto" ? stamp.stretch
      : stamp.stretch === "symmetric" && stretch.value === "linear" ? "symmetric" : stretch.value;
    const [low, high] = limitsOf(sorted, chosen);
    const curve = CURVES[chosen];
    const palette = inkOf(colours.value);
    const image = new ImageData(columns, rows);
    const ink = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at += 1) {
      if (!Number.isFinite(pixels[at])) continue; // stays transparent: the hatching shows
      const share = high > low ? Math.min(Math.max((pixels[at] - low) / (high - low), 0), 1) : 0.5;
      ink[at] = palette[Math.round(curve(share) * 255)];
    }
    const small = new OffscreenCanvas(columns, rows);
    small.getContext("2d").putImageData(image, 0, 0);
    const width = columns * scale;
    const height = rows * scale;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    if (sorted.length < pixels.length) hatch(pen, width, height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, width, height);
    marks(pen, stamp, scale, width, height);
  }

  function hatch(pen, width, height) {
    pen.fillStyle = "#8884";
    pen.fillRect(0, 0, width, height);
    pen.strokeStyle = "#8888";
    pen.beginPath();
    for (let x = -height; x < width; x += HATCH) {
      pen.moveTo(x, height);
      pen.lineTo(x + height, 0);
    }
    pen.stroke();
  }

  /** Draw lines that can be told from any picture: dark below, light above. */
  function lines(pen, path) {
    for (const [style, width] of [["#000b", 3], ["#fff", 1.25]]) {
      pen.strokeStyle = style;
      pen.lineWidth = width;
      pen.beginPath();
      path();
      pen.stroke();
    }
  }
  function letters(pen, text, x, y) {
    pen.font = "600 10px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineWidth = 3;
    pen.strokeStyle = "#000b";
    pen.strokeText(text, x, y);
    pen.fillStyle = "#fff";
    pen.fillText(text, x, y);
  }
  function marks(pen, stamp, scale, width, height) {
    pen.lineCap = "round";
    if (stamp.at) {
      const x = (stamp.at[0] + 0.5) * scale;
      const y = (stamp.at[1] + 0.5) * scale;
      const [near, far] = [4 * scale, 9 * scale];
      lines(pen, () => {
        for (const [dx, dy] of [[-1, 0], [0, -1]]) {
          pen.moveTo(x + dx * near, y + dy * near);
          pen.lineTo(x + dx * far, y + dy * far);
        }
      });
    }
    if (stamp.compass && stamp.kind === "science") {
      const [x, y, arm] = [width - 12, height - 12, 18];
      lines(pen, () => {
        pen.moveTo(x - arm, y);
        pen.lineTo(x, y);
        pen.lineTo(x, y - arm);
      });
      letters(pen, "E", x - arm - 8, y);
      letters(pen, "N", x, y - arm - 8);
    }
    if (stamp.scale && stamp.kind === "science") {
      const length = (10 / stamp.scale) * scale;
      const y = height - 10;
      lines(pen, () => {
        pen.moveTo(10, y);
        pen.lineTo(10 + length, y);
      });
      letters(pen, "10″", 10 + length / 2, y - 10);
    }
  }

  stretch.addEventListener("change", paint);
  colours.addEventListener("change", paint);
  const undo = follow(model, "_shown", take);
  const resized = new ResizeObserver(paint);
  resized.observe(el);
  return () => { undo(); resized.disconnect(); };
}

export default { render };
