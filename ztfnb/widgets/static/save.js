const SAVED_AS = [
  ["alerts", [
    ["avro", "Avro", "The packets byte for byte: an .avro file, or a .tar.gz of several"],
    ["parquet", "Parquet", "A table of the detections, with units and meanings"],
    ["csv", "CSV", "A table of the detections, for any program"],
    ["ecsv", "ECSV", "A table of the detections for astropy, with units"],
  ]],
  ["picture", [
    ["png", "PNG", "Facts, stamps and light curve of the alert in view, for a chat"],
    ["pdf", "PDF", "The same for a paper: text and lines, at any size"],
  ]],
  ["browser", [
    ["state", "state", "Columns, cuts, modes and marks, to keep or to give to somebody"],
  ]],
];

function renderSave({ model, el }) {
  el.classList.add("ztfnb-save");
  el.dataset.lmSuppressShortcuts = "true";
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Save");
  const count = make("span", { class: "ztfnb-save-count" });
  const hint = make("span", { class: "ztfnb-label", text: "space in the table marks several" });
  const rows = Object.fromEntries(SAVED_AS.map(([name, kinds]) => {
    const buttons = kinds.map(([what, text, title]) => {
      const made = make("button", { type: "button", text, title, "data-what": what });
      made.addEventListener("click", () => model.send({ kind: "save", what }));
      return made;
    });
    return [name, make("div", { class: "ztfnb-save-row", role: "group", "aria-label": name },
      make("span", { class: "ztfnb-label", text: name }), ...buttons)];
  }));
  const where = choice("Where files go", [
    ["download", "download", "Through this page"],
    ["folder", "notebook's folder", "Where the kernel runs: better for large files"],
  ], (value) => model.send({ kind: "where", value }));
  const to = make("div", { class: "ztfnb-save-row" }, make("span", { class: "ztfnb-label", text: "to" }), where);
  const words = make("span", { role: "status" });
  const cancel = make("button", { type: "button", text: "cancel" });
  cancel.addEventListener("click", () => model.send({ kind: "cancel" }));
  const status = make("div", { class: "ztfnb-save-status" }, words, cancel);
  el.append(make("div", { class: "ztfnb-save-head" }, count, hint), ...Object.values(rows), to, status);

  const paint = () => {
    const offer = model.get("_offer");
    const work = model.get("_work");
    const busy = work.state === "running";
    count.textContent = offer.count === 1 ? "1 alert"
      : offer.count ? `${offer.count.toLocaleString("en")} alerts` : "no alert";
    hint.hidden = !offer.state || offer.count > 1; // beside a table, where it is of use
    for (const [name, there] of [["alerts", offer.count], ["picture", offer.picture], ["browser", true]]) {
      for (const made of rows[name].querySelectorAll("button")) made.disabled = busy || !there;
    }
    rows.browser.hidden = !offer.state;
    where.press(offer.where);
    where.lastChild.title = `Where the kernel runs: ${offer.folder}. Better for large files`;
    cancel.hidden = !busy;
    words.textContent = busy ? `saving… ${work.words}` : work.words;
    el.dataset.state = work.state;
  };
  const line = listen(model);
  const heard = (message) => { if (message.kind === "told") line.answered(); };
  model.on("msg:custom", heard);
  passKeysOn(model, el);
  keepKeys(el);
  const steps = [
    follow(model, "_offer", paint), follow(model, "_work", paint), downloads(model),
    () => model.off("msg:custom", heard), () => line.stop(),
  ];
  return () => steps.forEach((step) => step());
}

export default { render: renderSave };
