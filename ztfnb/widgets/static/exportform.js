const EXPORT_OPTIONS = [
  ["archive", "zip file too", "The folder as one file beside it, to download"],
  ["fresh", "in a new environment", "Proven with the packages that the container will have: they are installed first"],
  ["overwrite", "replace what is there", "An earlier bundle; files that others put there stay"],
];

/** Where JupyterLab or Notebook shows a folder beside this notebook; "" where that is not known. */
function placeOf(folder) {
  const config = document.getElementById("jupyter-config-data");
  let base = "/";
  try {
    base = JSON.parse(config.textContent).baseUrl || "/";
  } catch { /* another page than those two */ }
  const path = location.pathname.startsWith(base) ? location.pathname.slice(base.length) : "";
  const found = /^(lab(?:\/workspaces\/[^/]+)?\/tree|notebooks)\/((?:.*\/)?)[^/]+$/.exec(path);
  if (!found || !folder) return "";
  const tree = found[1] === "notebooks" ? "tree" : found[1];
  return `${base}${tree}/${found[2]}${folder.split("/").map(encodeURIComponent).join("/")}`;
}

function renderExportForm({ model, el }) {
  el.classList.add("ztfnb-export");
  el.dataset.lmSuppressShortcuts = "true";
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Export");
  const what = make("div", { class: "ztfnb-export-what" });
  const name = make("input", {
    type: "text", "aria-label": "Folder of the bundle", spellcheck: "false", autocomplete: "off",
  });
  const start = make("button", { type: "button", text: "Export", class: "ztfnb-export-start" });
  const boxes = Object.fromEntries(EXPORT_OPTIONS.map(([key]) => [key, make("input", { type: "checkbox" })]));
  const labels = EXPORT_OPTIONS.map(([key, text, title]) => make("label", { title }, boxes[key], text));
  const words = make("div", { class: "ztfnb-export-words", role: "status" });
  const link = make("a", { target: "_blank", rel: "noopener", text: "Show the folder" });
  const path = make("code");
  const download = make("button", { type: "button" });
  const differing = make("button", { type: "button" });
  const after = make("div", { class: "ztfnb-export-row" }, path, link, download, differing);
  el.append(
    what,
    make("div", { class: "ztfnb-export-row" },
      make("span", { class: "ztfnb-label", text: "folder" }), name, start),
    make("div", { class: "ztfnb-export-row" }, ...labels),
    words, after,
  );

  let typed = false;
  function send() {
    const chosen = Object.entries(boxes).map(([key, box]) => [key, box.checked]);
    model.send({ kind: "export", folder: name.value, ...Object.fromEntries(chosen) });
  }
  name.addEventListener("input", () => { typed = name.value !== ""; });
  name.addEventListener("keydown", (event) => { if (event.key === "Enter" && !start.disabled) send(); });
  start.addEventListener("click", send);
  download.addEventListener("click", () => model.send({ kind: "download" }));
  differing.addEventListener("click", () => model.send({ kind: "differing" }));

  function paint() {
    const offer = model.get("_offer");
    const work = model.get("_work");
    const busy = work.state === "running";
    what.textContent = offer.what || "The filter has not been evaluated yet.";
    if (!typed && document.activeElement !== name) name.value = offer.folder;
    name.title = `Below ${offer.home}, where the kernel runs`;
    start.disabled = busy || !offer.what;
    el.dataset.state = work.state;
    words.textContent = busy ? `${work.words}…` : work.words;
    words.hidden = !work.words;
    path.textContent = work.path ?? "";
    path.hidden = !work.path;
    const place = placeOf(work.folder);
    link.href = place;
    link.hidden = !place;
    download.textContent = `Download ${work.zip}`;
    download.hidden = !work.zip;
    differing.textContent = work.differing === 1 ? "Show the alert" : `Show the ${work.differing.toLocaleString("en")} alerts`;
    differing.hidden = !work.differing;
    after.hidden = [...after.children].every((child) => child.hidden);
  }
  keepKeys(el);
  const steps = [follow(model, "_offer", paint), follow(model, "_work", paint), downloads(model)];
  return () => steps.forEach((step) => step());
}

export default { render: renderExportForm };
