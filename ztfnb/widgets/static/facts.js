const ANEW = 15e3; // [ms] after which ages are told anew
const DAY = 86400e3; // [ms]

/** How long ago a moment was, in words; nothing where its date tells more. */
function ago(jd) {
  const age = Date.now() - (jd - 2440587.5) * DAY;
  if (age < 0 || age > 100 * DAY) return "";
  if (age < 90e3) return `${Math.round(age / 1e3)} s ago`;
  if (age < 90 * 60e3) return `${Math.round(age / 60e3)} min ago`;
  if (age < 2 * DAY) return `${Math.round(age / 3600e3)} h ago`;
  return `${Math.round(age / DAY)} d ago`;
}

/** One fact: elements that are kept, and told what to show. */
function factOf() {
  const label = make("span", { class: "ztfnb-label" });
  const value = make("span", { class: "ztfnb-value" });
  const age = make("span", { class: "ztfnb-ago" });
  const copy = copier();
  const item = make("span", { role: "listitem", class: "ztfnb-fact" }, label, value, age, copy);
  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  let jd = null;
  item.tell = () => write(age, jd == null ? "" : ago(jd));
  item.show = (fact) => {
    jd = fact.jd;
    item.dataset.label = fact.label;
    item.title = fact.title;
    write(label, fact.label);
    write(value, fact.value);
    copy.follow(fact.copy);
    item.tell();
  };
  return item;
}

function render({ model, el }) {
  el.classList.add("ztfnb-facts");
  const name = make("strong", { class: "ztfnb-object" });
  const copyName = copier();
  const first = make("span", { role: "listitem", class: "ztfnb-fact" }, name, copyName);
  const list = make("div", { class: "ztfnb-pairs", role: "list", "aria-label": "Facts" }, first);
  el.append(list);
  const items = [];
  // What finds no room is not reached by the keyboard either.
  const watch = new IntersectionObserver((seen) => {
    for (const { target, intersectionRatio } of seen) {
      target.style.visibility = intersectionRatio > 0.5 ? "" : "hidden";
    }
  }, { root: list, threshold: [0, 0.5, 1] });
  const undo = follow(model, "_shown", () => {
    const { candid, object, facts } = model.get("_shown");
    name.textContent = object;
    copyName.follow(candid ? object : "");
    while (items.length < facts.length) {
      const item = list.appendChild(factOf());
      items.push(item);
      watch.observe(item);
    }
    items.forEach((item, place) => {
      item.hidden = place >= facts.length;
      if (!item.hidden) item.show(facts[place]);
    });
    el.dataset.candid = candid;
  });
  const timer = setInterval(() => {
    if (document.hidden) return;
    for (const item of items) if (!item.hidden) item.tell();
  }, ANEW);
  return () => {
    clearInterval(timer);
    watch.disconnect();
    undo();
  };
}

export default { render };
