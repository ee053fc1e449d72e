// What the keys do, in a dialog.

const KEYS = [
  ["↑ ↓  or  j k", "browse the alerts"],
  ["PgUp  PgDn", "a page up or down"],
  ["Home  End", "first or last alert"],
  ["Enter", "show the alert in view"],
  ["Space", "mark the alert, or take the mark away"],
  ["Shift + click", "mark all from the last one to here"],
  ["→  ←", "show or hide the other alerts of an object, when grouped"],
  ["/", "search an object"],
  ["?", "this help"],
  ["Tab", "to the headers and the controls"],
  ["", "While Labels are in view"],
  ["g  b  m", "good, bad, maybe"],
  ["1 … 9", "words of your own"],
  ["x  u  n", "clear the label, undo, write a note"],
  ["", "On a header"],
  ["Enter", "sort: largest, smallest, as they arrived"],
  ["←  →", "to the next header"],
  ["Alt + ←  →", "move the column"],
  ["Shift + ←  →", "make it narrower or wider"],
  ["Delete", "hide it"],
];

/** A dialog with all keys; `closed` is called when the keyboard is free again. */
function keyHelp({ closed }) {
  const close = make("button", { type: "button", class: "ztfnb-plain", text: "Close" });
  const list = make("div", { class: "ztfnb-key-list", role: "list" });
  for (const [key, meaning] of KEYS) {
    list.append(make("div", { role: "listitem", class: key ? "ztfnb-key" : "ztfnb-key-part" },
      make("strong", { text: key }), make("span", { text: meaning })));
  }
  const box = make("div", {
    class: "ztfnb-help", role: "dialog", "aria-modal": "true", "aria-label": "Keys", tabindex: "-1",
    hidden: true,
  }, make("div", { class: "ztfnb-help-bar" }, make("strong", { text: "Keys" }), close), list);
  const help = {
    element: box,
    open() {
      box.hidden = false;
      close.focus();
    },
    close() {
      if (box.hidden) return;
      box.hidden = true;
      closed();
    },
  };
  close.addEventListener("click", help.close);
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    // The only control keeps the keyboard.
    if (event.key === "Tab") event.preventDefault();
    if (event.key === "Escape" || event.key === "?") {
      event.preventDefault();
      help.close();
    }
  });
  return help;
}
