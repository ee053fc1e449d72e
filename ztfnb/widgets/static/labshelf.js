function render({ model, el }) {
  el.classList.add("ztfnb-shelf");
  el.dataset.lmSuppressShortcuts = "true";
  const list = make("div", { role: "tablist", "aria-label": "Alerts by verdict" });
  el.append(list);
  let buttons = [];

  function show() {
    const tabs = model.get("_tabs");
    const same = tabs.length === buttons.length
      && tabs.every(([name], at) => buttons[at].dataset.name === name);
    if (!same) {
      const kept = new Map(buttons.map((button) => [button.dataset.name, button]));
      buttons = tabs.map(([name]) => kept.get(name) ?? newTab(name));
      list.replaceChildren(...buttons);
    }
    tabs.forEach(([, title, n], at) => {
      buttons[at].firstChild.textContent = title;
      buttons[at].firstChild.title = title;
      buttons[at].lastChild.textContent = n.toLocaleString("en");
    });
    mark(model.get("_chosen"));
  }
  function newTab(name) {
    const button = make("button", { type: "button", role: "tab", "data-name": name },
      make("span", { class: "ztfnb-shelf-title" }), make("span", { class: "ztfnb-shelf-count" }));
    button.addEventListener("click", () => choose(name));
    return button;
  }
  function mark(name) {
    for (const button of buttons) {
      const on = button.dataset.name === name;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
    }
  }
  function choose(name) {
    mark(name);
    model.send({ kind: "choose", name });
  }
  list.addEventListener("keydown", (event) => {
    const here = buttons.indexOf(document.activeElement);
    const last = buttons.length - 1;
    const to = {
      ArrowRight: here === last ? 0 : here + 1, ArrowLeft: here === 0 ? last : here - 1,
      Home: 0, End: last,
    }[event.key];
    if (here < 0 || to === undefined) return;
    choose(buttons[to].dataset.name);
    buttons[to].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  const undo = [
    follow(model, "_tabs", show), follow(model, "_chosen", () => mark(model.get("_chosen"))),
  ];
  return () => undo.forEach((end) => end());
}

export default { render };
