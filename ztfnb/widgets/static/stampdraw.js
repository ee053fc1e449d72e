// Drawing of one stamp, by the rules of ztfnb/look.py, and the controls of its look.

const STRETCHES = [
  ["auto", "auto"], ["asinh", "asinh"], ["linear", "linear"],
  ["sqrt", "sqrt"], ["log", "log"],
];
// Each takes 0..1 onto 0..1.
const CURVES = {
  linear: (x) => x,
  sqrt: Math.sqrt,
  asinh: (x) => Math.asinh(x / 0.1) / Math.asinh(1 / 0.1),
  log: (x) => Math.log1p(1000 * x) / Math.log1p(1000),
};
const LIMITS = [
  [90, "90 %"], [95, "95 %"], [98, "98 %"], [99, "99 %"], [99.8, "99.8 %"],
  [100, "100 %"], ["zscale", "zscale"],
];
const HATCH = 6; // [px]
const BARS = [30, 20, 10, 5, 2, 1, 0.5]; // [arcsec]
const COMPASS = 18; // [px]
// Of Okabe and Ito: colour-blind people can tell them apart.
const HUES = {
  PS1: "#56b4e9", Gaia: "#f0a000", "Solar System": "#ee82c0", reference: "#2fd6a3",
};
const SMALLEST = 3; // [px] radius of a ring
const LABELLED = 14; // [px] from the middle, below which there is no room for a label
const ANGLES = [-0.5, -0.2, 0.2, -0.8, 0.8, 0.5, 0, 1].map((turn) => turn * Math.PI); // of labels

/** A stamp as the kernel sent it, with its pixels as numbers. */
function received(stamp) {
  const pixels = stamp.pixels ? numbers(stamp.pixels, Float32Array) : null;
  let sorted = null;
  return {
    ...stamp,
    pixels,
    /** The pixels that have a value, in order: only made when asked for. */
    sorted() {
      sorted ??= pixels.filter(Number.isFinite).sort();
      return sorted;
    },
  };
}

function percentile(sorted, share) {
  const at = (share / 100) * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

function curveOf(kind, look) {
  if (look.stretch !== "auto") return look.stretch;
  return kind === "difference" ? "linear" : "asinh";
}

/** Values that are dark and bright in each of the stamps, or null where there is none. */
function limitsOf(stamps, look) {
  const science = stamps.find(({ kind, pixels }) => kind === "science" && pixels);
  return stamps.map((stamp) => {
    if (!stamp.pixels) return null;
    const own = !(look.same && stamp.kind === "template" && science);
    return ownLimits(own ? stamp : science, look);
  });
}

function ownLimits(stamp, look) {
  if (look.typed[stamp.kind]) return look.typed[stamp.kind];
  if (look.limits === "zscale" && stamp.zscale) return stamp.zscale;
  const beyond = (100 - (look.limits === "zscale" ? 99 : look.limits)) / 2;
  const low = percentile(stamp.sorted(), beyond);
  const high = percentile(stamp.sorted(), 100 - beyond);
  if (stamp.kind !== "difference" || curveOf(stamp.kind, look) !== "linear") return [low, high];
  const reach = Math.max(Math.abs(low), Math.abs(high));
  return [-reach, reach];
}

/** The 256 colours of a look as pixels of an image. */
function inkOf(palettes, look) {
  inkOf.made ??= new Map();
  const key = `${look.colours} ${look.invert}`;
  if (!inkOf.made.has(key)) {
    const palette = numbers(palettes[look.colours], Uint8Array);
    const bytes = new Uint8Array(4 * 256).fill(255);
    for (let level = 0; level < 256; level += 1) {
      const from = 3 * (look.invert ? 255 - level : level);
      bytes.set(palette.subarray(from, from + 3), 4 * level);
    }
    inkOf.made.set(key, new Uint32Array(bytes.buffer));
  }
  return inkOf.made.get(key);
}

/** The pixels of a stamp in colours, one for one; without a value they stay transparent. */
function pictureOf(stamp, [low, high], curve, ink) {
  const { rows, columns, pixels } = stamp;
  const image = new ImageData(columns, rows);
  const out = new Uint32Array(image.data.buffer);
  const span = high - low;
  for (let at = 0; at < pixels.length; at += 1) {
    const pixel = pixels[at];
    if (!Number.isFinite(pixel)) continue;
    const share = span > 0 ? curve(Math.min(Math.max((pixel - low) / span, 0), 1)) : 0.5;
    out[at] = ink[Math.round(share * 255)];
  }
  return canvasOf(image);
}

function canvasOf(image) {
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
}

/**
 * Draw a stamp into a square.
 * `view`: `side` [px], `scale` [px a pixel of the sky], `x`, `y` [pixels of the sky] that the
 * square's middle is away from the stamp's centre, `ratio` of the screen.
 */
function drawStamp(pen, stamp, picture, view, look, neighbours) {
  const { side, scale, ratio } = view;
  const [x, y] = toView(stamp, view, 0, 0);
  // Edges of pixels on pixels of the screen.
  const left = Math.round(x * ratio) / ratio;
  const top = Math.round(y * ratio) / ratio;
  const width = stamp.columns * scale;
  const height = stamp.rows * scale;
  pen.save();
  pen.beginPath();
  pen.rect(0, 0, side, side);
  pen.clip();
  hatch(pen, left, top, width, height);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(picture, left, top, width, height);
  pen.lineCap = "round";
  if (look.neighbours && stamp.at && stamp.scale) sources(pen, stamp, view, neighbours);
  if (look.marks) marks(pen, stamp, view);
  pen.restore();
}

/** A point of a stamp, counted from its corner, as a point of its square. */
function toView(stamp, { side, scale, x, y }, column, row) {
  const [middle, centre] = stamp.centre;
  return [side / 2 + (column - middle - x) * scale, side / 2 + (row - centre - y) * scale];
}

/** What shows where a pixel has no value. */
function hatch(pen, left, top, width, height) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.fillStyle = "#8884";
  pen.fillRect(left, top, width, height);
  pen.strokeStyle = "#8888";
  pen.lineWidth = 1;
  pen.beginPath();
  for (let x = left - height; x < left + width; x += HATCH) {
    pen.moveTo(x, top + height);
    pen.lineTo(x + height, top);
  }
  pen.stroke();
  pen.restore();
}

/** Draw lines that can be told from any picture: dark below, light above. */
function lines(pen, path, colour = "#fff", width = 1.25, shade = "#000a") {
  for (const [style, thick] of [[shade, width + 1.5], [colour, width]]) {
    pen.strokeStyle = style;
    pen.lineWidth = thick;
    pen.beginPath();
    path();
    pen.stroke();
  }
}

function letters(pen, text, x, y, colour = "#fff") {
  pen.font = "600 10px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.strokeStyle = "#000b";
  pen.strokeText(text, x, y);
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

function marks(pen, stamp, view) {
  const { side, scale } = view;
  if (stamp.at) {
    const [x, y] = toView(stamp, view, ...stamp.centre);
    const near = Math.max(6, 3 * scale);
    const far = near + Math.max(8, Math.min(5 * scale, 24));
    lines(pen, () => {
      for (const [dx, dy] of [[-1, 0], [0, -1]]) {
        pen.moveTo(x + dx * near, y + dy * near);
        pen.lineTo(x + dx * far, y + dy * far);
      }
    });
  }
  if (stamp.kind !== "science") return;
  if (stamp.compass) {
    const [x, y] = [side - 12, side - 12];
    lines(pen, () => {
      pen.moveTo(x - COMPASS, y);
      pen.lineTo(x, y);
      pen.lineTo(x, y - COMPASS);
    });
    letters(pen, "E", x - COMPASS - 8, y);
    letters(pen, "N", x, y - COMPASS - 8);
  }
  if (stamp.scale) {
    const pixel = scale / stamp.scale; // [px/arcsec]
    const bar = BARS.find((seconds) => seconds * pixel <= 0.4 * side) ?? BARS.at(-1);
    const y = side - 10;
    lines(pen, () => {
      pen.moveTo(10, y);
      pen.lineTo(10 + bar * pixel, y);
    });
    letters(pen, `${bar}″`, 10 + Math.max(bar * pixel, 16) / 2, y - 10);
  }
}

/** Catalogue sources: a ring where only the distance is known, a cross where the place is. */
function sources(pen, stamp, view, neighbours) {
  const pixel = view.scale / stamp.scale; // [px/arcsec]
  const [x, y] = toView(stamp, view, ...stamp.centre);
  let middle = false; // whether one is drawn that cannot be told from the detection's place
  const tags = [];
  for (const { catalogue, label, distance, east, north } of neighbours) {
    const hue = HUES[catalogue] ?? "#fff";
    const far = distance * pixel;
    const places = [];
    if (east === null) {
      if (middle && far < SMALLEST) continue;
      middle ||= far < SMALLEST;
      lines(pen, () => pen.arc(x, y, Math.max(far, SMALLEST), 0, 2 * Math.PI), hue, 1, "#0007");
      places.push(...ANGLES.map((angle) => [x + far * Math.cos(angle), y + far * Math.sin(angle)]));
    } else {
      const [crossX, crossY] = [x - east * pixel, y - north * pixel];
      lines(pen, () => {
        for (const way of [1, -1]) {
          pen.moveTo(crossX - 2.5, crossY - 2.5 * way);
          pen.lineTo(crossX + 2.5, crossY + 2.5 * way);
        }
      }, hue, 1, "#0007");
      places.push([crossX, crossY + 9], [crossX, crossY - 9]);
    }
    if (far >= LABELLED) tags.push({ label, hue, places });
  }
  if (stamp.kind === "science") tell(pen, tags, view.side);
}

/** Write each label at the first of its places that is free. */
function tell(pen, tags, side) {
  const taken = [];
  for (const { label, hue, places } of tags) {
    const half = 3.2 * label.length + 2;
    const free = ([x, y]) => x > half && x < side - half && y > 8 && y < side - 34
      && taken.every((one) => Math.abs(one.x - x) > one.half + half || Math.abs(one.y - y) > 11);
    const place = places.find(free);
    if (!place) continue;
    letters(pen, label, ...place, hue);
    taken.push({ x: place[0], y: place[1], half });
  }
}

/** Whether a point, so many pixels from a stamp's centre, is on the mark of a source [arcsec]. */
function isAt({ distance, east, north }, stamp, dx, dy, near) {
  if (east === null) return Math.abs(Math.hypot(dx, dy) * stamp.scale - distance) <= near;
  return Math.hypot(dx * stamp.scale + east, dy * stamp.scale + north) <= 1.5 * near;
}

/** Selects and switches of the look of stamps: `change` is called with what was chosen. */
function lookControls(palettes, change, names) {
  const stretch = make("select", {
    "aria-label": "Stretch of the stamps",
    title: "auto: asinh for science and template, linear about zero for the difference",
  });
  for (const [value, text] of STRETCHES) stretch.append(make("option", { value, text }));
  const limits = make("select", {
    "aria-label": "Limits of the stamps",
    title: "Share of the pixels between dark and bright",
  });
  const typed = make("option", { value: "typed", text: "typed", disabled: true });
  const other = make("option", { hidden: true });
  limits.append(...LIMITS.map(([value, text]) => make("option", { value, text })), other, typed);
  const colours = make("select", { "aria-label": "Colour map of the stamps" });
  for (const name of Object.keys(palettes)) {
    colours.append(make("option", { value: name, text: name }));
  }
  stretch.addEventListener("change", () => change({ stretch: stretch.value }));
  colours.addEventListener("change", () => change({ colours: colours.value }));
  limits.addEventListener("change", () => {
    const { value } = limits;
    change({ limits: value === "zscale" ? value : Number(value), typed: {} });
  });
  const switches = names.map(([name, text, title]) => {
    const button = make("button", { type: "button", text, title, "data-value": name });
    button.addEventListener("click", () => change({
      [name]: button.getAttribute("aria-pressed") !== "true",
    }));
    return button;
  });
  return {
    elements: [stretch, limits, colours, ...switches],
    show(look) {
      stretch.value = look.stretch;
      colours.value = look.colours;
      const percent = String(look.limits);
      if (!LIMITS.some(([value]) => String(value) === percent)) {
        other.value = percent;
        other.textContent = `${percent} %`;
      }
      limits.value = Object.keys(look.typed).length ? "typed" : percent;
      for (const button of switches) {
        button.setAttribute("aria-pressed", String(look[button.dataset.value]));
      }
    },
  };
}
