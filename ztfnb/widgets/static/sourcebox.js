/**
 * The source of a filter to read, and the buttons that take it along: to the clipboard, or to a new
 * cell below the one that it stands in. `show` takes the source, and what to show where it is empty.
 */
function sourceBox(model) {
  let source = "";
  const copy = make("button", { type: "button", text: "Copy" });
  const put = make("button", {
    type: "button", text: "Put in a cell", title: "A new cell below this one",
  });
  const told = make("span", { class: "ztfnb-label", role: "status" });
  const code = make("pre", {
    class: "ztfnb-sourcebox", tabindex: "0", role: "group", "aria-label": "Source of the filter",
  });
  copy.addEventListener("click", async () => {
    await toClipboard(source);
    told.textContent = "copied";
  });
  put.addEventListener("click", async () => {
    if (newCell(model, code, source)) { told.textContent = "in the cell below"; return; }
    await toClipboard(source);
    told.textContent = "copied: paste it in a cell";
  });
  return {
    code,
    controls: [copy, put, told],
    show(text, instead = "") {
      source = text;
      code.textContent = source || instead;
      code.dataset.ready = String(Boolean(source));
      code.hidden = !code.textContent;
      copy.disabled = put.disabled = !source;
      told.textContent = "";
    },
  };
}
