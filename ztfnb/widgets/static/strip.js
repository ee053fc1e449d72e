const WAYS_BACK = [
  ["5 min", "5 min"], ["1 h", "1 h"], ["6 h", "6 h"], ["24 h", "24 h"],
  ["beginning", "to the beginning"],
];

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
