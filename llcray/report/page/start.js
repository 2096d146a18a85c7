// ---------- once ----------
const VIEWS = [
  ["the answer", () => ({ ...data.start, y: "llc" })],
  ["work to ± 1 nat", () => bySize("fde_to_se1")],
  ["WNV against size", () => bySize("wnv_gradients")],
  ["ESS per gradient against size", () => bySize("ess_per_gradient")],
  [data.training.labels[data.training.success], () => ({ ...data.start, y: data.training.success, color: data.start.facets[0] || data.start.color, facets: [] })],
  ["R-hat of each run", () => ({ x: "sampler", y: "rhat", color: "sampler", facets: [], alone: false })],
];
const bySize = (y) => ({ x: columns.num_params && distinct(all, "num_params").length > 1 ? "num_params" : "sampler", y, color: "sampler", facets: [], alone: false });

function showView(view) {
  const select = (id, value) => { byId(id).value = [...byId(id).options].some((option) => option.value === value) ? value : byId(id).options[0].value; };
  select("x", view.x); select("y", view.y); select("color", view.color);
  select("facet", view.facets[0] || ""); select("facet2", view.facets[1] || "");
  byId("usual").checked = view.alone;
  byId("logy").value = "auto";
  drawExplorer();
}

function fillControls() {
  const fillSelect = (id, names, nothing) => {
    byId(id).replaceChildren(...(nothing ? [element("option", { value: "" }, nothing)] : []), ...names.map((name) => element("option", { value: name }, label(name))));
    byId(id).onchange = drawExplorer;
  };
  const kinds = axes.filter((name) => distinct(all, name).length <= MAX_PANELS);
  fillSelect("x", [...new Set([...axes, ...numbers])], data.start.axes.length > 1 && data.start.alone ? "each axis alone" : "");
  fillSelect("y", numbers.includes("llc") ? numbers : ["llc", ...numbers]);
  fillSelect("color", columns.label && !kinds.includes("label") && distinct(all, "label").length > 1 ? [...kinds, "label"] : kinds, "none");
  fillSelect("facet", kinds, "one panel");
  fillSelect("facet2", kinds, "no");
  byId("usual").onchange = byId("logy").onchange = drawExplorer;
  const views = VIEWS.filter(([, view]) => columns[view().y]);
  byId("views").replaceChildren(...views.map(([name, view], at) => element("button", { type: "button", className: at ? "" : "current", onclick: (event) => {
    byId("views").querySelectorAll("button").forEach((button) => button.classList.toggle("current", button === event.currentTarget));
    showView(view());
  } }, name)));
}

function fillHeader() {
  byId("summary").textContent = data.summary;
  byId("effects").replaceChildren(...data.effects.map((text) => element("li", {}, text)));
  byId("effects-title").hidden = !data.effects.length;
  const count = (test) => all.filter(test).length;
  const held = data.costs.reduce((sum, c) => sum + (c.device_seconds || 0), 0), gradients = data.costs.reduce((sum, c) => sum + (c.num_gradients || 0), 0);
  const doubtful = count((row) => !isTrusted(row) && !isFailed(row)), failed = count(isFailed);
  const tiles = [[all.length, all.length === 1 ? "run" : "runs", ""], [count(isTrusted), "trusted", "ok"], [doubtful, "doubtful", doubtful ? "doubtful" : null], [failed, "failed", failed ? "failed" : null],
    [Number((held / 3600).toPrecision(2)), "device-hours", null], [Math.round(gradients).toLocaleString("en"), "full-data gradients", null]];
  byId("tiles").replaceChildren(...tiles.map(([number, text, verdict]) => {
    const parts = [element("b", {}, typeof number === "number" ? number.toLocaleString("en") : number), element("span", {}, text)];
    if (verdict === null) return element("div", { className: "tile" }, ...parts);
    return element("button", { type: "button", className: "tile", title: "show these runs", onclick: () => { byId("verdict").value = verdict; table.only = null; applyFilter(); byId("runs-title").scrollIntoView(); } }, ...parts);
  }));
}

function fillCosts() {
  const total = (name) => data.costs.reduce((sum, c) => sum + (c[name] || 0), 0);
  const hours = (seconds) => figure((seconds / 3600).toFixed(total("device_seconds") < 3600 ? 4 : 2));
  const time = (seconds) => figure(duration(seconds));
  const rows = data.costs.map((c) => [c.sampler, c.runs ?? "", hours(c.device_seconds || 0), c.num_gradients === undefined ? "" : Math.round(c.num_gradients), ...(c.runs === undefined ? ["", "", "", "", ""] :
    [time(c.sampling_seconds), time(c.compile_seconds), c.fde_to_se1 ?? "–", time(c.time_to_se1), c.ess_per_gradient === null ? "–" : 1000 * c.ess_per_gradient])]);
  rows.push([element("b", {}, "all"), all.length, hours(total("device_seconds")), Math.round(total("num_gradients")), time(total("sampling_seconds")), time(total("compile_seconds")), "", "", ""]);
  fill("costs", ["sampler", "runs", "device-hours", "full-data gradients", "sampling", "compiling", "gradients to ± 1 nat (median)", "time to ± 1 nat (median)", "ESS per 1,000 gradients (median)"], rows);
}

function fillTraining() {
  const { axes, success, sparsities, settings, rows, labels } = data.training;
  if (!rows.length) return byId("training-section").remove();
  const share = (value) => figure(value === null ? "–" : value.toFixed(3));
  const cells = rows.map((row) => [...axes.map((name) => format(row[name])), row.num, figure(`${format(row.first_step)} → ${format(row.last_step)}`),
    figure(`${format(row.first)} → ${format(row.last)}`), figure(plusMinus(row.change, row.error)), ...(success ? [figure(`${format(row.before)} → ${format(row.after)}`)] : []),
    ...sparsities.map((name) => share(row[name])), ...settings.map((name) => figure(format(row[name]))), row.doubtful]);
  fill("training", [...axes.map((name) => labels[name]), "trajectories", "steps", "LLC", "change", ...(success ? [labels[success]] : []), ...[...sparsities, ...settings].map((name) => labels[name]), "doubtful estimates"], cells);
  byId("training-text").textContent = "From the first checkpoint to the last, means over trajectories. ± of the change: standard error between them, or of one trajectory its Monte Carlo error."
    + (sparsities.length ? " Sparsity: share of the component's parameters that stayed as they were; the type they are held and compared in, the learning rate and the steps decide it." : "");
}

function fillProvenance() {
  if (data.failures.length) byId("failures").append(element("h3", {}, "Failed runs"), element("ul", {}, ...data.failures.map((failure) =>
    element("li", {}, `${failure.reason}: `, ...failure.run_id.slice(0, 6).flatMap((id) => [runButton(id), " "]), failure.run_id.length > 6 ? `and ${failure.run_id.length - 6} more` : ""))));
  const origin = { dataset: data.root, sweep: data.sweep, ...data.provenance };
  byId("provenance").append(...Object.entries(origin).flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
  byId("asked").replaceChildren(...data.asked.map((file, at) => element("details", { open: false }, element("summary", {},
    `${at ? "An earlier file" : "The sweep's file"}, first run ${file.when}${file.overrides ? `, with ${file.overrides}` : ""}`), element("pre", {}, file.source))));
}

function start() {
  fillHeader();
  fillControls();
  fillCosts();
  fillTraining();
  fillProvenance();
  const found = VERDICTS.filter((name) => columns.trust.includes(name));
  byId("verdict").replaceChildren(...["", "doubtful", ...found].map((name) => element("option", { value: name }, name.replace("_", " ") || "any")));
  const hash = new URLSearchParams(location.hash.slice(1));
  byId("search").value = hash.get("search") || "";
  byId("verdict").value = hash.get("verdict") || "";
  byId("search").oninput = byId("verdict").onchange = () => {
    history.replaceState(null, "", "#" + new URLSearchParams({ search: byId("search").value, verdict: byId("verdict").value }));
    applyFilter();
  };
  byId("clear").onclick = () => { table.only = null; applyFilter(); };
  byId("more").onclick = () => { table.shown += 1000; drawRows(); };
  drawHead();
  applyFilter();
  showView(VIEWS[0][1]());
  // The answer is on the screen before what stands below it is drawn.
  addEventListener("load", () => setTimeout(() => {
    drawVerdicts();
    drawAgreement();
    document.body.dataset.ready = "yes";
    document.body.dataset.complete = Math.round(performance.now());
  }));
  const draw = () => { drawExplorer(); drawVerdicts(); drawAgreement(); };
  darkTheme.addEventListener("change", draw);
  addEventListener("beforeprint", () => { printing = true; table.shown = Math.max(table.shown, 500); drawRows(); draw(); });
  addEventListener("afterprint", () => { printing = false; draw(); });
  if (hash.get("run")) openDetail(rowOf.get(hash.get("run")));
  document.body.dataset.answered = "yes";
  document.body.dataset.shown = Math.round(performance.now());
}
start();
