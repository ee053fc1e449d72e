// The boxes above a table in which people search and cut, and the cuts that are set, as chips.

const TYPING = 200; // [ms] without a key after which a search begins

/**
 * The boxes and chips. `model` has the trait `_fields`, what a cut can be made of; `send` takes
 * messages for the kernel; `done` is called when someone has finished in a box.
 */
function cutBar({ model, send, done }) {
  const prefix = Math.random().toString(36).slice(2);
  let sent = 0;
  let pending = null; // what was typed and sent: its number, its box and its text
  let listed = false; // whether the error is one of the list, not of what was typed
  let edited = ""; // the cut whose text is in the box
  let seen = ""; // what was shown last
  let timer = 0;

  const search = make("input", {
    type: "search", class: "ztfnb-search", placeholder: "objectId", spellcheck: "false",
    autocomplete: "off", "aria-label": "Search: beginning of an objectId, or a candid",
    title: "Beginning of an objectId, or a candid ( / )",
  });
  const cut = make("input", {
    type: "text", class: "ztfnb-cut", placeholder: "cut: rb > 0.65",
    spellcheck: "false", autocomplete: "off", autocapitalize: "off",
    "aria-label": "Cut: an expression over fields of the alert",
    title: "An expression over fields, such as: rb > 0.65 and magpsf < 19. Enter sets it.",
  });
  const row = make("div", { class: "ztfnb-bar ztfnb-cut-row" }, search, cut);
  const offers = completion(cut, row, () => model.get("_fields"));
  const error = make("div", {
    class: "ztfnb-error", role: "alert", id: `ztfnb-error-${prefix}`, hidden: true,
  });
  const filter = cutFilter({ model, send, done });
  const chips = make("div", {
    class: "ztfnb-cut-chips", role: "group", "aria-label": "Cuts that are set", hidden: true,
  }, filter.button);
  const clear = make("button", { type: "button", class: "ztfnb-cut-clear", text: "Clear all" });
  clear.addEventListener("click", () => { say({ act: "clear" }); done(); });
  const notes = make("div", { class: "ztfnb-cut-notes" }, error, chips, filter.panel);

  // -- Words to the kernel ----------------------------------------------------------------------
  function say(message) {
    sent += 1;
    send({ kind: "cuts", id: `${prefix}-${sent}`, ...message });
  }
  function ask(box, message) {
    say(message);
    pending = { number: sent, box, text: message.text };
  }
  function submit() {
    offers.close();
    if (!cut.value.trim()) {
      quiet();
      done();
      return;
    }
    ask(cut, { act: edited ? "replace" : "add", old: edited, text: cut.value });
  }
  function seek() {
    clearTimeout(timer);
    timer = 0;
    ask(search, { act: "search", text: search.value });
  }

  // -- Errors -----------------------------------------------------------------------------------
  function quiet() {
    error.hidden = true;
    error.replaceChildren();
    for (const box of [search, cut]) {
      box.removeAttribute("aria-invalid");
      box.removeAttribute("aria-describedby");
    }
  }
  function complain(found) {
    quiet();
    const box = found.box === "search" ? search : cut;
    if (found.typed) {
      box.setAttribute("aria-invalid", "true");
      box.setAttribute("aria-describedby", error.id);
    }
    const [reason, offered] = found.reason.split("; did you mean ");
    const words = make("span", { class: "ztfnb-cut-reason", text: reason });
    const start = (found.position ?? 0) - 1;
    if (found.text && start >= 0) {
      const end = start + found.length;
      error.append(make("div", { class: "ztfnb-cut-typed" },
        make("span", { text: found.text.slice(0, start) }),
        make("mark", { text: found.text.slice(start, end) || " " }),
        make("span", { text: found.text.slice(end) })));
    }
    error.append(words);
    if (found.close.length) {
      error.append(make("span", { text: offered ? "; did you mean " : ": " }));
      for (const close of found.close) {
        const button = make("button", { type: "button", text: close });
        button.addEventListener("click", () => repair(found, close));
        error.append(button);
      }
      if (offered) error.append(make("span", { text: "?" }));
    }
    error.hidden = false;
  }
  /** Put what was offered in the place of the wrong piece, and try again. */
  function repair({ text, position, length }, close) {
    const before = text.slice(0, position - 1);
    const after = text.slice(position - 1 + length);
    const gap = (first, second) => (/\w$/.test(first) && /^\w/.test(second) ? " " : "");
    cut.value = before + gap(before, close) + close + gap(close, after) + after;
    cut.focus();
    submit();
  }

  // -- Chips ------------------------------------------------------------------------------------
  function chip(text) {
    const label = make("button", {
      type: "button", class: "ztfnb-cut-text", text, title: `${text}\nClick to change it`,
      "aria-label": `Change the cut ${text}`,
    });
    const share = make("span", { class: "ztfnb-cut-share" });
    const remove = make("button", {
      type: "button", class: "ztfnb-cut-remove", text: "×", title: "Remove (Delete)",
      "aria-label": `Remove the cut ${text}`,
    });
    const element = make("span", { class: "ztfnb-cut-chip", "data-cut": text },
      label, share, remove);
    element.share = share;
    label.addEventListener("click", () => {
      edited = text;
      cut.value = text;
      quiet();
      cut.focus();
      cut.setSelectionRange(text.length, text.length);
      tint();
    });
    const away = () => {
      const next = element.nextElementSibling ?? element.previousElementSibling;
      const held = element.contains(document.activeElement);
      say({ act: "remove", text });
      if (!held) return;
      const target = next?.querySelector(".ztfnb-cut-remove");
      if (target) target.focus();
      else done();
    };
    remove.addEventListener("click", away);
    element.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") away();
      else if (event.key === "Escape") done();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    return element;
  }
  function tint() {
    for (const one of chips.querySelectorAll(".ztfnb-cut-chip")) {
      one.classList.toggle("ztfnb-cut-edited", one.dataset.cut === edited);
    }
  }
  function paintChips(state) {
    const known = new Map(
      [...chips.querySelectorAll(".ztfnb-cut-chip")].map((one) => [one.dataset.cut, one]));
    const wanted = state.chips.map(({ text }) => known.get(text) ?? chip(text));
    for (const [text, one] of known) {
      if (!state.chips.some((each) => each.text === text)) one.remove();
    }
    wanted.forEach((one, place) => {
      if (chips.children[place] !== one) chips.insertBefore(one, chips.children[place] ?? null);
      const { kept } = state.chips[place];
      const share = kept === null || !state.held ? "" : percent(kept / state.held);
      if (one.share.textContent !== share) one.share.textContent = share;
      one.share.title = share && `${kept.toLocaleString("en")} of `
        + `${state.held.toLocaleString("en")} alerts fulfil it`;
    });
    if (wanted.length < 2) clear.remove();
    else if (!clear.parentNode) filter.button.before(clear);
    chips.hidden = !wanted.length;
    if (edited && !state.chips.some(({ text }) => text === edited)) edited = "";
    tint();
  }
  const percent = (share) => (share > 0 && share < 0.01 ? "<1%"
    : share < 1 && share > 0.99 ? ">99%" : `${Math.round(100 * share)}%`);

  function show(state) {
    const word = JSON.stringify(state);
    if (word === seen) return;
    seen = word;
    paintChips(state);
    filter.follow(state);
    const [view, number] = state.answered.split("-");
    if (pending && view === prefix && Number(number) >= pending.number) {
      if (state.error) complain(state.error);
      else accepted(pending);
      pending = null;
    } else if (state.error ? !state.error.typed : listed) {
      listed = Boolean(state.error);
      if (listed) complain(state.error);
      else quiet();
    }
    // Neither what is being typed, nor what the kernel has not heard of yet, nor a mistake is lost.
    const told = !timer && pending?.box !== search && !search.getAttribute("aria-invalid");
    if (told && document.activeElement !== search) {
      search.value = state.search;
    }
  }

  function accepted({ box, text }) {
    quiet();
    // Whoever types on is not disturbed.
    if (box !== cut || cut.value !== text) return;
    cut.value = "";
    edited = "";
    tint();
    if (document.activeElement === cut) done();
  }

  // -- What people do ---------------------------------------------------------------------------
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(seek, TYPING);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { seek(); done(); }
    else if (event.key === "Escape" && !search.value) done();
    event.stopPropagation();
  });
  cut.addEventListener("input", () => {
    if (cut.value) return;
    edited = "";
    tint();
    quiet();
  });
  cut.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (offers.keydown(event)) event.preventDefault();
    else if (event.key === "Enter") submit();
    else if (event.key === "Escape") {
      if (!cut.value) done();
      cut.value = "";
      edited = "";
      tint();
      quiet();
    }
  });
  return {
    row,
    notes,
    show,
    focusSearch() { search.focus(); search.select(); },
    focusCut() { cut.focus(); cut.select(); },
    source: filter.answer,
    stop() {
      clearTimeout(timer);
      filter.stop();
    },
  };
}
