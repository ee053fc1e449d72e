const NARROWEST = 0.2;
const WIDEST = 0.8;
const STEP = 0.02;

function render({ model, el }) {
  el.classList.add("ztfnb-divider");
  el.dataset.lmSuppressShortcuts = "true";
  const handle = make("div", {
    role: "separator", tabindex: "0", "aria-orientation": "vertical",
    "aria-label": "Width of the table", "aria-valuemin": 100 * NARROWEST,
    "aria-valuemax": 100 * WIDEST,
    title: "Drag to give one side more room; double click for what suits both",
  });
  el.append(handle);
  let share = 0;
  const panes = () => el.closest(".ztfnb-panes");

  function show(wanted) {
    share = wanted;
    const box = panes();
    if (!box) return;
    box.classList.toggle("ztfnb-divided", share > 0);
    if (share > 0) box.style.setProperty("--ztfnb-share", `${(100 * share).toFixed(2)}%`);
    handle.setAttribute("aria-valuenow", Math.round(100 * (share || measured())));
  }
  function measured() {
    const bounds = panes().getBoundingClientRect();
    const own = el.getBoundingClientRect();
    return bounds.width ? (own.left + own.width / 2 - bounds.left) / bounds.width : 0.5;
  }
  const limited = (wanted) => Math.min(Math.max(wanted, NARROWEST), WIDEST);
  const turns = turnTaking();
  const tell = () => model.send({ kind: "share", share, turn: turns.next() });

  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const bounds = panes().getBoundingClientRect();
    show(limited((event.clientX - bounds.left) / bounds.width));
  });
  handle.addEventListener("pointerup", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    handle.releasePointerCapture(event.pointerId);
    if (share) tell();
  });
  handle.addEventListener("dblclick", () => { show(0); tell(); });
  handle.addEventListener("keydown", (event) => {
    const now = share || measured();
    const to = {
      ArrowLeft: now - STEP, ArrowRight: now + STEP, Home: NARROWEST, End: WIDEST, Enter: 0,
    }[event.key];
    if (to === undefined) return;
    show(to === 0 ? 0 : limited(to));
    tell();
    event.preventDefault();
    event.stopPropagation();
  });
  const undo = follow(model, "_told", () => {
    const told = model.get("_told");
    if (!turns.isOutdated(told.turn)) show(told.share);
  });
  const attached = new ResizeObserver(() => {
    if (!panes()) return;
    show(share);
    attached.disconnect();
  });
  attached.observe(el);
  return () => { undo(); attached.disconnect(); };
}

export default { render };
