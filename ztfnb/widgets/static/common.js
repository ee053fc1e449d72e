// What every widget's page side needs. Strings reach the page as text nodes only.

const IDLE_AFTER = 15 * 60e3; // [ms] without a key or the pointer: then nothing more is asked for
const REPEAT = 24e3; // [ms] after which an unanswered word of readiness is said again
const CREDIT = 4; // answers that a word of readiness is good for; as in _pump.py

/** Make an element; `text` becomes a text node. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/**
 * Ask the kernel for news while someone may be looking. A word of readiness is good for a few
 * answers, and is said again when half of them have come: words are dear (see `_pump.py`).
 * `say` gives what goes with the word. Returns `answered`, to call when news has come, and `stop`.
 */
function listen(model, say = () => ({})) {
  let asked = -Infinity;
  let left = 0; // answers still to come
  let lastSign = performance.now();
  const ask = () => {
    const now = performance.now();
    if (document.hidden || now - lastSign > IDLE_AFTER) return;
    if (left > CREDIT / 2 && now - asked < REPEAT) return;
    asked = now;
    left = CREDIT;
    model.send({ kind: "ready", ...say() });
  };
  const sign = () => {
    const slept = performance.now() - lastSign > IDLE_AFTER;
    lastSign = performance.now();
    if (slept) ask();
  };
  const timer = setInterval(ask, REPEAT / 4);
  const ends = new AbortController();
  const options = { signal: ends.signal, passive: true, capture: true };
  document.addEventListener("visibilitychange", ask, options);
  for (const name of ["pointermove", "keydown", "wheel"]) {
    document.addEventListener(name, sign, options);
  }
  ask();
  return {
    answered() {
      left -= 1;
      // Painted first: a page that cannot keep up asks less often.
      if (left <= CREDIT / 2) requestAnimationFrame(ask);
    },
    stop() {
      clearInterval(timer);
      ends.abort();
    },
  };
}

/**
 * Counts what is chosen in this view. An answer to a choice before the last, of this view or of
 * whichever chose before, which the kernel gave before it heard of the last, is outdated: it would
 * undo what was chosen since.
 */
function turnTaking() {
  const view = Math.random().toString(36).slice(2);
  let count = 0;
  let seen = null; // what was answered last
  let before = null; // and that when the last choice was made
  const turn = () => `${view}-${count}`;
  return {
    next() {
      count += 1;
      before = seen;
      return turn();
    },
    isOutdated(answered) {
      seen = answered;
      return answered !== turn() && (answered === before || answered.startsWith(`${view}-`));
    },
  };
}

/** Call `paint` now and whenever a trait changes; returns what undoes it. */
function follow(model, trait, paint) {
  const event = `change:${trait}`;
  model.on(event, paint);
  paint();
  return () => model.off(event, paint);
}

/** A label and its value, as one item of a list. */
function pair(label, value, title = "") {
  return make("span", { role: "listitem", "data-label": label, title: title || null },
    label ? make("span", { class: "ztfnb-label", text: `${label} ` }) : "",
    make("span", { class: "ztfnb-value", text: value }));
}

/** A row of buttons of which one is pressed. */
function choice(label, options, onChange) {
  const box = make("div", { class: "ztfnb-choice", role: "group", "aria-label": label });
  for (const [value, text, title] of options) {
    const button = make("button", { type: "button", text, title, "data-value": value });
    button.addEventListener("click", () => onChange(value));
    box.append(button);
  }
  box.press = (value) => {
    for (const button of box.children) {
      button.setAttribute("aria-pressed", String(button.dataset.value === value));
    }
  };
  return box;
}

/** A number as bytes of float64 or float32 came: a copy, since buffers need not be aligned. */
function numbers(view, type) {
  const { buffer, byteOffset, byteLength } = view;
  return new type(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** Save a file through the browser's own download. */
function saveFile(name, blob) {
  const address = URL.createObjectURL(blob);
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60e3);
}

/** Save what the kernel hands over as files; returns what undoes it. */
function downloads(model) {
  const save = (message, buffers) => {
    if (message.kind !== "download") return;
    saveFile(message.name, new Blob([buffers[0]], { type: message.type }));
  };
  model.on("msg:custom", save);
  return () => model.off("msg:custom", save);
}

/** Tell the kernel of keys that mean nothing here: they may be labels of a scan. */
function passKeysOn(model, element) {
  element.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, button")) return;
    if (!/^[a-z0-9?]$/.test(event.key)) return;
    model.send({ kind: "key", key: event.key });
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Keys pressed in a control stay there: JupyterLab would take arrows and Enter for its own. */
function keepKeys(element) {
  element.addEventListener("keydown", (event) => {
    const control = event.target.closest("input, select, textarea, button");
    if (!control) return;
    const command = event.ctrlKey || event.metaKey || event.altKey;
    const edits = control.matches("input, textarea") && /^[acvxyz]$/i.test(event.key);
    if (!command || edits) event.stopPropagation();
  });
}
