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

const WAYS_BACK = [
  ["5 min", "5 min"], ["1 h", "1 h"], ["6 h", "6 h"], ["24 h", "24 h"],
  ["beginning", "to the beginning"],
];

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

/** The choice of how far to go back, over everything else on the page. */
function rewindMenu(onChoice) {
  const box = make("div", { class: "ztfnb-rewind", popover: "auto", role: "group",
    "aria-label": "Read again from" }, make("span", { text: "Read again what came in the last" }));
  const button = make("button", { type: "button", text: "Rewind…", "aria-expanded": "false",
    title: "Read again from an earlier time; an alert that comes again keeps its one row" });
  const choose = (to) => {
    box.hidePopover();
    button.focus();
    onChoice(to);
  };
  for (const [to, text] of WAYS_BACK) {
    const way = make("button", { type: "button", text });
    way.addEventListener("click", () => choose(to));
    box.append(way);
  }
  const input = make("input", { type: "text", maxlength: 40, spellcheck: "false",
    placeholder: "2.5 (hours) or 2026-01-15T05:00",
    "aria-label": "Hours to go back, or a time in UTC" });
  const go = make("button", { type: "button", text: "Go" });
  const submit = () => { if (input.value.trim()) choose(input.value.trim()); };
  go.addEventListener("click", submit);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would press the button that has the focus from now on
    submit();
  });
  box.append(make("div", { class: "ztfnb-rewind-typed" }, input, go));
  button.addEventListener("click", () => {
    if (box.matches(":popover-open")) {
      box.hidePopover();
      return;
    }
    box.showPopover();
    const at = button.getBoundingClientRect();
    const size = box.getBoundingClientRect();
    const below = at.bottom + 4 + size.height < innerHeight;
    box.style.left = `${Math.max(4, Math.min(at.left, innerWidth - size.width - 4))}px`;
    box.style.top = `${below ? at.bottom + 4 : Math.max(4, at.top - size.height - 4)}px`;
    box.querySelector("button").focus();
  });
  box.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
  });
  // The notebook beneath has other uses for these keys.
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const ways = [...box.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && ways.includes(event.target)) {
      ways[(ways.indexOf(event.target) + step + ways.length) % ways.length].focus();
      event.preventDefault();
    }
  });
  return { box, button };
}

function render({ model, el }) {
  const whole = model.get("_whole");
  el.classList.add(whole ? "ztfnb-monitor" : "ztfnb-strip");
  el.dataset.lmSuppressShortcuts = "true";
  const { chip, show: showState } = stateChip();
  const rate = make("span", { class: "ztfnb-rate" });
  const spark = sparkline();
  const lag = make("span", { class: "ztfnb-lag", title: "Packets that wait at the source" });
  const pause = make("button", { type: "button", class: "ztfnb-pause" });
  const { box, button: rewind } = rewindMenu((to) => model.send({ kind: "rewind", to }));
  const details = make("button", { type: "button", class: "ztfnb-details-button",
    text: "Details", hidden: whole });
  const counts = make("span", { class: "ztfnb-counts", role: "list" });
  const wrong = make("span", { role: "status" });
  const help = make("button", { type: "button", text: "What to try" });
  const trouble = make("div", { class: "ztfnb-trouble", hidden: true }, wrong, help);
  const panel = healthPanel(model);
  el.append(
    make("div", { class: "ztfnb-line" }, chip,
      make("span", { class: "ztfnb-flow" }, rate, " alerts/s", spark.svg),
      lag, pause, rewind, details, counts),
    box, trouble, panel.element);
  const news = listen(model);

  const unfold = (open) => {
    panel.element.hidden = !open;
    details.setAttribute("aria-expanded", String(open));
    help.hidden = !model.get("_line").helped || open;
  };
  const undo = [
    follow(model, "_line", () => {
      const line = model.get("_line");
      showState(line.state, line.meaning);
      setText(rate, line.rate ?? "");
      setText(lag, line.lag ?? "");
      setText(pause, line.paused ? "Resume" : "Pause");
      pause.title = line.paused ? "Go on reading" : "Stop reading; nothing is lost";
      pause.dataset.command = line.paused ? "resume" : "pause";
      pause.disabled = rewind.disabled = line.state === "closed";
      showPairs(counts, whole ? [] : line.counts ?? []);
      setText(wrong, line.error);
      trouble.hidden = !line.error;
      help.hidden = !line.helped || !panel.element.hidden;
      news.answered();
    }),
    follow(model, "_arrivals", () => {
      spark.show(model.get("_arrivals"));
      news.answered();
    }),
    follow(model, "_open", () => unfold(whole || model.get("_open"))),
    panel.follow(news.answered),
    downloads(model),
  ];
  // The notebook beneath takes arrow keys for itself, which move a list here.
  el.addEventListener("keydown", (event) => {
    if (event.target.closest(".ztfnb-scroll")) event.stopPropagation();
  });
  keepKeys(el);
  pause.addEventListener("click", () => model.send({ kind: pause.dataset.command }));
  for (const button of [details, help]) {
    button.addEventListener("click", () => {
      const open = panel.element.hidden;
      unfold(open);
      model.send({ kind: "setting", open });
    });
  }
  return () => {
    undo.forEach((end) => end());
    news.stop();
  };
}

export default { render };
