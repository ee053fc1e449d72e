// What may be written next in a cut: found in the page alone, while a person types.

const OFFERED = 40;
const LETTERS_OF_DOC = 4; // from which on the documentation is searched too

/**
 * What may stand where the caret is: `{ from, options }`, where `from` is the place at which the
 * word begins; nothing where there is nothing sensible to offer.
 */
function completionsAt(text, caret, entries, { all = false } = {}) {
  const before = text.slice(0, caret);
  const none = { from: caret, options: [] };
  const bare = before.replace(/'[^']*'|"[^"]*"/g, (found) => "'".repeat(found.length));
  if (/["']/.test(bare.replace(/'{2,}/g, ""))) return none; // within quotes
  const word = /[A-Za-z_][A-Za-z0-9_]*$/.exec(bare)?.[0] ?? "";
  const from = caret - word.length;
  if (!word && (!all || /[A-Za-z0-9_.]$/.test(bare))) return none;
  const ahead = bare.slice(0, from);
  if (/[0-9.]$/.test(ahead)) return none; // 1e5
  const wanted = kindsAfter(ahead, entries);
  const sought = word.toLowerCase();
  const ranked = [[], [], [], []];
  for (const entry of entries) {
    if (!wanted(entry)) continue;
    const name = entry.name.toLowerCase();
    if (name === sought) ranked[0].push(entry);
    else if (name.startsWith(sought)) ranked[1].push(entry);
    else if (name.includes(sought)) ranked[2].push(entry);
    else if (word.length >= LETTERS_OF_DOC && entry.doc.toLowerCase().includes(sought)) {
      ranked[3].push(entry);
    }
  }
  const options = ranked.flat().slice(0, OFFERED);
  // A word that is whole, and the only one, needs no offer.
  if (options.length === 1 && options[0].name === word) return none;
  return { from, options };
}

/** Which entries make sense behind a text that is complete up to there. */
function kindsAfter(ahead, entries) {
  const text = ahead.trimEnd();
  const field = (entry) => !["function", "word"].includes(entry.kind);
  const named = (name) => entries.find((entry) => entry.name === name);
  const last = /[A-Za-z_][A-Za-z0-9_]*$/.exec(text)?.[0];
  const isWord = last && named(last)?.kind === "word";
  if (last === "in") return () => false; // a list is what follows
  const negated = /([\w)\]}'"])\s+not$/.exec(text) && /(\w*)\W*not$/.exec(text)[1];
  if (negated && named(negated)?.kind !== "word") return (entry) => entry.name === "in";
  if (text && !isWord && /[\w)\]}'".]$/.test(text)) {
    // Behind a value.
    return (entry) => entry.kind === "word";
  }
  const compared = /([A-Za-z_]\w*)\s*(?:[<>]=?|[=!]=)$/.exec(text)?.[1];
  if (compared) {
    // Text is compared with what stands in quotes, which nobody can guess.
    if (named(compared)?.kind === "text") return (entry) => entry.kind === "text";
    return (entry) => (field(entry) && entry.kind !== "text")
      || (entry.kind === "function" && !["isnull", "startswith"].includes(entry.name));
  }
  return (entry) => entry.kind !== "word" || entry.name === "not";
}

/**
 * Offer completions of what is typed in `input`, in a list below it that `place` holds.
 * `entries` gives all there are. Keys reach `keydown` first; it says whether they meant the list.
 */
function completion(input, place, entries) {
  const id = `ztfnb-offers-${Math.random().toString(36).slice(2)}`;
  const list = make("ul", {
    class: "ztfnb-cut-offers", role: "listbox", id, hidden: true, "aria-label": "Completions",
  });
  place.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id,
  })) input.setAttribute(name, value);
  const ruler = document.createElement("canvas").getContext("2d");
  let found = { from: 0, options: [] };
  let active = -1;

  const isOpen = () => !list.hidden;
  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function choose(place) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = place;
    const option = list.children[active];
    if (option) {
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    } else input.removeAttribute("aria-activedescendant");
  }
  function offer(all = false) {
    found = completionsAt(input.value, input.selectionStart ?? 0, entries(), { all });
    if (!found.options.length) { close(); return; }
    list.replaceChildren(...found.options.map((entry, place) =>
      make("li", {
        role: "option", id: `${id}-${place}`, "aria-selected": "false", title: entry.doc || null,
      },
      make("span", { class: "ztfnb-cut-name", text: entry.name }),
      make("span", { class: "ztfnb-cut-unit", text: entry.unit }),
      make("span", { class: "ztfnb-cut-doc", text: entry.doc }))));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    list.scrollTop = 0;
    // Below the word that it completes, as far as there is room.
    ruler.font = getComputedStyle(input).font;
    const start = ruler.measureText(input.value.slice(0, found.from)).width - input.scrollLeft;
    const room = place.clientWidth - list.offsetWidth;
    list.style.left = `${Math.max(0, Math.min(input.offsetLeft + start, room))}px`;
    list.style.top = `${input.offsetTop + input.offsetHeight + 2}px`;
    const word = input.value.slice(found.from, input.selectionStart ?? 0);
    // Enter ends a text whose last word is whole; else it takes the first offer.
    active = -1;
    choose(word && found.options[0].name !== word ? 0 : -1);
  }
  function accept(place) {
    const { name, kind } = found.options[place];
    const end = input.selectionStart ?? input.value.length;
    const rest = input.value.slice(end).replace(/^\w+/, "");
    const next = kind === "function" ? "(" : kind === "word" || !rest ? " " : "";
    const begin = input.value.slice(0, found.from) + name + (rest.startsWith(next) ? "" : next);
    input.value = begin + rest;
    const caret = begin.length + (rest && rest.startsWith(next) ? next.length : 0);
    input.setSelectionRange(caret, caret);
    close();
  }
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the box keeps the focus
    const option = event.target.closest("li");
    if (option) accept([...list.children].indexOf(option));
  });
  input.addEventListener("input", () => offer());
  input.addEventListener("blur", close);
  return {
    close,
    keydown(event) {
      if (event.key === " " && event.ctrlKey) offer(true);
      else if (!isOpen()) return false;
      else if (event.key === "ArrowDown") choose((active + 1) % found.options.length);
      else if (event.key === "ArrowUp") choose(active <= 0 ? found.options.length - 1 : active - 1);
      else if (event.key === "Escape") close();
      else if ((event.key === "Tab" || event.key === "Enter") && active >= 0 && !event.shiftKey) {
        accept(active);
      } else {
        if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close();
        return false;
      }
      return true;
    },
  };
}
