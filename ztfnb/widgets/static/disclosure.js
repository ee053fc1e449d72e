/** A button that discloses controls which are seldom needed, until one looks elsewhere. */
function disclosure(label, ...controls) {
  const button = make("button", { type: "button", text: "more", title: label, "aria-expanded": "false" });
  const panel = make("div", {
    class: "ztfnb-more-panel", role: "group", "aria-label": label, hidden: true,
  }, ...controls);
  const element = make("div", { class: "ztfnb-more" }, button, panel);
  let open = null; // ends the listening for a press elsewhere

  function close() {
    open?.abort();
    open = null;
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }
  button.addEventListener("click", () => {
    if (open) {
      close();
      return;
    }
    open = new AbortController();
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", (event) => {
      if (!element.contains(event.target)) close();
    }, { signal: open.signal, capture: true });
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open) return;
    close();
    button.focus({ preventScroll: true });
    event.preventDefault();
    event.stopPropagation();
  });
  return { element, close };
}
