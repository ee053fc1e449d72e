/** Buttons that step through the epochs of an object: `show` says which one is in view. */
function epochStepper(model) {
  let shown = "";
  let asked = ""; // for, last; it may not have come yet, and steps go on from it
  const before = make("button", {
    type: "button", text: "‹", "aria-label": "Previous epoch", title: "Previous epoch ( , )",
  });
  const after = make("button", {
    type: "button", text: "›", "aria-label": "Next epoch", title: "Next epoch ( . )",
  });
  const place = make("span", { class: "ztfnb-stamp-epoch", role: "status" });
  const date = make("span", { class: "ztfnb-stamp-date" });
  const element = make("span", {
    class: "ztfnb-stamp-stepper", role: "group", "aria-label": "Epochs",
  }, date, before, place, after);

  function show(candid) {
    shown = candid;
    // Where there is no alert of an epoch, the next step goes on from there.
    if (candid) asked = "";
    tell();
  }
  function at() {
    return model.get("_epochs").findIndex(({ candid }) => candid === (asked || shown));
  }
  function tell() {
    const all = model.get("_epochs");
    const now = at();
    element.hidden = all.length < 2;
    place.textContent = `${now < 0 ? "–" : now + 1} of ${all.length}`;
    date.textContent = place.title = all[now]?.text ?? "";
    before.disabled = now === 0;
    after.disabled = now === all.length - 1;
  }
  function step(by) {
    const all = model.get("_epochs");
    const now = at();
    const next = all[now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by];
    if (!next || all.length < 2) return;
    asked = next.candid;
    tell();
    model.send({ kind: "epoch", candid: next.candid });
  }
  before.addEventListener("click", () => step(-1));
  after.addEventListener("click", () => step(1));
  return { element, show, step };
}
