// What the signs of a light curve mean.

const SHAPES = {
  circle: "M6 2.2a3.8 3.8 0 1 0 .01 0z", square: "M2.5 2.5h7v7h-7z", diamond: "M6 1l4 5-4 5-4-5z",
  inverted_triangle: "M1.5 2.5h9l-4.5 8z", hex: "M3.5 1.7h5L11 6l-2.5 4.3h-5L1 6z",
};

function symbol(marker, style, colour) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("ztfnb-symbol", `ztfnb-${style}`);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[marker]);
  path.setAttribute("stroke", colour || "currentColor");
  path.setAttribute("fill", style === "open" ? "none" : colour || "currentColor");
  svg.append(path);
  return svg;
}

/** The bands, each a button that hides it, and what the other signs mean. */
function curveLegend(onHide) {
  const box = make("div", { class: "ztfnb-legend" });
  const signs = make("span", { class: "ztfnb-signs" });
  const buttons = new Map();
  let explained = "";
  box.append(signs);
  return {
    box,
    follow(bands, legend, hidden) {
      for (const { fid, name, marker, colour } of bands) {
        if (!buttons.has(fid)) {
          const made = make("button", { type: "button", "aria-label": `Band ${name}` });
          made.addEventListener("click", () => onHide(fid));
          buttons.set(fid, made);
          const later = [...buttons.keys()].filter((other) => other > fid).sort((a, b) => a - b)[0];
          box.insertBefore(made, later === undefined ? signs : buttons.get(later));
        }
        const button = buttons.get(fid);
        const look = `${marker} ${colour}`;
        if (button.dataset.look !== look) {
          button.dataset.look = look;
          button.replaceChildren(symbol(marker, "filled", colour), make("span", { text: name }));
        }
        const visible = String(!hidden.includes(fid));
        if (button.ariaPressed !== visible) {
          button.ariaPressed = visible;
          button.title = visible === "true" ? `Hide ${name}` : `Show ${name}`;
        }
      }
      const there = bands.map(({ fid }) => fid);
      for (const [fid, button] of buttons) {
        if (button.hidden === there.includes(fid)) button.hidden = !button.hidden;
      }
      if (explained !== String(legend)) {
        explained = String(legend);
        signs.replaceChildren(...legend.map(([marker, style, text]) =>
          make("span", {}, symbol(marker, style), make("span", { text }))));
      }
    },
  };
}
