// The buttons of ready-made plots, and the form from which a reader makes others.

import { axes, data, label, numbers } from "./data.js";
import { byId, element } from "./elements.js";
import { drawExplorer } from "./explorer.js";

export function startControls() {
  const { facets, colors } = data.choices;
  const eachAlone = data.views[0]?.x === "" ? "each axis alone" : "";
  const xs = [...new Set([...axes, ...numbers])].filter((name) => data.x_axes[name]);
  fillSelect("x", xs, eachAlone);
  fillSelect("y", numbers, "");
  fillSelect(
    "color",
    colors.filter((name) => data.looks[name]),
    "none",
  );
  fillSelect("facet", facets, "one panel");
  fillSelect("facet2", facets, "no");
  byId("usual").onchange = drawExplorer;
  byId("logy").onchange = drawExplorer;
  byId("views").replaceChildren(...data.views.map(viewButton));
  showView(data.views[0]);
}

function fillSelect(id, names, nothing) {
  const options = names.map((name) => element("option", { value: name }, label(name)));
  if (nothing) options.unshift(element("option", { value: "" }, nothing));
  byId(id).replaceChildren(...options);
  byId(id).onchange = drawExplorer;
}

function viewButton(view, at) {
  const button = element("button", { type: "button", className: at ? "" : "current" }, view.name);
  button.onclick = () => {
    for (const other of byId("views").children) other.classList.toggle("current", other === button);
    showView(view);
  };
  return button;
}

function showView({ x, y, color, facets, usual }) {
  const [facet = "", facet2 = ""] = facets;
  for (const [id, value] of Object.entries({ x, y, color, facet, facet2 })) {
    const select = byId(id);
    const isOffered = [...select.options].some((option) => option.value === value);
    select.value = isOffered ? value : select.options[0].value;
  }
  byId("usual").checked = usual;
  byId("logy").value = "auto";
  drawExplorer();
}
