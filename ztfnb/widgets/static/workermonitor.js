// The monitor of a worker: the parts of a stream's, and the books of each filter.

/** The books of each filter: received = passed + rejected + failed; its time, and why some failed. */
function filterBooks() {
  const head = [["filter", ""], ["received", "="], ["passed", "+"], ["rejected", "+"],
    ["failed", ""]];
  const cells = head.map(([text, sign]) => make("th", { scope: "col" },
    make("span", { text }), sign ? make("span", { class: "ztfnb-sign", text: sign }) : ""));
  const body = make("tbody");
  const element = make("div", { class: "ztfnb-books" },
    make("table", {}, make("thead", {}, make("tr", {}, ...cells)), body));
  const row = () => {
    const name = make("td");
    const version = make("span", { class: "ztfnb-label" });
    const title = make("span", { class: "ztfnb-filter-name" });
    name.append(title, version);
    const counts = [1, 2, 3, 4].map(() => make("td"));
    const why = make("td", { class: "ztfnb-why", colspan: 5 });
    return { books: make("tr", {}, name, ...counts), reasons: make("tr", {}, why),
      title, version, counts, why };
  };
  let rows = [];
  const show = (filters) => {
    if (filters.length !== rows.length) {
      rows = filters.map(row);
      body.replaceChildren(...rows.flatMap(({ books, reasons }) => [books, reasons]));
    }
    filters.forEach(([name, version, ...texts], place) => {
      const { reasons, title, version: shown, counts, why } = rows[place];
      setText(title, name);
      setText(shown, ` ${version}`);
      counts.forEach((cell, column) => setText(cell, texts[column]));
      setText(why, texts[4]);
      reasons.hidden = !texts[4];
    });
    element.hidden = !filters.length;
  };
  return { element, show };
}

function render({ model, el }) {
  el.classList.add("ztfnb-monitor", "ztfnb-worker");
  el.dataset.lmSuppressShortcuts = "true";
  const { chip, show: showState } = stateChip();
  const rate = make("span", { class: "ztfnb-rate" });
  const spark = sparkline();
  const lag = make("span", { class: "ztfnb-lag", title: "Packets that wait at the source" });
  const stop = make("button", { type: "button", class: "ztfnb-stop", text: "Stop",
    title: "Finish the batch, write and commit it, and end" });
  const name = make("span", { class: "ztfnb-label ztfnb-name" });
  const meaning = make("p", { class: "ztfnb-meaning" });
  const trouble = make("div", { class: "ztfnb-trouble", role: "status", hidden: true });
  const books = filterBooks();
  const numbers = make("div", { class: "ztfnb-numbers", role: "list" });
  const body = make("tbody");
  const head = ["topic", "partition", "next offset", "waiting", "newest (UTC)"];
  const partitions = section("partitions", "Partitions of this worker",
    make("div", { class: "ztfnb-scroll", tabindex: 0, role: "region",
      "aria-label": "Partitions of this worker" },
    make("table", {}, make("thead", {},
      make("tr", {}, ...head.map((text) => make("th", { scope: "col", text })))), body)));
  const log = make("ol", { class: "ztfnb-scroll", tabindex: 0, "aria-label": "What it told" });
  const told = section("log", "What it told (UTC)", log);
  el.append(
    make("div", { class: "ztfnb-line" }, chip,
      make("span", { class: "ztfnb-flow" }, rate, " alerts/s", spark.svg), lag, stop, name),
    trouble, books.element,
    make("div", { class: "ztfnb-health" },
      make("div", { class: "ztfnb-column" }, meaning, numbers, partitions.element),
      make("div", { class: "ztfnb-column" }, told.element)));
  const news = listen(model);
  const line = ([time, text, wrong]) => make("li", { class: wrong ? "ztfnb-wrong" : null },
    make("span", { class: "ztfnb-label", text: `${time} ` }), make("span", { text }));
  const paint = {
    _name: (text) => setText(name, text),
    _line: (now) => {
      showState(now.state, now.meaning);
      setText(meaning, now.meaning ?? "");
      setText(rate, now.rate ?? "");
      setText(lag, now.lag ?? "");
      setText(trouble, now.error ?? "");
      trouble.hidden = !now.error;
      stop.disabled = !now.running || now.state === "stopping";
    },
    _arrivals: spark.show,
    _filters: books.show,
    _numbers: (pairs) => showPairs(numbers, pairs),
    _partitions: (rows) => {
      partitions.element.hidden = !rows.length;
      showRows(body, rows);
    },
    _log: (lines) => showNewest(log, lines, line),
  };
  const undo = Object.entries(paint).map(([trait, show]) => follow(model, trait, () => {
    show(model.get(trait));
    news.answered();
  }));
  stop.addEventListener("click", () => {
    stop.disabled = true;
    model.send({ kind: "stop" });
  });
  // The notebook beneath takes arrow keys for itself, which move a list here.
  el.addEventListener("keydown", (event) => {
    if (event.target.closest(".ztfnb-scroll")) event.stopPropagation();
  });
  keepKeys(el);
  return () => {
    undo.forEach((end) => end());
    news.stop();
  };
}

export default { render };
