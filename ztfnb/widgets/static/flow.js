// What flows, in a word and a picture: the state of a stream or a worker, and its last minutes.

const SVG = "http://www.w3.org/2000/svg";

// A shape for each state, in a box of 10 by 10: colour alone tells some people nothing.
const SHAPES = {
  "connecting": "M5 1a4 4 0 1 1-4 4h1.6A2.4 2.4 0 1 0 5 2.6z",
  "live": "M2 1l7 4-7 4z",
  "paused": "M1.5 1h2.5v8H1.5zM6 1h2.5v8H6z",
  "caught up": "M3.9 9L.6 5.6l1.3-1.3 2 2L8.2 1.6l1.4 1.3z",
  "disconnected": "M1 2.1L2.1 1 5 3.9 7.9 1 9 2.1 6.1 5 9 7.9 7.9 9 5 6.1 2.1 9 1 7.9 3.9 5z",
  "failed": "M4 0h2v6.2H4zM4 7.6h2V9.8H4z",
  "closed": "M1.5 1.5h7v7h-7z",
};
Object.assign(SHAPES, { // of a worker
  "starting": SHAPES.connecting, "running": SHAPES.live, "stopping": SHAPES.closed,
});

function drawing(width, height, name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("class", name);
  svg.append(path);
  return { svg, path };
}

/** The state in a word, a colour and a shape. */
function stateChip() {
  const { svg, path } = drawing(10, 10, "ztfnb-shape");
  svg.setAttribute("aria-hidden", "true");
  const word = make("span");
  const chip = make("span", { class: "ztfnb-chip", role: "status" }, svg, word);
  const show = (state, meaning) => {
    path.setAttribute("d", SHAPES[state] ?? "");
    setText(word, state);
    chip.title = meaning;
    chip.dataset.state = state;
  };
  return { chip, show };
}

/** Packets of each of the last seconds, as a small area: by square roots, or a burst hides all. */
function sparkline() {
  const { svg, path } = drawing(120, 20, "ztfnb-spark");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const show = (counts) => {
    const most = Math.max(1, ...counts);
    const step = 120 / Math.max(1, counts.length);
    const points = counts.map((count, place) => {
      const y = (20 - 19 * Math.sqrt(count / most)).toFixed(1);
      return `L${(place * step).toFixed(1)} ${y}H${((place + 1) * step).toFixed(1)}`;
    });
    path.setAttribute("d", counts.length ? `M0 20${points.join("")}V20z` : "");
    svg.setAttribute("aria-label",
      `packets in each of the last ${counts.length} s, at most ${Math.max(0, ...counts)}`);
  };
  return { svg, show };
}
