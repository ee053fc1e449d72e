// The epochs of a light curve as a table, which a keyboard can walk through.

/** Returns the table's element, with `follow(table, mark)`. `onChoose` is given a row. */
function pointTable(onChoose) {
  const head = make("tr");
  const body = make("tbody");
  const box = make("div", { class: "ztfnb-points", hidden: true },
    make("table", { "aria-label": "Epochs of the light curve" }, make("thead", {}, head), body));
  let shown = null;

  const rows = () => [...body.children].filter((row) => !row.hidden);
  const move = (row) => {
    if (!row) return;
    for (const other of body.children) other.tabIndex = other === row ? 0 : -1;
    row.focus();
  };
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !String(getSelection())) onChoose(row.sectionRowIndex);
  });
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    const all = rows();
    const place = all.indexOf(row);
    const steps = {
      ArrowDown: () => move(all[place + 1]), j: () => move(all[place + 1]),
      ArrowUp: () => move(all[place - 1]), k: () => move(all[place - 1]),
      Home: () => move(all[0]), End: () => move(all.at(-1)),
      Enter: () => onChoose(row.sectionRowIndex),
    };
    if (!(event.key in steps)) return;
    steps[event.key]();
    event.preventDefault();
    event.stopPropagation();
  });

  const fill = (row, texts, left) => {
    texts.forEach((text, place) => {
      if (!row.children[place]) row.append(make("td", { class: place < left ? "ztfnb-word" : null }));
      if (row.children[place].textContent !== text) row.children[place].textContent = text;
    });
  };

  return {
    box,
    follow(table, mark) {
      if (box.hidden === Boolean(table.rows)) box.hidden = !table.rows;
      if (!table.rows) return;
      if (table !== shown) {
        shown = table;
        if (!head.children.length) {
          head.append(...table.headers.map(([text, title], place) => make("th", {
            scope: "col", text, title, class: place < table.texts ? "ztfnb-word" : null,
          })));
        }
        table.rows.forEach((texts, place) => {
          if (!body.children[place]) body.append(make("tr", { tabindex: place ? -1 : 0 }));
          fill(body.children[place], texts, table.texts);
        });
        [...body.children].forEach((row, place) => { row.hidden = place >= table.rows.length; });
      }
      [...body.children].forEach((row, place) => {
        if (place === mark) row.setAttribute("aria-current", "true");
        else row.removeAttribute("aria-current");
      });
    },
  };
}
