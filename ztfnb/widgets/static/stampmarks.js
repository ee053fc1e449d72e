// A stamp in its square, and what is drawn on it.

const BARS = [30, 20, 10, 5, 2, 1, 0.5]; // [arcsec]
const LONGEST_BAR = 0.25; // of the side
const ARM = 9; // [px] of the compass
const EDGE = 3; // [px] from the edge of a stamp to a plate
const PLATE = "#000a";
// Of Okabe and Ito: colour-blind people can tell them apart.
const HUES = {
  PS1: "#56b4e9", Gaia: "#f0a000", "Solar System": "#ee82c0", reference: "#2fd6a3",
};
const CLOSE = 1.5; // [pixels of the sky]: nothing is drawn over the detection, it is told in words
const CLEAR = 14; // [px] around the detection that labels leave free
const TURNS = [-0.5, -0.25, -0.75, -0.12, -0.88, -0.37, -0.63, 0.25, 0.75, 0.5, 0, 1];

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
  if (stamp.sorted().length < stamp.pixels.length) hatch(pen, left, top, width, height);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(picture, left, top, width, height);
  const taken = look.marks ? marks(pen, stamp, view) : [];
  if (look.neighbours) sources(pen, stamp, view, neighbours, taken);
  pen.restore();
}

/** A point of a stamp, counted from its corner, as a point of its square. */
function toView(stamp, { side, scale, x, y }, column, row) {
  const [middle, centre] = stamp.centre;
  return [side / 2 + (column - middle - x) * scale, side / 2 + (row - centre - y) * scale];
}

/** Draw lines that can be told from any picture: dark below, light above. */
function lines(pen, path, colour = "#fff", shade = "#0009") {
  pen.beginPath();
  path();
  for (const [style, thick] of [[shade, 2.5], [colour, 1]]) {
    pen.strokeStyle = style;
    pen.lineWidth = thick;
    pen.stroke();
  }
}

/** Write on a dark plate, which can be read on any picture; returns the room that it takes. */
function letters(pen, text, x, y, colour) {
  const room = { x, y, width: wide(pen, text) + 5, height: 12 };
  plate(pen, room);
  write(pen, text, x, y, colour);
  return room;
}

function write(pen, text, x, y, colour = "#fff") {
  pen.font = "10px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = colour;
  pen.fillText(text, x, y + 0.5);
}

function wide(pen, text) {
  pen.font = "10px system-ui, sans-serif";
  return Math.ceil(pen.measureText(text).width);
}

function plate(pen, { x, y, width, height }) {
  pen.fillStyle = PLATE;
  pen.beginPath();
  pen.roundRect(x - width / 2, y - height / 2, width, height, 2);
  pen.fill();
}

/** Crosshair, compass and scale; returns the rooms that they take. */
function marks(pen, stamp, view) {
  const { side, scale } = view;
  const taken = [];
  if (stamp.at) {
    const [x, y] = toView(stamp, view, ...stamp.centre).map((at) => Math.floor(at) + 0.5);
    const near = Math.max(6, 3 * scale);
    const far = near + Math.max(8, Math.min(4 * scale, 20));
    lines(pen, () => {
      for (const [dx, dy] of [[-1, 0], [0, -1]]) {
        pen.moveTo(x + dx * near, y + dy * near);
        pen.lineTo(x + dx * far, y + dy * far);
      }
    });
    taken.push({ x, y: y - far / 2, width: 8, height: far },
      { x: x - far / 2, y, width: far, height: 8 });
  }
  if (stamp.kind !== "science") return taken;
  if (stamp.compass) taken.push(compass(pen, side));
  if (stamp.scale) taken.push(scaleBar(pen, side, scale / stamp.scale));
  return taken;
}

function compass(pen, side) {
  const size = ARM + 17;
  const room = { x: side - EDGE - size / 2, y: side - EDGE - size / 2, width: size, height: size };
  const corner = Math.floor(side - EDGE - 6) + 0.5;
  plate(pen, room);
  pen.strokeStyle = "#fff";
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(corner - ARM, corner);
  pen.lineTo(corner, corner);
  pen.lineTo(corner, corner - ARM);
  pen.stroke();
  write(pen, "E", corner - ARM - 5.5, corner);
  write(pen, "N", corner, corner - ARM - 6);
  return room;
}

function scaleBar(pen, side, pixel) {
  const bar = BARS.find((seconds) => seconds * pixel <= LONGEST_BAR * side) ?? BARS.at(-1);
  const text = `${bar}″`;
  const long = bar * pixel;
  const width = long + wide(pen, text) + 11;
  const y = Math.floor(side - EDGE - 7) + 0.5;
  const room = { x: EDGE + width / 2, y, width, height: 13 };
  plate(pen, room);
  pen.fillStyle = "#fff";
  pen.fillRect(EDGE + 4, y - 1, long, 2);
  write(pen, text, EDGE + width - 4 - wide(pen, text) / 2, y);
  return room;
}

/** Of the catalogue sources, those that are drawn on a stamp. */
function drawnOn(stamp, neighbours) {
  if (!stamp.at || !stamp.scale || stamp.kind === "difference") return [];
  return neighbours.filter((one) => !isClose(one, stamp)
    && (stamp.kind === "science" || (one.catalogue === "reference" && one.east !== null)));
}

/** Whether a source cannot be told from the detection's place. */
function isClose({ distance }, stamp) {
  return distance < CLOSE * stamp.scale;
}

/** Catalogue sources: a ring where only the distance is known, a cross where the place is. */
function sources(pen, stamp, view, neighbours, taken) {
  const drawn = drawnOn(stamp, neighbours);
  if (!drawn.length) return;
  const pixel = view.scale / stamp.scale; // [px/arcsec]
  const [x, y] = toView(stamp, view, ...stamp.centre);
  const tags = drawn.map(({ catalogue, label, distance, east, north }) => {
    const hue = HUES[catalogue] ?? "#fff";
    if (east === null) {
      const far = distance * pixel;
      lines(pen, () => pen.arc(x, y, far, 0, 2 * Math.PI), hue, "#0006");
      return { label, hue, places: TURNS.map((turn) =>
        [x + far * Math.cos(turn * Math.PI), y + far * Math.sin(turn * Math.PI)]) };
    }
    const [atX, atY] = [x - east * pixel, y - north * pixel];
    lines(pen, () => {
      for (const way of [1, -1]) {
        pen.moveTo(atX - 3.5, atY - 3.5 * way);
        pen.lineTo(atX + 3.5, atY + 3.5 * way);
      }
    }, hue, "#0006");
    taken.push({ x: atX, y: atY, width: 8, height: 8 });
    return { label, hue, places: [[atX, atY + 12], [atX, atY - 12]] };
  });
  if (stamp.kind !== "science") return;
  taken.push({ x, y, width: 2 * CLEAR, height: 2 * CLEAR });
  for (const { label, hue, places } of tags) {
    // At the first place that is free; else the ring goes without, and the pointer tells.
    const room = { width: wide(pen, label) + 5, height: 12 };
    const place = places.find(([left, top]) => isFree({ ...room, x: left, y: top }, taken, view.side));
    if (place) taken.push(letters(pen, label, ...place, hue));
  }
}

function isFree({ x, y, width, height }, taken, side) {
  return x > width / 2 + 1 && x < side - width / 2 - 1
    && y > height / 2 + 1 && y < side - height / 2 - 1
    && taken.every((one) => Math.abs(one.x - x) >= (one.width + width) / 2
      || Math.abs(one.y - y) >= (one.height + height) / 2);
}

/** Whether a point, so many pixels from a stamp's centre, is on the mark of a source [arcsec]. */
function isAt({ distance, east, north }, stamp, dx, dy, near) {
  if (east === null) return Math.abs(Math.hypot(dx, dy) * stamp.scale - distance) <= near;
  return Math.hypot(dx * stamp.scale + east, dy * stamp.scale + north) <= 1.5 * near;
}
