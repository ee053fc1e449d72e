const SCAN_KEYS = /^[gbmxun0-9]$/;
const NOTE_PAUSE = 1000; // [ms] without a letter, after which a note is saved while it is typed
let scansMade = 0;

function renderScan({ model, el }) {
  const number = (scansMade += 1);
  el.classList.add("ztfnb-scan");
  el.dataset.lmSuppressShortcuts = "true";
  el.tabIndex = 0;
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Labels");

  const which = make("div", { class: "ztfnb-scan-which" });
  const words = make("div", { class: "ztfnb-scan-words", role: "group", "aria-label": "Label" });
  const own = make("input", {
    class: "ztfnb-scan-own", placeholder: "another word", "aria-label": "Another label",
    list: `ztfnb-scan-known-${number}`, autocomplete: "off", spellcheck: "false",
    title: "Type a word and press Enter; words used get the keys 1 to 9",
  });
  const known = make("datalist", { id: `ztfnb-scan-known-${number}` });
  const button = (text, key, title, send) => {
    const made = make("button", { type: "button", title, "aria-keyshortcuts": key || null },
      make("span", { text }), key ? make("kbd", { text: key }) : "");
    made.addEventListener("click", (event) => {
      model.send(send());
      if (event.detail) el.focus({ preventScroll: true });
    });
    return made;
  };
  const clear = button("clear", "x", "Take the label away (x or 0)", () => ({ kind: "press", key: "x" }));
  const rest = make("div", { class: "ztfnb-scan-words ztfnb-scan-rest" }, own, known, clear);
  const note = make("input", {
    class: "ztfnb-scan-note", autocomplete: "off", "aria-label": "Note",
    placeholder: "note", title: "Saved by itself, and with Enter (n comes here)",
  });
  const bar = make("div", { class: "ztfnb-scan-bar", role: "progressbar", "aria-label": "Labelled" }, make("div"));
  const progress = make("span", { class: "ztfnb-scan-progress" });
  const counts = make("span", { class: "ztfnb-scan-counts" });
  const far = make("div", { class: "ztfnb-scan-far" }, progress, counts);
  const auto = make("input", { type: "checkbox" });
  const next = make("label", { class: "ztfnb-scan-auto", title: "A label goes on to the next alert" },
    auto, make("span", { text: "next after a label" }));
  const undo = button("undo", "u", "Take back the last label or note (u)", () => ({ kind: "undo" }));
  const csv = button("CSV", "", "Download all labels as CSV", () => ({ kind: "csv" }));
  const saved = make("span", { class: "ztfnb-scan-saved", role: "status" });
  const foot = make("div", { class: "ztfnb-scan-foot" }, next, undo, csv);
  const head = make("div", { class: "ztfnb-scan-head" }, which, saved);
  const trouble = make("span", { role: "alert" });
  const retry = button("try again", "", "Write to the file now", () => ({ kind: "retry" }));
  const wrong = make("div", { class: "ztfnb-scan-trouble" }, trouble, retry);
  el.append(head, words, rest, note, bar, far, foot, wrong);

  // The note in the box belongs to one alert, and stays its own until it has been sent, whatever
  // is selected meanwhile.
  let owner = { candid: "", object: "" };
  let typed = false;
  let unsent = false;
  let timer = 0;
  const send = () => {
    clearTimeout(timer);
    if (unsent && owner.candid) model.send({ kind: "note", ...owner, text: note.value });
    unsent = false;
  };
  note.addEventListener("input", () => {
    typed = unsent = true;
    clearTimeout(timer);
    timer = setTimeout(send, NOTE_PAUSE);
  });
  note.addEventListener("blur", () => {
    const text = note.value;
    send();
    typed = false;
    paintNote(text);
  });
  const leave = (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    el.focus({ preventScroll: true });
  };
  note.addEventListener("keydown", leave);
  own.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && own.value.trim()) model.send({ kind: "label", word: own.value });
    if (event.key === "Enter" || event.key === "Escape") own.value = "";
    leave(event);
  });
  auto.addEventListener("change", () => model.send({ kind: "auto", on: auto.checked }));
  const paintNote = (sentText = null) => {
    const shown = model.get("_shown");
    const object = shown.object || `candid ${shown.candid}`;
    const other = typed && owner.candid !== shown.candid;
    which.textContent = !shown.candid ? "No alert selected"
      : other ? `${object}; the note is still of ${owner.object || owner.candid}` : object;
    if (typed) return;
    // What has just been sent is not there yet.
    const same = owner.candid === shown.candid;
    owner = { candid: shown.candid, object: shown.object };
    note.value = same && sentText !== null ? sentText : shown.note;
    note.disabled = !shown.candid;
    note.maxLength = shown.longest[1];
  };

  let drawn = "";
  const paint = () => {
    const shown = model.get("_shown");
    const buttons = JSON.stringify(shown.words);
    if (buttons !== drawn) {
      drawn = buttons;
      words.replaceChildren(...shown.words.map(([word, key]) => {
        const made = button(word, key, key ? `${word} (${key})` : word, () => ({ kind: "label", word }));
        made.dataset.word = word;
        return made;
      }));
      known.replaceChildren(...shown.words.map(([word]) => make("option", { value: word })));
    }
    for (const made of words.children) {
      made.setAttribute("aria-pressed", String(made.dataset.word === shown.label));
      made.disabled = !shown.candid;
    }
    clear.disabled = !shown.label;
    own.disabled = !shown.candid;
    [own.maxLength] = shown.longest;
    undo.disabled = !shown.undo;
    auto.checked = shown.auto;
    const { done, total } = shown;
    bar.hidden = !total;
    bar.ariaValueNow = done;
    bar.ariaValueMax = total;
    bar.firstChild.style.width = total ? `${(100 * done) / total}%` : "0";
    progress.textContent = total
      ? `${done.toLocaleString("en")} of ${total.toLocaleString("en")} labelled` : "";
    counts.replaceChildren(...shown.counts.map(([word, count]) =>
      pair(word, count.toLocaleString("en"))));
    csv.disabled = !shown.counts.length;
    el.dataset.candid = shown.candid;
    el.dataset.label = shown.label;
    paintNote();
  };
  const paintSaved = () => {
    const told = model.get("_saved");
    el.dataset.saved = told.state;
    saved.textContent = told.state === "saving" ? "saving…"
      : told.state !== "saved" ? "" : `${told.any ? "saved in" : "labels go to"} ${told.file}`;
    saved.title = told.path;
    wrong.hidden = !told.trouble && !told.note;
    trouble.textContent = told.trouble || told.note;
    wrong.classList.toggle("ztfnb-scan-aside", !told.trouble);
    retry.hidden = !told.unsaved;
  };

  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
    if (!SCAN_KEYS.test(event.key)) return;
    // At once: what is typed next is the note.
    if (event.key === "n") note.focus();
    else model.send({ kind: "press", key: event.key });
    event.preventDefault();
    event.stopPropagation();
  });
  passKeysOn(model, el);
  keepKeys(el);
  const line = listen(model);
  const heard = (message) => {
    if (message.kind === "told") line.answered();
    // To a view that can be seen.
    if (message.kind === "note" && el.offsetParent !== null) note.focus();
  };
  model.on("msg:custom", heard);
  const steps = [
    follow(model, "_shown", paint), follow(model, "_saved", paintSaved), downloads(model),
    () => model.off("msg:custom", heard), () => line.stop(),
  ];
  return () => {
    send();
    steps.forEach((step) => step());
  };
}

export default { render: renderScan };
