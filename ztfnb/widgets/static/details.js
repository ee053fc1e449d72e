const TYPED = 300; // [ms] without a key, after which the kernel is told what was typed
const CUT = 30; // characters, more than which may not fit in a column

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Anchors that only the user's own click opens, and that tell the page opened nothing. */
function linkTo([name, url, title]) {
  return make("a", {
    href: url, title, text: name, target: "_blank", rel: "noopener noreferrer",
    referrerpolicy: "no-referrer",
  });
}

/** One field of a record; its elements are kept, and told what to show. */
function fieldOf(name, unit, doc) {
  const value = make("span", { class: "ztfnb-value" });
  const note = make("span", { class: "ztfnb-packet-note" });
  const shownUnit = make("span", { class: "ztfnb-packet-unit", text: unit });
  const element = make("div", { class: "ztfnb-packet-field", "data-name": name },
    make("dt", { text: name }), make("dd", { class: "ztfnb-packet-what" }, value, shownUnit, note),
    make("dd", { class: "ztfnb-packet-doc", text: doc }));
  const searched = `${name} ${doc}`.toLowerCase();
  return {
    element,
    show(text, readable, missing) {
      write(value, text);
      write(note, readable);
      shownUnit.hidden = missing || !unit;
      element.classList.toggle("ztfnb-packet-missing", missing);
      this.missing = missing;
    },
    sieve(words, hideMissing) {
      const found = words.every((word) => searched.includes(word));
      element.hidden = !found || (hideMissing && this.missing);
      return !element.hidden;
    },
  };
}

/** Epochs of a history as a table: a row each, the newest first. */
function tableOf(table, docs, words) {
  const about = (name) => {
    const [unit, doc] = docs[name] ?? ["", table.docs[name] ?? ""];
    return { unit, doc, searched: `${name} ${doc}`.toLowerCase() };
  };
  const told = table.names.map(about);
  const places = [...table.names.keys()].filter((place) =>
    words.every((word) => told[place].searched.includes(word)));
  if (!places.length) return [];
  const cell = (tag, text, attributes = {}) => make(tag, { text, ...attributes });
  const head = make("tr", {}, cell("th", "UTC", { scope: "col" }), ...places.map((place) => {
    const { unit, doc } = told[place];
    const header = cell("th", table.names[place], { scope: "col", title: doc });
    if (unit) header.append(make("span", { class: "ztfnb-packet-unit", text: unit }));
    return header;
  }));
  const rows = table.rows.map((texts, number) => {
    const gone = new Set(table.gone[number]);
    return make("tr", {}, cell("th", table.times[number].replace(" UTC", ""), { scope: "row" }),
      ...places.map((place) => cell("td", texts[place], {
        class: gone.has(place) ? "ztfnb-packet-missing" : null,
        title: texts[place].length > CUT ? texts[place] : null,
      })));
  });
  const box = make("div", { class: "ztfnb-packet-epochs", tabindex: "0", role: "region",
    "aria-label": `Epochs of ${table.name}` },
  make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  if (rows.length >= table.total) return [box];
  return [box, make("p", { class: "ztfnb-packet-note",
    text: `The newest ${rows.length} of ${table.total} epochs are shown.` })];
}

function sectionOf(name, toggle) {
  const arrow = make("span", { class: "ztfnb-packet-arrow", "aria-hidden": "true" });
  const note = make("span", { class: "ztfnb-packet-note" });
  const body = make("div", { class: "ztfnb-packet-section-body" });
  const button = make("button", { type: "button", class: "ztfnb-packet-section-head" },
    arrow, make("span", { text: name }), note);
  button.addEventListener("click", () => toggle(name));
  const element = make("section", { "aria-label": name, "data-name": name },
    make("h3", {}, button), body);
  return { element, note, button, body, fields: [], key: "", history: false };
}

function render({ model, el }) {
  el.classList.add("ztfnb-packet");
  el.dataset.lmSuppressShortcuts = "true"; // letters are typed here, not commands of the notebook
  const docs = model.get("_docs");
  const search = make("input", {
    type: "search", placeholder: "Search fields", spellcheck: "false",
    "aria-label": "Search the fields by name and meaning",
    title: "Words of the field's name or meaning ( / )", maxlength: "100",
  });
  const hide = make("button", {
    type: "button", class: "ztfnb-packet-toggle", text: "Hide missing",
  });
  const count = make("span", { class: "ztfnb-count", role: "status" });
  const bar = make("div", { class: "ztfnb-packet-bar" }, search, hide, count);
  const near = make("ul", {
    class: "ztfnb-packet-near", "aria-label": "Nearest catalogue sources",
  });
  const away = make("nav", { class: "ztfnb-packet-links", "aria-label": "Look this object up" });
  const list = make("div", { class: "ztfnb-packet-sections" });
  const empty = make("p", { class: "ztfnb-packet-empty-note" });
  const body = make("div", {
    class: "ztfnb-packet-body", tabindex: "0", role: "region", "aria-label": "Fields of the packet",
  }, near, away, list, empty);
  el.append(bar, body);
  passKeysOn(model, el);
  keepKeys(el);

  // -- What the user has chosen ----------------------------------------------------------------
  let { search: typed, hide_missing: hideMissing, open } = model.get("_settings");
  let timer = 0;
  const turns = turnTaking();
  const choose = (name, value) => model.send({ kind: "setting", name, value, turn: turns.next() });
  search.addEventListener("input", () => {
    typed = search.value;
    sieve();
    clearTimeout(timer);
    timer = setTimeout(() => { timer = 0; choose("search", typed); }, TYPED);
  });
  hide.addEventListener("click", () => {
    hideMissing = !hideMissing;
    sieve();
    choose("hide_missing", hideMissing);
  });
  const toggle = (name) => {
    open = open.includes(name) ? open.filter((other) => other !== name) : [...open, name];
    sieve();
    choose("open", open);
  };
  el.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== search) search.focus();
    else if (event.key === "Escape" && event.target === search && search.value) {
      search.value = "";
      search.dispatchEvent(new Event("input"));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // -- What is shown ---------------------------------------------------------------------------
  let sections = new Map();

  function show() {
    const shown = model.get("_shown");
    const kept = new Map();
    for (const { name, note, rows } of shown.sections ?? []) {
      const section = sections.get(name) ?? sectionOf(name, toggle);
      kept.set(name, section);
      write(section.note, note);
      section.history = rows === null;
      section.empty = section.history ? !/^\d/.test(note) : rows.length === 0;
      if (section.history) continue;
      // The same fields as before keep their elements, and the reader his place.
      const key = JSON.stringify(rows.map(([field, , , , doc]) => [field, doc]));
      if (key !== section.key) {
        section.key = key;
        const part = name === "stamps" ? "alert" : name;
        section.fields = rows.map(([field, , , , doc]) =>
          fieldOf(field, ...(docs[part]?.[field] ?? ["", doc])));
        section.body.replaceChildren(
          make("dl", {}, ...section.fields.map(({ element }) => element)));
      }
      rows.forEach(([, value, readable, missing], place) =>
        section.fields[place].show(value, readable, missing));
    }
    if ([...kept.keys()].join() !== [...sections.keys()].join()) {
      list.replaceChildren(...[...kept.values()].map(({ element }) => element));
    }
    sections = kept;
    near.replaceChildren(...(shown.near ?? []).map((words) => make("li", { text: words })));
    near.hidden = !shown.near?.length;
    away.replaceChildren(...(shown.links ?? []).map(linkTo));
    away.hidden = !shown.links?.length;
    sieve();
    el.dataset.candid = shown.candid ?? "";
  }

  function sieve() {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    let total = 0;
    for (const [name, section] of sections) {
      const there = section.history ? 0
        : section.fields.filter((field) => field.sieve(words, hideMissing)).length;
      total += section.fields.length;
      found += there;
      // What is found is seen, also in a section that is closed.
      const isOpen = words.length && !section.history ? there > 0 : open.includes(name);
      section.button.setAttribute("aria-expanded", String(isOpen && !section.empty));
      section.button.disabled = section.empty;
      section.body.hidden = !isOpen || section.empty;
      section.element.hidden = words.length > 0 && !section.history && there === 0;
      if (section.history) showHistory(name, section, words);
    }
    if (search.value !== typed && document.activeElement !== search) search.value = typed;
    hide.setAttribute("aria-pressed", String(hideMissing));
    write(count, total ? found < total ? `${found} of ${total} fields` : `${total} fields` : "");
    empty.hidden = found > 0;
    write(empty, !total ? "Select an alert to see its fields."
      : words.length ? `No field has “${typed.trim()}” in its name or meaning.`
        : "All fields are missing.");
  }

  function showHistory(name, section, words) {
    const table = section.body.hidden ? null : model.get("_histories")[name] ?? null;
    const key = words.join(" ");
    if (section.table === table && section.words === key) return;
    Object.assign(section, { table, words: key });
    section.body.replaceChildren(...(table ? tableOf(table, docs[name] ?? {}, words) : []));
  }

  const undo = [
    follow(model, "_shown", show),
    follow(model, "_histories", () => sieve()),
    follow(model, "_settings", () => {
      const settings = model.get("_settings");
      if (turns.isOutdated(settings.turn)) return;
      ({ hide_missing: hideMissing, open } = settings);
      // The kernel has not heard yet of what was typed a moment ago.
      if (!timer && document.activeElement !== search) typed = settings.search;
      sieve();
    }),
  ];
  return () => {
    clearTimeout(timer);
    for (const end of undo) end();
  };
}

export default { render };
