const SHEET = 63 * 6; // [px] side of a stamp, about
const SHEET_RATIO = 2;
const MARGIN = 12;

/** Save the stamps as they look now, on one sheet with what they are, as a PNG file. */
async function saveSheet(shown, drawn, view, look) {
  saveFile(shown.name, await sheetOf(shown, drawn, view, look).convertToBlob({ type: "image/png" }));
}

function sheetOf(shown, drawn, { full, zoom, x, y }, look) {
  const ratio = SHEET_RATIO;
  // Whole pixels for each of the sky, where they are large enough.
  const scale = (Math.round(SHEET / full) || SHEET / full) / ratio;
  const side = full * scale;
  const canvas = new OffscreenCanvas(
    Math.round((drawn.length * (side + MARGIN) + MARGIN) * ratio),
    Math.round((side + 58) * ratio),
  );
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const write = (text, left, top, width, weight) => {
    pen.font = `${weight} 12px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    pen.fillStyle = "#222";
    pen.fillText(text, left, top, width);
  };
  write(shown.title, MARGIN, 16, drawn.length * side, 600);
  drawn.forEach(({ stamp, picture }, place) => {
    pen.save();
    pen.translate(MARGIN + place * (side + MARGIN), 30);
    pen.fillStyle = "#eee";
    pen.fillRect(0, 0, side, side);
    if (picture) {
      drawStamp(pen, stamp, picture, { side, ratio, scale: scale * zoom, x, y }, look,
        shown.neighbours);
    }
    pen.textAlign = "center";
    const words = stamp.reason ? `${stamp.kind}: ${stamp.reason}` : stamp.kind;
    write(words, side / 2, side + 14, side, 400);
    pen.restore();
  });
  return canvas;
}
