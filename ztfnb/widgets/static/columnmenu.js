// The list of all columns there are, to choose from.

/** A dialog above the table; `choose` is called with the names of the columns to show. */
function columnMenu({ send, choose, reset, closed }) {
  let every = [];
  let shown = [];
  const search = make("input", {
    type: "search", placeholder: "Find a field", spellcheck: "false", class: "ztfnb-find",
    "aria-label": "Find a field by its name or meaning",
  });
  const first = make("button", { type: "button", class: "ztfnb-plain", text: "Reset to default" });
  const list = make("div", { class: "ztfnb-fields", role: "group", "aria-label": "Fields" });
  const box = make("div", {
    class: "ztfnb-menu", role: "dialog", "aria-label": "Columns", hidden: true,
  }, make("div", { class: "ztfnb-menu-bar" }, search, first), list);
  const items = new Map();

  function item(column) {
    if (items.has(column.name)) return items.get(column.name);
    const tick = make("input", { type: "checkbox", tabindex: "-1", "data-name": column.name });
    const name = make("span", { class: "ztfnb-field", text: column.name });
    const unit = make("span", { class: "ztfnb-unit", text: column.unit });
    const doc = make("span", { class: "ztfnb-doc", text: column.doc });
    const label = make("label", { title: column.doc }, tick, name, unit, doc);
    tick.addEventListener("change", () => {
      const left = shown.filter((other) => other !== column.name);
      if (!tick.checked && !left.length) tick.checked = true; // A table has a column.
      else choose(tick.checked ? [...left, column.name] : left);
    });
    label.tick = tick;
    items.set(column.name, label);
    return label;
  }
  function fill() {
    const sought = search.value.trim().toLowerCase();
    const fits = ({ name, label, doc }) =>
      [name, label].some((text) => text.toLowerCase().includes(sought)) ||
      doc.toLowerCase().includes(sought);
    const rank = ({ name }) => (name.toLowerCase().startsWith(sought) ? 0
      : name.toLowerCase().includes(sought) ? 1 : 2);
    const found = every.filter(fits);
    if (sought) found.sort((one, other) => rank(one) - rank(other));
    list.replaceChildren(...found.map((column) => {
      const label = item(column);
      label.classList.toggle("ztfnb-absent", !column.held);
      return label;
    }));
    if (!found.length) list.append(make("div", { class: "ztfnb-doc", text: "No such field." }));
    tickShown();
  }
  function tickShown() {
    for (const [name, label] of items) label.tick.checked = shown.includes(name);
  }
  const visible = () => [...list.querySelectorAll("input")];
  function onKey(event) {
    event.stopPropagation();
    if (event.key === "Escape") menu.close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const ticks = visible();
      const here = ticks.indexOf(document.activeElement);
      const to = here + (event.key === "ArrowDown" ? 1 : -1);
      (to < 0 ? search : ticks[Math.min(to, ticks.length - 1)])?.focus();
    } else if (event.key === "Enter" && event.target === search) visible()[0]?.click();
    else if (event.key === "Enter" && event.target.type === "checkbox") event.target.click();
    else return;
    event.preventDefault();
  }
  const onOutside = (event) => {
    if (!box.contains(event.target) && !event.target.closest(".ztfnb-columns")) menu.close(false);
  };
  box.addEventListener("keydown", onKey);
  search.addEventListener("input", fill);
  first.addEventListener("click", reset);

  const menu = {
    element: box,
    get open() { return !box.hidden; },
    toggle() {
      if (menu.open) {
        menu.close();
        return;
      }
      box.hidden = false;
      search.value = "";
      send({ kind: "menu" });
      document.addEventListener("pointerdown", onOutside, true);
      search.focus();
    },
    close(back = true) {
      if (!menu.open) return;
      box.hidden = true;
      document.removeEventListener("pointerdown", onOutside, true);
      closed(back);
    },
    /** Take the list of columns there are: those shown stand first, in their order. */
    fill(columns) {
      items.clear();
      const chosen = shown.map((name) => columns.find((column) => column.name === name));
      every = [
        ...chosen.filter(Boolean), ...columns.filter((column) => !shown.includes(column.name)),
      ];
      fill();
    },
    show(names) {
      shown = names;
      tickShown();
    },
    stop: () => document.removeEventListener("pointerdown", onOutside, true),
  };
  return menu;
}
