const GAP = 10; // [px] between stamps
const LARGEST = 4; // screen pixels for one of the sky, unless zoomed
const DEEPEST = 16; // zoom
const STEP = Math.SQRT2; // zoom, of a key or button
const STIR = 4; // [px] that a pointer moves before it drags
const CAPTION = 22; // [px] below a stamp
const NARROW = 480; // [px] of all stamps, below which their captions say less
const WIDE = 640; // [px], from which there is room for the date of an epoch
const NEAR = 3; // [px] from a mark, to be told what it is
const SWITCHES = [
  ["invert", "invert", "Reverse the colour map"],
  ["marks", "marks", "Crosshair, compass and scale"],
  ["neighbours", "neighbours",
    "Catalogue sources: a ring where only the distance is known, a cross where the place is"],
  ["same", "same limits", "The template has the limits of the science stamp"],
];
const HINT = "click, then the wheel zooms, a drag moves";
const HELP = "Click, then: wheel or + and − zoom, drag or arrows move, double click or 0 shows all"
  + " ( , and . : other epochs)";

function render({ model, el }) {
  el.classList.add("ztfnb-stamps");
  el.dataset.lmSuppressShortcuts = "true";
  const palettes = model.get("_palettes");
  let shown = model.get("_shown");
  let look = model.get("_look");
  let stamps = [];
  let limits = [];
  let pictures = []; // of each stamp in colours, made when painted
  const spare = []; // their canvases, to be used again
  let view = { zoom: 1, x: 0, y: 0 };
  let width = 480;
  let due = 0;

  // -- The parts ------------------------------------------------------------------------------
  const row = make("div", {
    class: "ztfnb-stamp-row", tabindex: "0", role: "group", "aria-label": `Stamps. ${HELP}`,
  });
  const note = make("div", { class: "ztfnb-stamp-note", role: "status" });
  const readout = make("span", { class: "ztfnb-stamp-value" });
  const zoomed = make("span", { class: "ztfnb-stamp-zoom", title: "Zoom" });
  const epochs = epochStepper(model);
  const line = make("div", { class: "ztfnb-stamp-line" }, readout, zoomed, epochs.element);
  const chosen = lookControls(palettes, choose, SWITCHES);
  const [same, ...switches] = chosen.switches.reverse();
  const fits = make("button", {
    type: "button", text: "FITS", title: "Download the stamps as a FITS file",
  });
  const png = make("button", {
    type: "button", text: "PNG", title: "Download the stamps as they look here",
  });
  const whole = make("button", {
    type: "button", text: "reset zoom", title: "Show all of the stamps ( 0 )",
  });
  const rare = disclosure("More of the stamps", same, fits, png, whole);
  const controls = make("div", { class: "ztfnb-stamp-controls" },
    ...chosen.selects, ...switches.reverse(), rare.element);
  el.append(row, note, line, controls);

  const figures = [0, 1, 2].map((place) => {
    const canvas = make("canvas", { role: "img" });
    const reason = make("span", { class: "ztfnb-stamp-reason" });
    const spot = make("span", { class: "ztfnb-stamp-spot", hidden: true });
    const value = make("span", { class: "ztfnb-stamp-number", hidden: true });
    const frame = make("div", { class: "ztfnb-stamp-frame" }, canvas, reason, spot, value);
    const kind = make("span", { class: "ztfnb-stamp-kind" });
    const to = make("span", { text: "to" });
    const ends = ["low", "high"].map((name) => make("input", {
      type: "text", inputmode: "decimal", spellcheck: "false", autocomplete: "off", "data-end": name,
    }));
    const box = make("figure", { class: "ztfnb-stamp" }, frame,
      make("figcaption", {}, kind, make("span", { class: "ztfnb-stamp-limits" }, ends[0], to, ends[1])));
    for (const input of ends) {
      input.addEventListener("input", () => fit(input));
      input.addEventListener("change", () => type(place));
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") type(place);
        else if (event.key === "Escape") input.value = input.dataset.told;
        else return;
        event.stopPropagation();
      });
    }
    row.append(box);
    return { box, frame, canvas, reason, spot, kind, value, ends, to };
  });

  // -- What the kernel says ---------------------------------------------------------------------
  function take() {
    const last = shown.object;
    shown = model.get("_shown");
    if (shown.object !== last) view = { ...view, x: 0, y: 0 };
    for (const { ends } of figures) for (const input of ends) input.dataset.told = input.value;
    note.textContent = shown.note;
    note.hidden = !shown.note;
    row.hidden = !shown.stamps.length;
    stamps = shown.stamps.map(received);
    leave();
    restyle();
    epochs.show(shown.candid);
    el.dataset.candid = shown.candid;
  }

  const turns = turnTaking();
  function takeLook() {
    const told = model.get("_look");
    if (turns.isOutdated(told.turn)) return;
    look = told;
    restyle();
  }

  function choose(changes) {
    look = { ...look, ...changes };
    restyle();
    model.send({ kind: "setting", look: changes, turn: turns.next() });
  }

  // -- Paint --------------------------------------------------------------------------------------
  function restyle() {
    chosen.show(look);
    limits = limitsOf(stamps, look);
    pictures = stamps.map(() => null);
    stamps.forEach((stamp, place) => {
      const { canvas, reason, kind, ends, to } = figures[place];
      name(place);
      canvas.hidden = !stamp.pixels;
      reason.textContent = stamp.reason;
      reason.hidden = !stamp.reason;
      to.hidden = !stamp.pixels;
      canvas.setAttribute("aria-label", described(stamp));
      ends.forEach((input, end) => {
        const name = input.dataset.end === "low" ? "Dark" : "Bright";
        const hand = stamp.kind in look.typed ? ", typed; empty it for an automatic one" : "";
        input.disabled = !stamp.pixels;
        const text = stamp.pixels ? brief(limits[place][end]) : "";
        // Not over what is being typed.
        if (input.value === input.dataset.told || document.activeElement !== input) {
          input.value = text;
          fit(input);
          input.removeAttribute("aria-invalid");
        }
        input.dataset.told = text;
        input.classList.toggle("ztfnb-typed", stamp.kind in look.typed);
        input.setAttribute("aria-label", `${name} end of the ${stamp.kind} stamp`);
        input.title = `${name} end of the ${stamp.kind} stamp${hand}`;
      });
    });
    fits.disabled = png.disabled = !stamps.some(({ pixels }) => pixels);
    if (readout.classList.contains("ztfnb-idle")) leave();
    paint();
  }

  function name(place) {
    const { kind } = stamps[place];
    figures[place].kind.textContent = width < NARROW && kind === "difference" ? "diff." : kind;
  }

  function described(stamp) {
    const near = shown.neighbours.map(({ words }) => words).join("; ");
    return `${stamp.kind} stamp, ${stamp.columns} by ${stamp.rows} pixels${near ? `. ${near}` : ""}`;
  }

  /** An end of the limits takes the room of its digits. */
  function fit(input) {
    const digits = Math.min(Math.max(input.value.length, 2), 9);
    if (input.dataset.digits === String(digits)) return;
    input.dataset.digits = digits;
    input.style.width = `calc(${digits}ch + 6px)`;
  }

  /** Of all stamps: pixels of the sky along a side, and the size on the screen. */
  function size() {
    const most = Math.max(1, ...stamps.map((stamp) => stamp.side ?? 1));
    const full = most > 1 ? most : 63;
    const ratio = window.devicePixelRatio || 1;
    const space = Math.min((width - 2 * GAP) / 3, LARGEST * 63);
    // A whole number of the screen's pixels, which those of the sky share.
    const side = Math.max(1, Math.floor(space * ratio)) / ratio;
    return { full, ratio, side, scale: side / full };
  }

  function paint() {
    if (due) cancelAnimationFrame(due);
    due = 0;
    if (!width) return;
    const { full, ratio, side, scale } = size();
    // A sentence in the place of the stamps takes the same room.
    note.style.height = `${side + CAPTION}px`;
    if (!stamps.length) return;
    const limit = (full / 2) * (1 - 1 / view.zoom);
    view.x = Math.min(Math.max(view.x, -limit), limit);
    view.y = Math.min(Math.max(view.y, -limit), limit);
    zoomed.textContent = `${view.zoom.toFixed(1)}×`;
    zoomed.hidden = whole.disabled = view.zoom === 1;
    row.classList.toggle("ztfnb-zoomed", view.zoom > 1);
    stamps.forEach((stamp, place) => {
      const { box, frame, canvas } = figures[place];
      box.style.width = frame.style.height = `${side}px`;
      if (!stamp.pixels) return;
      const pixels = Math.round(side * ratio);
      if (canvas.width !== pixels) {
        canvas.width = canvas.height = pixels;
        canvas.style.width = canvas.style.height = `${side}px`;
      }
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, side, side);
      drawStamp(pen, stamp, pictured(place), { side, ratio, scale: scale * view.zoom, x: view.x,
        y: view.y }, look, shown.neighbours);
    });
  }

  function pictured(place) {
    const stamp = stamps[place];
    pictures[place] ??= pictureOf(stamp, limits[place], CURVES[curveOf(stamp.kind, look)],
      inkOf(palettes, look), spare[place]);
    spare[place] = pictures[place];
    return pictures[place];
  }

  function paintSoon() {
    due ||= requestAnimationFrame(paint);
  }

  // -- Limits by hand -----------------------------------------------------------------------------
  function type(place) {
    const { kind } = stamps[place];
    const { ends } = figures[place];
    if (ends.every((input) => input.value === input.dataset.told)) return;
    const texts = ends.map((input) => input.value.trim().replace("−", "-"));
    const typed = { ...look.typed };
    delete typed[kind];
    if (texts.every(Boolean)) {
      // What was not touched keeps the digits that are not shown.
      const pair = texts.map((text, end) =>
        (text === brief(limits[place][end]).replace("−", "-") ? limits[place][end] : Number(text)));
      const wrong = !pair.every((value) => Math.abs(value) < 3e38) || pair[0] > pair[1];
      for (const input of ends) input.setAttribute("aria-invalid", String(wrong));
      if (wrong) {
        trouble("Limits: expected two numbers in order.");
        return;
      }
      typed[kind] = pair;
    }
    for (const input of ends) input.dataset.told = input.value;
    choose({ typed });
  }

  // -- Pointer, wheel and keys ----------------------------------------------------------------------
  function zoomTo(zoom, x = 0, y = 0) {
    const { scale } = size();
    const wanted = Math.min(Math.max(zoom, 1), DEEPEST);
    const nearly = wanted < 1.01 ? 1 : wanted;
    // The point at (x, y) from the middle of a stamp [px] stays where it is.
    view.x += x / (scale * view.zoom) - x / (scale * nearly);
    view.y += y / (scale * view.zoom) - y / (scale * nearly);
    view.zoom = nearly;
    paintSoon();
  }
  function showAll() {
    view = { zoom: 1, x: 0, y: 0 };
    paintSoon();
  }
  function move(x, y) {
    view.x += x;
    view.y += y;
    paintSoon();
  }
  const frameAt = (event) => figures.findIndex(({ frame }) => frame.contains(event.target));
  function fromMiddle(event, place) {
    const bounds = figures[place].frame.getBoundingClientRect();
    return [event.clientX - bounds.left - bounds.width / 2,
      event.clientY - bounds.top - bounds.height / 2];
  }

  row.addEventListener("wheel", (event) => {
    const place = frameAt(event);
    // Elsewhere, and where there is nothing to zoom out of, the wheel is the page's.
    if (place < 0 || !(event.ctrlKey || row.matches(":focus"))) return;
    if (event.deltaY > 0 && view.zoom === 1 && !event.ctrlKey) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    zoomTo(view.zoom * Math.exp(-event.deltaY * lines * 0.003), ...fromMiddle(event, place));
  }, { passive: false });

  let drag = null;
  row.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || frameAt(event) < 0) return;
    row.focus({ preventScroll: true });
    drag = { x: event.clientX, y: event.clientY, from: { ...view }, moved: false };
  });
  row.addEventListener("pointermove", (event) => {
    const place = frameAt(event);
    if (drag && event.buttons & 1) {
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(dx, dy) < STIR) return;
      if (!drag.moved) row.setPointerCapture(event.pointerId);
      drag.moved = true;
      const { scale } = size();
      view.x = drag.from.x - dx / (scale * view.zoom);
      view.y = drag.from.y - dy / (scale * view.zoom);
      leave();
      paintSoon();
    } else if (place >= 0 && stamps[place]?.pixels) {
      point(stamps[place], ...fromMiddle(event, place));
    } else leave();
  });
  const drop = () => { drag = null; };
  row.addEventListener("pointerup", drop);
  row.addEventListener("pointercancel", drop);
  row.addEventListener("pointerleave", leave);
  row.addEventListener("dblclick", (event) => { if (frameAt(event) >= 0) showAll(); });

  row.addEventListener("keydown", (event) => {
    if (event.target !== row || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = size().full / view.zoom / 10;
    const inside = view.zoom > 1; // else the keys are the page's
    const acts = {
      "+": () => zoomTo(view.zoom * STEP), "=": () => zoomTo(view.zoom * STEP),
      "-": () => zoomTo(view.zoom / STEP),
      ",": () => epochs.step(-1), ".": () => epochs.step(1),
      Escape: () => row.blur(),
      ...(inside && {
        0: showAll,
        ArrowLeft: () => move(-far, 0), ArrowRight: () => move(far, 0),
        ArrowUp: () => move(0, -far), ArrowDown: () => move(0, far),
      }),
    };
    if (!acts[event.key]) return;
    acts[event.key]();
    event.preventDefault();
    event.stopPropagation();
  });
  whole.addEventListener("click", () => { rare.close(); showAll(); row.focus({ preventScroll: true }); });

  // -- The pixel under the pointer ------------------------------------------------------------------
  function point(over, x, y) {
    const { scale, side } = size();
    // From the centre of every stamp, which show the same of the sky [pixels].
    const dx = view.x + x / (scale * view.zoom);
    const dy = view.y + y / (scale * view.zoom);
    stamps.forEach((stamp, place) => {
      const { value, spot } = figures[place];
      const pixel = pixelAt(stamp, dx, dy);
      value.textContent = pixel === undefined ? ""
        : Number.isFinite(pixel) ? brief(pixel) : "no value";
      value.hidden = pixel === undefined;
      spot.hidden = stamp === over || !stamp.pixels;
      if (!spot.hidden) spot.style.transform = `translate(${side / 2 + x}px, ${side / 2 + y}px)`;
    });
    const words = told(over, dx, dy, (NEAR * over.scale) / scale / view.zoom).join("; ");
    const column = Math.floor(over.centre[0] + dx);
    const line = Math.floor(over.centre[1] + dy);
    const inside = column >= 0 && line >= 0 && column < over.columns && line < over.rows;
    readout.classList.remove("ztfnb-idle");
    const rest = words ? ` · ${words}` : offset(over, column, line);
    readout.textContent = inside ? `x ${column + 1}, y ${over.rows - line}${rest}` : "";
    readout.title = "x and y as in the FITS file; offset and position of the middle of the pixel";
  }
  /** The catalogue sources at a point, in words: those at the detection, or the mark there. */
  function told(stamp, dx, dy, near) {
    if (!look.neighbours || !stamp.at || !stamp.scale) return [];
    const found = Math.hypot(dx, dy) <= CLOSE
      ? shown.neighbours.filter((one) => isClose(one, stamp))
      : drawnOn(stamp, shown.neighbours).filter((one) => isAt(one, stamp, dx, dy, near)).slice(0, 1);
    return found.map(({ words }) => words);
  }
  function pixelAt(stamp, dx, dy) {
    if (!stamp.pixels) return undefined;
    const column = Math.floor(stamp.centre[0] + dx);
    const line = Math.floor(stamp.centre[1] + dy);
    const inside = column >= 0 && line >= 0 && column < stamp.columns && line < stamp.rows;
    return inside ? stamp.pixels[line * stamp.columns + column] : undefined;
  }
  function offset(stamp, column, line) {
    if (!stamp.compass || !stamp.at) return "";
    const east = (stamp.at[0] - column) * stamp.scale;
    const north = (stamp.at[1] - line) * stamp.scale;
    const words = `${Math.abs(east).toFixed(1)}″ ${east < 0 ? "W" : "E"} `
      + `${Math.abs(north).toFixed(1)}″ ${north < 0 ? "S" : "N"}`;
    if (!shown.position) return ` · ${words}`;
    const [ra, dec] = shown.position;
    const there = (ra + east / 3600 / Math.cos((dec * Math.PI) / 180) + 360) % 360;
    return ` · ${words} · ${there.toFixed(4)} ${signed(dec + north / 3600)}`;
  }
  function leave() {
    const first = stamps.find(({ at, scale }) => at && scale);
    const close = first && look.neighbours
      ? shown.neighbours.filter((one) => isClose(one, first)) : [];
    const words = close.map(({ label, distance }) => `${label} ${distance.toFixed(1)}″`).join(", ");
    readout.textContent = [words && `centre: ${words}`, stamps.length && HINT].filter(Boolean).join(" · ");
    readout.title = [...close.map((one) => one.words), HELP].join("\n");
    readout.classList.add("ztfnb-idle");
    for (const { value, spot } of figures) value.hidden = spot.hidden = true;
  }

  // -- Files --------------------------------------------------------------------------------------------
  fits.addEventListener("click", () => model.send({ kind: "fits" }));
  png.addEventListener("click", () => {
    const drawn = stamps.map((stamp, place) => ({
      stamp, picture: stamp.pixels ? pictured(place) : null,
    }));
    saveSheet(shown, drawn, { ...view, full: size().full }, look);
  });

  function trouble(text) {
    readout.classList.remove("ztfnb-idle");
    readout.textContent = text;
    readout.title = text;
  }
  const heard = (message) => { if (message.kind === "trouble") trouble(message.text); };

  const undo = [
    follow(model, "_look", takeLook), follow(model, "_shown", take),
    follow(model, "_epochs", () => epochs.show(shown.candid)), downloads(model),
  ];
  model.on("msg:custom", heard);
  passKeysOn(model, el);
  keepKeys(el);
  const resized = new ResizeObserver(([entry]) => {
    if (entry.contentRect.width === width) return;
    width = entry.contentRect.width;
    el.classList.toggle("ztfnb-narrow", width < NARROW);
    el.classList.toggle("ztfnb-wide", width >= WIDE);
    stamps.forEach((_stamp, place) => name(place));
    paint();
  });
  resized.observe(el);
  return () => {
    for (const end of undo) end();
    model.off("msg:custom", heard);
    resized.disconnect();
    rare.close();
    cancelAnimationFrame(due);
  };
}

/** A number in few digits. */
function brief(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? value.toExponential(2) : String(+value.toPrecision(4));
  return text.replace("-", "−").replace("e+", "e").replace("e−", "e-");
}
function signed(degrees) {
  return `${degrees < 0 ? "−" : "+"}${Math.abs(degrees).toFixed(4)}`;
}

export default { render };
