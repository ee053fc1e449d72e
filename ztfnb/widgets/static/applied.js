const shown = (n) => n.toLocaleString("en");

function render({ model, el }) {
  el.classList.add("ztfnb-applied-head");
  el.dataset.lmSuppressShortcuts = "true";
  let hold = false;
  const name = make("strong", { class: "ztfnb-applied-name" });
  const state = make("span", { class: "ztfnb-applied-state", role: "status" });
  const stays = make("span", {
    class: "ztfnb-applied-stays", text: "cards stay",
    title: "While the pointer is over the cards, none comes or goes",
  });
  const params = make("div", { class: "ztfnb-applied-params", role: "list", "aria-label": "Thresholds" });
  const counts = make("div", { class: "ztfnb-applied-counts", role: "list", "aria-label": "Counts" });
  const progress = make("progress", { class: "ztfnb-applied-progress", max: "1" });
  const why = make("div", { class: "ztfnb-applied-why", role: "alert" });
  el.append(make("div", { class: "ztfnb-applied-line" }, name, stays, state), params, counts, progress, why);

  function show() {
    const told = model.get("_told");
    el.dataset.filter = told.name;
    el.dataset.state = told.state;
    name.textContent = told.name;
    params.replaceChildren(...told.params.map(([label, value]) => pair(label, value)));
    // As many lines in each: filters stand side by side.
    if (!told.params.length) params.append(make("span", { class: "ztfnb-label", text: "no thresholds" }));
    const { received, waiting, missed } = told.counts;
    const done = told.held - told.back;
    const back = told.back > 0;
    state.textContent = back ? `looking back, ${Math.floor((100 * done) / told.held)}%` : told.state;
    counts.replaceChildren(
      pair("received", shown(received), "Held when it was applied, and arrived since"),
      pair("waiting", shown(waiting), "Still to be judged"),
      ...(missed ? [pair("missed", shown(missed), "They left the memory before they could be judged")] : []),
      ...(told.rate ? [pair("judged", told.rate)] : []),
      ...(told.times ? [pair("", told.times, "Time of the filter, of the latest alerts")] : []),
    );
    progress.hidden = !back;
    progress.value = told.held ? done / told.held : 1;
    progress.setAttribute("aria-label", `${shown(done)} of ${shown(told.held)} alerts held before`);
    why.textContent = told.why;
    why.hidden = !told.why;
    news.answered();
  }

  // The cards stay while the pointer, or the keyboard, is on one.
  const list = () => el.closest(".ztfnb-applied-filter")?.querySelector(".ztfnb-gallery-list");
  function look(now) {
    stays.hidden = !now;
    if (now === hold) return;
    hold = now;
    model.send({ kind: "hold", hold });
  }
  const ends = new AbortController();
  const options = { signal: ends.signal, passive: true };
  const keyed = () => Boolean(list()?.querySelector(":focus-visible"));
  document.addEventListener("pointerover", (event) => {
    look(Boolean(list()?.contains(event.target)) || keyed());
  }, options);
  document.documentElement.addEventListener("pointerleave", () => look(keyed()), options);
  document.addEventListener("focusin", () => { if (keyed()) look(true); }, options);
  look(false);

  const news = listen(model, () => ({ hold }));
  const undo = [follow(model, "_told", show), () => news.stop(), () => ends.abort()];
  return () => undo.forEach((end) => end());
}

export default { render };
