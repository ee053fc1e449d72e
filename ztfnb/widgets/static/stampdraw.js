// The colours of a stamp's pixels, by the rules of ztfnb/look.py, and the controls of its look.

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

/** A stamp as the kernel sent it, with its pixels as numbers. */
function received(stamp) {
  const pixels = stamp.pixels ? numbers(stamp.pixels, Float32Array) : null;
  let sorted = null;
  return {
    ...stamp,
    pixels,
    /** The pixels that have a value, in order: only made when asked for. */
    sorted() {
      sorted ??= finite(pixels).sort();
      return sorted;
    },
  };
}

function finite(pixels) {
  const found = new Float32Array(pixels.length);
  let count = 0;
  for (let at = 0; at < pixels.length; at += 1) {
    if (Number.isFinite(pixels[at])) {
      found[count] = pixels[at];
      count += 1;
    }
  }
  return found.subarray(0, count);
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
function pictureOf(stamp, [low, high], curve, ink, spare) {
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
  return canvasOf(image, spare);
}

/** An image on a canvas: on one that is spare, where its size is right. */
function canvasOf(image, spare = null) {
  const fits = spare?.width === image.width && spare.height === image.height;
  const small = fits ? spare : new OffscreenCanvas(image.width, image.height);
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
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
    selects: [stretch, limits, colours],
    switches,
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
