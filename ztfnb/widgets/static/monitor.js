function render({ model, el }) {
  el.classList.add("ztfnb-monitor");
  el.dataset.lmSuppressShortcuts = "true";
  const chip = make("span", { class: "ztfnb-chip", role: "status" });
  const facts = make("div", { class: "ztfnb-pairs", role: "list" });
  const button = make("button", { type: "button" });
  const error = make("div", { class: "ztfnb-trouble", role: "status", hidden: true });
  const line = make("div", { class: "ztfnb-line" }, chip, button, facts);
  el.append(line, error);
  const news = listen(model);
  const undo = follow(model, "_status", () => {
    const status = model.get("_status");
    chip.textContent = status.state;
    chip.title = status.meaning;
    chip.dataset.state = status.state;
    facts.replaceChildren(...status.facts.map(([label, value]) =>
      pair(label, value)));
    const paused = status.state === "paused";
    button.textContent = paused ? "Resume" : "Pause";
    button.title = paused ? "Go on reading" : "Stop reading; nothing is lost";
    button.dataset.command = paused ? "resume" : "pause";
    button.hidden = ["closed", "failed"].includes(status.state);
    error.textContent = status.error;
    error.hidden = !status.error;
    news.answered();
  });
  button.addEventListener("click", () => model.send({ kind: button.dataset.command }));
  return () => { undo(); news.stop(); };
}

export default { render };
