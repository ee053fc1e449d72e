const PITCH = 880; // [Hz]
const LENGTH = 0.25; // [s]

function render({ model, el }) {
  el.classList.add("ztfnb-notices");
  el.dataset.lmSuppressShortcuts = "true";
  let context = null; // a browser lets a page sound only after a click
  const button = (name, text, title) => {
    const made = make("button", { type: "button", text, title, "data-switch": name });
    made.addEventListener("click", () => turn(name, !model.get("_on")[name]));
    return made;
  };
  const buttons = [
    button("sound", "Sound", "A short tone when a new alert passes"),
    button("notify", "Notification", "A notification of the browser when a new alert passes"),
  ];
  const label = make("span", { class: "ztfnb-label", text: "When a new alert passes:" });
  const said = make("span", { class: "ztfnb-notices-said", role: "status" });
  el.append(label, make("div", { class: "ztfnb-notices-switches", role: "group",
    "aria-label": "When a new alert passes" }, ...buttons), said);

  async function turn(name, on) {
    said.textContent = "";
    if (on && name === "notify" && !(await allowed())) return;
    if (on && name === "sound") beep();
    model.send({ kind: "switch", name, on });
  }
  async function allowed() {
    if (!("Notification" in window)) {
      say("This browser shows none here; an address with https:// may be needed.");
      return false;
    }
    let answer = Notification.permission;
    if (answer === "default") answer = await Notification.requestPermission();
    if (answer !== "granted") say("The browser was told to show none: see its settings for this page.");
    return answer === "granted";
  }
  function beep() {
    try {
      context ??= new AudioContext();
      context.resume();
      const now = context.currentTime;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = PITCH;
      volume.gain.setValueAtTime(0.0001, now);
      volume.gain.exponentialRampToValueAtTime(0.2, now + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, now + LENGTH);
      tone.connect(volume).connect(context.destination);
      tone.start(now);
      tone.stop(now + LENGTH);
      el.dataset.beeps = String(Number(el.dataset.beeps ?? 0) + 1);
    } catch (error) {
      say(`No sound: ${error.message}`);
    }
  }
  function say(text) {
    said.textContent = text;
    said.title = text;
  }

  function heard(message) {
    if (message.kind !== "passed") return;
    const on = model.get("_on");
    const first = message.body.split("\n")[0];
    const time = new Date().toLocaleTimeString("en-GB");
    say(`${time}  ${message.title}${first ? `  ·  ${first}` : ""}`);
    said.title = message.body;
    if (on.sound) beep();
    if (!on.notify || !("Notification" in window) || Notification.permission !== "granted") return;
    try {
      const note = new Notification(message.title, { body: message.body, tag: `ztfnb ${message.name}` });
      note.onclick = () => {
        window.focus();
        model.send({ kind: "select", candid: message.candid });
      };
    } catch (error) {
      say(`No notification: ${error.message}`); // some take them from service workers only
    }
  }
  function show() {
    const on = model.get("_on");
    for (const one of buttons) one.setAttribute("aria-pressed", String(Boolean(on[one.dataset.switch])));
  }
  const undo = [follow(model, "_on", show), () => context?.close()];
  model.on("msg:custom", heard);
  keepKeys(el);
  return () => {
    for (const end of undo) end();
    model.off("msg:custom", heard);
  };
}

export default { render };
