const STAMP = 63; // [px] side of a stamp
const SEAM = 2; // [px] between stamps
const LEVELS = 254;

function render({ model, el }) {
  el.classList.add("ztfnb-gallery");
  el.dataset.lmSuppressShortcuts = "true";
  const palettes = model.get("_palettes");
  let page = model.get("_page");
  let look = model.get("_look");
  let selected = "";
  let told = new Map(); // cards by candid, as they came

  // -- The parts ------------------------------------------------------------------------------
  const back = make("button", { type: "button", text: "‹ previous" });
  const on = make("button", { type: "button", text: "next ›" });
  const place = make("span", { class: "ztfnb-gallery-place", role: "status" });
  const chosen = lookControls(palettes, choose, [["invert", "invert", "Reverse the colour map"]]);
  const bar = make("div", { class: "ztfnb-gallery-bar" }, back, on, place,
    ...chosen.selects, ...chosen.switches);
  const list = make("div", {
    class: "ztfnb-gallery-list", role: "listbox", "aria-label": "Alerts, with their stamps",
    "aria-orientation": "horizontal",
  });
  const note = make("div", { class: "ztfnb-gallery-note", text: "No alerts to show." });
  el.append(bar, list, note);
  back.addEventListener("click", () => model.send({ kind: "page", step: -1 }));
  on.addEventListener("click", () => model.send({ kind: "page", step: 1 }));

  const cards = []; // in use or hidden, in order
  function newCard() {
    const canvas = make("canvas", {
      width: 3 * STAMP + 2 * SEAM, height: STAMP, "aria-hidden": "true",
    });
    const reason = make("span", { class: "ztfnb-gallery-reason" });
    const frame = make("div", { class: "ztfnb-gallery-frame" }, canvas, reason);
    const name = make("span", { class: "ztfnb-gallery-name" });
    const label = make("span", { class: "ztfnb-gallery-label" });
    const text = make("div", { class: "ztfnb-gallery-text" });
    const box = make("div", { class: "ztfnb-card", role: "option", tabindex: "-1" },
      frame, make("div", { class: "ztfnb-gallery-head" }, name, label), text);
    list.append(box);
    return { box, canvas, reason, name, label, text };
  }

  // -- What the kernel says ---------------------------------------------------------------------
  function takePage() {
    const { serial } = page;
    page = model.get("_page");
    const before = told;
    told = page.serial === serial ? told : new Map();
    while (cards.length < page.candids.length) cards.push(newCard());
    cards.forEach((card, at) => {
      const candid = page.candids[at] ?? "";
      card.box.hidden = !candid;
      // What stays on the page keeps its picture until the new one comes.
      if (card.box.dataset.candid === candid) return;
      card.box.dataset.candid = candid;
      clear(card);
      if (before.has(candid)) paint(candid, before.get(candid));
    });
    note.hidden = page.candids.length > 0;
    list.hidden = !note.hidden;
    back.disabled = !page.before;
    on.disabled = !page.after;
    showPlace();
    showNotes();
    showSelected();
    list.scrollTop = page.serial === serial ? list.scrollTop : 0;
  }

  function clear(card) {
    card.canvas.getContext("2d").clearRect(0, 0, card.canvas.width, card.canvas.height);
    card.reason.textContent = "";
    card.name.textContent = "";
    card.text.textContent = "";
    card.box.dataset.painted = "";
  }

  function heard(message, buffers) {
    if (message.kind === "trouble") {
      place.textContent = message.text;
      return;
    }
    if (message.kind !== "cards" || message.serial !== page.serial) return;
    const bytes = numbers(buffers[0], Uint8Array);
    let start = 0;
    for (const card of message.cards) {
      const stamps = card.stamps.map((stamp) => {
        const size = stamp.reason ? 0 : stamp.rows * stamp.columns;
        const levels = bytes.subarray(start, start + size);
        start += size;
        return { ...stamp, levels };
      });
      told.set(card.candid, { ...card, stamps });
      paint(card.candid);
    }
    showPlace();
  }

  // -- Paint --------------------------------------------------------------------------------------
  function paint(candid, known = told.get(candid)) {
    const card = cards[page.candids.indexOf(candid)];
    if (!known || !card) return;
    const { canvas, reason, name, text, box } = card;
    reason.textContent = known.reason;
    name.textContent = known.reason ? `candid ${candid}` : known.object;
    text.textContent = text.title = known.text ?? "";
    name.title = `${name.textContent}, candid ${candid}`;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    known.stamps.forEach((stamp, at) => {
      pen.save();
      pen.translate(at * (STAMP + SEAM), 0);
      pen.beginPath();
      pen.rect(0, 0, STAMP, STAMP);
      pen.clip();
      if (stamp.reason) hatch(pen, 0, 0, STAMP, STAMP);
      else drawLevels(pen, stamp);
      pen.restore();
    });
    box.setAttribute("aria-label", labelOf(candid));
    box.dataset.painted = candid;
  }

  function drawLevels(pen, stamp) {
    const { rows, columns, levels, centre, side } = stamp;
    const ink = inkOf(palettes, look);
    const image = new ImageData(columns, rows);
    const out = new Uint32Array(image.data.buffer);
    let holes = false;
    for (let at = 0; at < levels.length; at += 1) {
      if (levels[at]) out[at] = ink[Math.round(((levels[at] - 1) * 255) / LEVELS)];
      else holes = true;
    }
    const scale = STAMP / side;
    const left = STAMP / 2 - centre[0] * scale;
    const top = STAMP / 2 - centre[1] * scale;
    if (holes) hatch(pen, left, top, columns * scale, rows * scale);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(canvasOf(image), left, top, columns * scale, rows * scale);
  }

  const looks = turnTaking();
  function takeLook() {
    const said = model.get("_look");
    if (looks.isOutdated(said.turn)) return;
    look = said;
    chosen.show(look);
    for (const candid of told.keys()) paint(candid);
  }
  function choose(changes) {
    look = { ...look, ...changes };
    chosen.show(look);
    // Stretch and limits are the kernel's: it sends new levels.
    if (Object.keys(changes).every((name) => ["colours", "invert"].includes(name))) {
      for (const candid of told.keys()) paint(candid);
    }
    model.send({ kind: "setting", look: changes, turn: looks.next() });
  }

  function labelOf(candid) {
    const known = told.get(candid);
    const word = model.get("_notes")[candid];
    const parts = known
      ? [known.reason ? `candid ${candid}: ${known.reason}` : known.object, known.text, word]
      : [`candid ${candid}`, word];
    return parts.filter(Boolean).join(", ");
  }
  function showPlace() {
    const all = page.candids.length;
    const waits = told.size < all;
    list.setAttribute("aria-busy", String(waits));
    place.textContent = waits ? `${told.size} of ${all}…` : page.place || `${all} alerts`;
  }
  function showNotes() {
    const notes = model.get("_notes");
    page.candids.forEach((candid, at) => {
      cards[at].label.textContent = notes[candid] ?? "";
      cards[at].box.setAttribute("aria-label", labelOf(candid));
    });
  }

  // -- Selection ------------------------------------------------------------------------------------
  const picks = turnTaking();
  function takeSelected() {
    const said = model.get("_selected");
    if (picks.isOutdated(said.turn)) return;
    selected = said.candid;
    showSelected();
  }
  function showSelected() {
    const at = Math.max(0, page.candids.indexOf(selected));
    cards.forEach(({ box }, number) => {
      box.setAttribute("aria-selected", String(Boolean(selected) && box.dataset.candid === selected));
      box.tabIndex = number === at ? 0 : -1;
    });
    if (list.contains(document.activeElement)) cards[at]?.box.focus({ preventScroll: true });
    if (page.candids[at] === selected) reveal(cards[at].box);
  }
  /** Scroll the list, and nothing around it. */
  function reveal({ offsetTop, offsetHeight }) {
    const { scrollTop, clientHeight } = list;
    if (offsetTop < scrollTop) list.scrollTop = offsetTop - 4;
    else if (offsetTop + offsetHeight > scrollTop + clientHeight) {
      list.scrollTop = offsetTop + offsetHeight - clientHeight + 4;
    }
  }
  function select(at) {
    const card = cards[at];
    if (!card || card.box.hidden) return;
    // At once; the kernel says the same when it has heard.
    selected = card.box.dataset.candid;
    card.box.focus({ preventScroll: true });
    showSelected();
    model.send({ kind: "select", candid: selected, turn: picks.next() });
  }
  list.addEventListener("pointerdown", (event) => {
    const box = event.target.closest(".ztfnb-card");
    if (event.button === 0 && box) select(cards.findIndex((card) => card.box === box));
  });
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = cards.findIndex(({ box }) => box === document.activeElement);
    if (at < 0) return;
    const last = page.candids.length - 1;
    const top = cards[0].box.offsetTop;
    const across = Math.max(1, cards.filter(({ box }) => !box.hidden && box.offsetTop === top).length);
    const to = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - across, ArrowDown: at + across,
      Home: 0, End: last, Enter: at,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0 && to <= last) select(to);
  });

  const undo = [
    follow(model, "_look", takeLook), follow(model, "_page", takePage),
    follow(model, "_notes", showNotes), follow(model, "_selected", takeSelected),
  ];
  model.on("msg:custom", heard);
  passKeysOn(model, el);
  keepKeys(el);
  model.send({ kind: "want" });
  return () => {
    for (const end of undo) end();
    model.off("msg:custom", heard);
  };
}

export default { render };
