function render({ model, el }) {
  el.classList.add("ztfnb-tablist");
  el.dataset.lmSuppressShortcuts = "true";
  const list = make("div", { role: "tablist", "aria-label": model.get("_label") });
  const prefix = `ztfnb-tab-${Math.random().toString(36).slice(2)}`;
  const buttons = model.get("_titles").map(([name, title]) => {
    const button = make("button", {
      type: "button", role: "tab", text: title, "data-name": name, id: `${prefix}-${name}`,
    });
    button.addEventListener("click", () => choose(name));
    return button;
  });
  list.append(...buttons);
  el.append(list);
  let chosen = "";
  let box = null;

  function show(name) {
    chosen = name;
    markTab(list, name);
    dress();
  }
  /** The panels come into the box after the tabs. */
  function dress() {
    box ??= el.closest(".ztfnb-tabbed");
    for (const panel of box?.querySelectorAll(":scope > .ztfnb-panel") ?? []) {
      const on = panel.classList.contains(`ztfnb-panel-${chosen}`);
      if (panel.classList.contains("ztfnb-off") === on) panel.classList.toggle("ztfnb-off", !on);
      if (on && panel.getAttribute("role") !== "tabpanel") panel.setAttribute("role", "tabpanel");
      if (on) panel.setAttribute("aria-labelledby", `${prefix}-${chosen}`);
    }
  }
  function choose(name) {
    if (name === chosen) return;
    show(name);
    model.send({ kind: "choose", name });
  }
  tabKeys(list, choose);
  const undo = follow(model, "_chosen", () => show(model.get("_chosen")));
  const arrivals = new MutationObserver(dress);
  const attached = new ResizeObserver(() => {
    dress();
    if (box) {
      arrivals.observe(box, { childList: true });
      attached.disconnect();
    }
  });
  attached.observe(el);
  return () => {
    undo();
    arrivals.disconnect();
    attached.disconnect();
  };
}

export default { render };
