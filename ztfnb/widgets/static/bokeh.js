const WAIT = 20; // [ms] between looks at whether another view has loaded BokehJS

const bokehOf = (version) =>
  window.Bokeh?.version === version ? window.Bokeh : window.Bokeh?.[version];

/** Give BokehJS of one version, asking the kernel for it where the page has none yet. */
async function load(model, version) {
  if (bokehOf(version)) return bokehOf(version);
  const script = await new Promise((resolve) => {
    const take = (message, buffers) => {
      if (message.kind !== "bokehjs") return;
      model.off("msg:custom", take);
      resolve(new TextDecoder().decode(buffers[0]));
    };
    model.on("msg:custom", take);
    model.send({ kind: "bokehjs" });
  });
  if (!bokehOf(version)) {
    const element = make("script");
    element.textContent = script;
    document.head.append(element);
    element.remove();
  }
  while (!bokehOf(version)) await new Promise((resolve) => { setTimeout(resolve, WAIT); });
  return bokehOf(version);
}
