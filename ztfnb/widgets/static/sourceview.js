function render({ model, el }) {
  el.classList.add("ztfnb-source");
  el.dataset.lmSuppressShortcuts = "true";
  const note = make("span", { class: "ztfnb-source-note" });
  const copy = copier();
  const code = make("div", { class: "ztfnb-source-code", tabindex: "0", role: "group",
    "aria-label": "Source of the filter" });
  el.append(make("div", {}, note, copy), code);
  const undo = follow(model, "_shown", () => {
    const shown = model.get("_shown");
    note.textContent = shown.note;
    copy.follow(shown.text);
    copy.title = "Copy the source";
    code.hidden = !shown.lines.length;
    code.replaceChildren(...shown.lines.flatMap(({ number, text, remarks }) => [
      make("div", { class: "ztfnb-source-line", "data-remarks": remarks.length ? "true" : null },
        make("span", { text: number }), make("code", { text: text || " " })),
      ...remarks.map((remark) => make("div", { class: "ztfnb-source-remark", role: "note", text: remark })),
    ]));
  });
  keepKeys(el);
  return undo;
}

export default { render };
