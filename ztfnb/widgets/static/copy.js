/** A small button that puts a text on the clipboard: `button.text` is set by its owner. */
function copier() {
  const button = make("button", { type: "button", class: "ztfnb-copy" });
  let timer = 0;
  const tell = (done) => {
    button.classList.toggle("ztfnb-copied", done);
    const title = done ? "Copied" : `Copy ${button.text}`;
    button.title = title;
    button.setAttribute("aria-label", title);
  };
  button.follow = (text) => {
    button.text = text;
    button.hidden = !text;
    clearTimeout(timer);
    tell(false);
  };
  button.addEventListener("click", async () => {
    await toClipboard(button.text);
    tell(true);
    clearTimeout(timer);
    timer = setTimeout(() => tell(false), 1500);
  });
  button.follow("");
  return button;
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A hub without https has no clipboard of that kind.
    const area = make("textarea", { style: "position: fixed; opacity: 0" });
    area.value = text;
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    before?.focus({ preventScroll: true });
  }
}
