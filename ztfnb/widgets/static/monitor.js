// The panel that the strip unfolds. Nodes stay; what they say changes.

/** Change a text only where it differs: a page that is told the same paints nothing. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show labels and values; those that stay keep their nodes. */
function showPairs(box, pairs) {
  const labels = pairs.map(([label]) => label).join("\n");
  if (box.dataset.labels !== labels) {
    box.dataset.labels = labels;
    box.replaceChildren(...pairs.map(([label, value, title]) => pair(label, value, title)));
  }
  pairs.forEach(([, value], place) => setText(box.children[place].lastElementChild, value));
}

/** Show rows of texts as rows of a table; there are as many nodes as rows. */
function showRows(body, rows) {
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  while (body.rows.length < rows.length) body.append(make("tr"));
  rows.forEach((texts, place) => {
    const row = body.rows[place];
    while (row.cells.length < texts.length) row.append(make("td"));
    texts.forEach((text, column) => setText(row.cells[column], text));
    row.cells[0].title = texts[0];
  });
}

/** Show a list that grows at its top: what is there already stays, with the keyboard's focus. */
function showNewest(list, entries, item) {
  const keys = entries.map((entry) => JSON.stringify(entry));
  const made = (place) => {
    const element = item(entries[place]);
    element.dataset.key = keys[place];
    return element;
  };
  const fresh = keys.indexOf(list.firstElementChild?.dataset.key);
  if (fresh > 0) list.prepend(...keys.slice(0, fresh).map((_, place) => made(place)));
  while (fresh >= 0 && list.children.length > keys.length) list.lastElementChild.remove();
  if (fresh < 0 || list.children.length !== keys.length) {
    list.replaceChildren(...keys.map((_, place) => made(place)));
  }
}

function section(name, title, ...children) {
  const heading = make("h4", { text: title });
  const element = make("section", { class: `ztfnb-${name}`, "aria-label": title },
    heading, ...children);
  return { element, heading };
}

/** The speed of a demo night: a slider by powers of ten, and the number itself. */
function speedControl(onSpeed) {
  const slider = make("input", { type: "range", min: -1, max: 3, step: 0.05,
    "aria-label": "Speed of the demo" });
  const number = make("input", { type: "number", min: 0.1, max: 10000, step: "any",
    "aria-label": "Alerts a second" });
  const element = make("div", { class: "ztfnb-speed", hidden: true },
    make("span", { class: "ztfnb-label", text: "speed of the demo" }), slider, number,
    make("span", { text: "alerts/s" }));
  const rounded = () => Number((10 ** Number(slider.value)).toPrecision(2));
  slider.addEventListener("input", () => {
    number.value = rounded();
    slider.setAttribute("aria-valuetext", `${number.value} alerts a second`);
  });
  let known = null;
  const tell = (speed) => {
    if (speed !== known) onSpeed(speed);
    known = speed;
  };
  const typed = () => { if (number.value) tell(Number(number.value)); };
  slider.addEventListener("change", () => tell(rounded()));
  number.addEventListener("change", typed);
  number.addEventListener("keydown", (event) => { if (event.key === "Enter") typed(); });
  const show = (speed) => {
    element.hidden = speed == null;
    known = speed;
    if (speed == null) return;
    // Whoever is at one of them knows better.
    const { activeElement } = element.getRootNode();
    if (activeElement !== slider) slider.value = Math.log10(speed);
    if (activeElement !== number) number.value = speed;
    slider.setAttribute("aria-valuetext", `${speed} alerts a second`);
  };
  return { element, show };
}

/** What went wrong, what it means and what to try. */
function helpBox() {
  const title = make("h4");
  const meaning = make("p");
  const steps = make("ul");
  const element = make("section", { class: "ztfnb-advice", "aria-label": "What to try", hidden: true },
    title, meaning, steps);
  const show = (found) => {
    element.hidden = !found;
    if (!found || title.textContent === found.title) return;
    title.textContent = found.title;
    meaning.textContent = found.meaning;
    steps.replaceChildren(...found.steps.map((text) => make("li", { text })));
  };
  return { element, show };
}

/** Packets that hold no alert, each with its reason and a way to save it. */
function quarantine(onSave) {
  const all = make("button", { type: "button", text: "Save all", hidden: true,
    title: "Their bytes and a list of reasons, as a .tar.gz file" });
  const notes = make("p", { class: "ztfnb-note" });
  const saved = make("p", { class: "ztfnb-note", role: "status" });
  const list = make("ul", { class: "ztfnb-scroll", tabindex: 0,
    "aria-label": "Packets that are no alerts" });
  const { element, heading } = section("failures", "Packets that are no alerts");
  element.append(make("div", { class: "ztfnb-side" }, heading, all), notes, list, saved);
  all.addEventListener("click", () => onSave(null));
  const item = ({ key, where, time, size, reason }) => {
    const save = make("button", { type: "button", text: "Save",
      "aria-label": `Save the packet at ${where}` });
    save.addEventListener("click", () => onSave(key));
    return make("li", {},
      make("div", { class: "ztfnb-side" },
        make("span", { class: "ztfnb-where", text: where }),
        make("span", { class: "ztfnb-label", text: `${time}  ${size}` }), save),
      make("div", { class: "ztfnb-reason", text: reason }));
  };
  const show = ({ count = 0, notes: said = "", rows = [] }) => {
    setText(heading, count ? `Packets that are no alerts: ${count.toLocaleString("en")}`
      : "Packets that are no alerts: none");
    all.hidden = !count;
    list.hidden = !count;
    setText(notes, said);
    showNewest(list, rows, item);
  };
  return { element, show, say: (text) => setText(saved, text) };
}

/** All of a stream's health; `follow` begins to show it, and returns what ends that. */
function healthPanel(model) {
  const meaning = make("p", { class: "ztfnb-meaning" });
  const help = helpBox();
  const balance = make("p", { class: "ztfnb-balance", role: "list",
    "aria-label": "received = decoded + failed" });
  const numbers = make("div", { class: "ztfnb-numbers", role: "list" });
  const speed = speedControl((rate) => model.send({ kind: "speed", rate }));
  const body = make("tbody");
  const head = ["topic", "partition", "next offset", "waiting", "newest (UTC)"];
  const partitions = section("partitions", "Partitions",
    make("div", { class: "ztfnb-scroll", tabindex: 0, role: "region", "aria-label": "Partitions" },
      make("table", {}, make("thead", {},
        make("tr", {}, ...head.map((text) => make("th", { scope: "col", text })))), body)));
  const failures = quarantine((key) => model.send({ kind: "save", key }));
  const log = make("ol", { class: "ztfnb-scroll", tabindex: 0, "aria-label": "What happened" });
  const happened = section("log", "What happened (UTC)", log);
  const element = make("div", { class: "ztfnb-health", hidden: true },
    make("div", { class: "ztfnb-column" }, meaning, help.element, balance, numbers,
      speed.element, partitions.element),
    make("div", { class: "ztfnb-column" }, failures.element, happened.element));

  const line = ([time, text, wrong]) => make("li", { class: wrong ? "ztfnb-wrong" : null },
    make("span", { class: "ztfnb-label", text: `${time} ` }), make("span", { text }));
  const paint = {
    _line: ({ meaning: means }) => setText(meaning, means ?? ""),
    _panel: ({ balance: sum = [], numbers: counted = [], help: found, speed: now }) => {
      showPairs(balance, sum);
      showPairs(numbers, counted);
      help.show(found);
      speed.show(now);
    },
    _partitions: (rows) => {
      partitions.element.hidden = !rows.length;
      showRows(body, rows);
    },
    _log: (lines) => showNewest(log, lines, line),
    _failures: failures.show,
    _saved: failures.say,
  };
  const begin = (answered) => {
    const ends = Object.entries(paint).map(([trait, show]) => follow(model, trait, () => {
      show(model.get(trait));
      answered();
    }));
    return () => ends.forEach((end) => end());
  };
  return { element, follow: begin };
}
