// A period that is typed, tuned or found.

const STEPS = 200; // of the slider, to either side
const DRIFT = 2; // [cycles] by which the ends of the slider shift the last epoch against the first

/**
 * Returns the bar's element, with `follow({ chosen, shown, found })` and the period that is `live`
 * while the slider moves. `onChange` repaints, `say` sends a message.
 */
function foldBar(say, onChange) {
  const period = make("input", {
    type: "text", inputmode: "decimal", class: "ztfnb-period", spellcheck: "false",
    "aria-label": "Period in days", placeholder: "period", autocomplete: "off",
  });
  const press = (text, title, act) => {
    const button = make("button", { type: "button", text, title, class: "ztfnb-press" });
    button.addEventListener("click", act);
    return button;
  };
  const slider = make("input", {
    type: "range", min: -STEPS, max: STEPS, step: 1, value: 0, class: "ztfnb-tune",
    "aria-label": "Fine tuning of the period", title: "Fine tuning: the ends shift by two cycles",
  });
  const scale = (factor) => () => { if (current) say({ kind: "period", value: current * factor }); };
  const half = press("÷2", "Half of this period", scale(0.5));
  const double = press("×2", "Twice this period, as of stars with two like eclipses", scale(2));
  const search = press("find", "Look for periods of the difference fluxes, in all bands at once",
    () => say({ kind: "find" }));
  const status = make("span", { class: "ztfnb-fold-status", role: "status" });
  const peaks = make("span", { class: "ztfnb-peaks", role: "group", "aria-label": "Periods found" });
  const box = make("div", { class: "ztfnb-fold", role: "group", "aria-label": "Fold on a period" },
    make("div", { class: "ztfnb-fold-row" }, period, make("span", { class: "ztfnb-muted", text: "d" }),
      half, double, slider, search),
    make("div", { class: "ztfnb-fold-row ztfnb-fold-found" }, status, peaks));
  let current = null; // what is folded on
  let base = null; // what the slider's middle stands for
  let told = null; // what the kernel said last
  let span = 1;

  const write = () => {
    period.value = current ? days(current) : "";
    period.removeAttribute("aria-invalid");
    slider.setAttribute("aria-valuetext", current ? `${days(current)} days` : "no period");
    slider.disabled = half.disabled = double.disabled = !current;
  };
  const typed = () => {
    const text = period.value.trim();
    const value = Number(text.replace(",", "."));
    if (text && !(value > 0)) {
      period.setAttribute("aria-invalid", "true");
      status.textContent = "A period is a number of days, such as 0.5123.";
      peaks.replaceChildren();
    } else if (!text || !current || days(value) !== days(current)) {
      say({ kind: "period", value: text ? value : null });
    }
  };
  period.addEventListener("change", typed);
  period.addEventListener("keydown", (event) => { if (event.key === "Enter") typed(); });
  slider.addEventListener("input", () => {
    const width = Math.min(0.5, DRIFT * base / span);
    current = base * (1 + width * slider.value / STEPS);
    write();
    onChange();
  });
  slider.addEventListener("change", () => say({ kind: "period", value: current }));

  const list = (found) => peaks.replaceChildren(...(found.peaks ?? []).map((peak) => {
    const button = press(`${Number(peak.period.toPrecision(5))} d`,
      `False-alarm probability ${peak.chance}; explains ${peak.power} of the scatter`
      + (peak.remark ? `; ${peak.remark}` : ""),
      () => say({ kind: "period", value: peak.period }));
    const short = peak.remark.startsWith("alias") ? "alias" : "sampling";
    button.append(make("small", { text: ` ${peak.remark ? short : peak.chance}` }));
    button.dataset.period = peak.period;
    return button;
  }));

  let listed = null;
  return {
    box,
    get live() { return current; },
    follow({ chosen, shown, found }) {
      span = shown.span || 1;
      const anew = chosen.period !== told || shown.serial !== box.serial;
      if (anew) {
        // Of its own slider the thumb stays where it is.
        if (!current || !chosen.period || days(current) !== days(chosen.period)) {
          base = chosen.period;
          slider.value = 0;
        }
        told = chosen.period;
        current = chosen.period;
        box.serial = shown.serial;
        write();
      }
      if (found !== listed || anew) {
        listed = found;
        status.textContent = found.text
          || (current ? "" : "No period yet: type one, or have it looked for.");
        status.title = status.textContent; // Its end may be out of view.
        search.setAttribute("aria-busy", String(Boolean(found.busy)));
        list(found);
      }
      for (const button of peaks.children) {
        button.setAttribute("aria-pressed",
          String(Boolean(current) && days(Number(button.dataset.period)) === days(current)));
      }
    },
  };
}
