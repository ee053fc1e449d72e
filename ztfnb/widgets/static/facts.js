function render({ model, el }) {
  el.classList.add("ztfnb-facts");
  const name = make("strong", { class: "ztfnb-object" });
  const list = make("div", { class: "ztfnb-pairs", role: "list" });
  el.append(name, list);
  const undo = follow(model, "_shown", () => {
    const shown = model.get("_shown");
    name.textContent = shown.object;
    list.replaceChildren(...shown.facts.map(({ label, value, title }) =>
      pair(label, value, title)));
    el.dataset.candid = shown.candid;
  });
  return undo;
}

export default { render };
