async function render({ model, el }) {
  el.classList.add("ztfnb-curve");
  el.dataset.lmSuppressShortcuts = "true";
  const say = (message) => model.send(message);
  const set = (name, value) => say({ kind: "setting", name, value });
  const chosen = () => model.get("_chosen");
  const setter = (name) => (value) => set(name, value);
  const flag = (name, text, title) => {
    const button = make("button", { type: "button", class: "ztfnb-press", text, title });
    button.addEventListener("click", () => set(name, !chosen()[name]));
    return button;
  };
  const quantity = choice("What is plotted", [
    ["difference", "difference mag", "Magnitude of the change against the reference image"],
    ["apparent", "apparent mag", "Magnitude of the source itself: reference and change together"],
    ["flux", "flux", "Signed flux of the change, of detections"],
    ["forced", "forced flux", "Signed flux at the source's place, measured whether detected or not"],
  ], setter("quantity"));
  const form = choice("Plot or table", [
    ["plot", "plot", "The light curve"], ["table", "table", "A table of its epochs"],
  ], setter("form"));
  const time = choice("Time axis", [
    ["mjd", "MJD", "Modified Julian date, UTC"],
    ["days", "days", "Days since the first detection"], ["ago", "days ago", "Days before now"],
  ], setter("time"));
  const limits = flag("limits", "limits", "Five-sigma limits of epochs without a detection");
  const cut = make("input", { type: "range", min: 0, max: 20, step: 0.5, class: "ztfnb-snr" });
  const cutText = make("span", { class: "ztfnb-value" });
  const snr = make("label", { class: "ztfnb-cut-snr", title: "Fluxes below this are drawn faint" },
    make("span", { class: "ztfnb-muted", text: "SNR ≥" }), cut, cutText);
  const fold = flag("fold", "fold", "Plot against the phase of a period");
  const palette = choice("Colours", [
    ["safe", "for all eyes", "Colours that colour-blind people can tell"],
    ["classic", "classic", "Green, red and orange"],
  ], setter("palette"));
  const save = (format, title) => {
    const button = make("button", { type: "button", class: "ztfnb-press", text: format.toUpperCase(), title });
    button.addEventListener("click", () => say({ kind: "download", format }));
    return button;
  };
  const more = disclosure("Colours and downloads",
    make("span", { class: "ztfnb-muted", text: "colours" }), palette,
    make("span", { class: "ztfnb-muted", text: "download" }),
    make("span", { class: "ztfnb-saves" },
      save("csv", "The table of epochs as plain CSV"),
      save("ecsv", "The table of epochs with units and meanings, for astropy")));

  const place = make("div", { class: "ztfnb-plot", role: "img" });
  const xLabel = make("div", { class: "ztfnb-x-label" });
  const yLabel = make("div", { class: "ztfnb-y-label" });
  const note = make("div", { class: "ztfnb-curve-note", role: "status" });
  const legend = curveLegend((fid) => {
    const { hidden } = chosen();
    set("hidden", hidden.includes(fid) ? hidden.filter((one) => one !== fid) : [...hidden, fid]);
  });
  const choose = (row) => say({ kind: "epoch", serial: model.get("_shown").serial, row });
  const table = pointTable(choose);
  let plot = null;
  let waiting = false;
  let ended = false;
  let trying = null; // a cut that the slider passes
  const undo = [() => { ended = true; }, more.close, downloads(model)];

  // Every change of an element has the styles of the whole page worked out anew, which takes
  // longer than the drawing: so what is there already is not written again.
  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const controls = (view) => {
    for (const [group, name] of [[quantity, "quantity"], [form, "form"], [time, "time"], [palette, "palette"]]) {
      group.press(view[name]);
    }
    limits.setAttribute("aria-pressed", String(view.limits));
    limits.disabled = view.quantity === "apparent";
    limits.hidden = view.quantity === "forced";
    snr.hidden = view.quantity !== "forced";
    cut.max = view.highest_snr;
    if (document.activeElement !== cut) cut.value = view.snr;
    fold.setAttribute("aria-pressed", String(view.fold));
    bar.box.hidden = !view.fold;
  };
  let controlled = null;
  const paint = () => {
    waiting = false;
    if (ended) return;
    const shown = model.get("_shown");
    const view = chosen();
    const { row: mark, candid } = model.get("_mark");
    if (view !== controlled) controls(view);
    controlled = view;
    const least = trying ?? view.snr;
    write(cutText, least.toFixed(1));
    if (view.fold) bar.follow({ chosen: view, shown, found: model.get("_found") });
    legend.follow(shown.bands ?? [], shown.legend ?? [], view.hidden);
    table.follow(model.get("_table"), mark);

    const period = view.fold && bar.live && shown.points ? bar.live : 0;
    const across = period ? `phase (period = ${days(period)} d)` : shown.x_label ?? "";
    const label = shown.y_label ? `Light curve: ${shown.y_label} against ${across}` : "Light curve";
    write(xLabel, across);
    write(yLabel, shown.y_label ?? "");
    const none = !shown.points?.told.length;
    write(note, view.form === "plot" || !shown.points ? shown.note : "");
    if (place.ariaLabel !== label) place.ariaLabel = label;
    const empty = none || view.form === "table";
    if (frame.classList.contains("ztfnb-curve-empty") !== empty) frame.classList.toggle("ztfnb-curve-empty");
    plot?.paint({ shown, period, mark, snr: view.quantity === "forced" ? least : null });
    if (plot) el.dataset.candid = candid;
  };
  // Several traits change in one message: one painting for all of them.
  const refresh = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(paint);
  };
  const bar = foldBar(say, refresh);
  cut.setAttribute("aria-label", "Least signal-to-noise ratio");
  cut.addEventListener("input", () => { trying = Number(cut.value); refresh(); });
  cut.addEventListener("change", () => { set("snr", Number(cut.value)); trying = null; });

  const frame = make("div", { class: "ztfnb-curve-frame" }, yLabel, place, xLabel, note, table.box);
  el.append(
    make("div", { class: "ztfnb-curve-bar" }, quantity, form),
    make("div", { class: "ztfnb-curve-bar" }, time, limits, snr,
      make("span", { class: "ztfnb-curve-end" }, fold, more.element)),
    bar.box, frame, legend.box);
  for (const trait of ["_shown", "_chosen", "_mark", "_table", "_found"]) {
    model.on(`change:${trait}`, refresh);
    undo.push(() => model.off(`change:${trait}`, refresh));
  }
  passKeysOn(model, el);
  keepKeys(el);
  paint();

  const begin = async () => {
    const Bokeh = await load(model, model.get("_bokeh_version"));
    if (ended) return;
    const made = await curvePlot(Bokeh, model.get("_figure"), place, choose);
    undo.push(made.remove);
    if (ended) {
      made.remove();
      return;
    }
    const colour = (name, otherwise) =>
      getComputedStyle(el).getPropertyValue(name).trim() || otherwise;
    const dress = () => made.dress({
      ink: colour("--jp-ui-font-color1", "#222"), line: colour("--jp-border-color1", "#bbb"),
    });
    dress();
    const themed = new MutationObserver(dress);
    themed.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
    undo.push(() => themed.disconnect());
    plot = made;
    paint();
  };
  begin().catch((error) => {
    note.textContent = `The light curve cannot be drawn: ${error.message}`;
  });
  return () => undo.forEach((step) => step());
}

export default { render };
