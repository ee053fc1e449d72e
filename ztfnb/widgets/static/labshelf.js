function render({ model, el }) {
  el.classList.add("ztfnb-tablist", "ztfnb-shelf");
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
    markTab(list, model.get("_chosen"));
  }
  function newTab(name) {
    const button = make("button", { type: "button", role: "tab", "data-name": name },
      make("span", { class: "ztfnb-shelf-title" }), make("span", { class: "ztfnb-shelf-count" }));
    button.addEventListener("click", () => choose(name));
    return button;
  }
  function choose(name) {
    markTab(list, name);
    model.send({ kind: "choose", name });
  }
  tabKeys(list, choose);
  const undo = [
    follow(model, "_tabs", show),
    follow(model, "_chosen", () => markTab(list, model.get("_chosen"))),
  ];
  return () => undo.forEach((end) => end());
}

export default { render };
