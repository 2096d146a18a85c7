"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { columns, axes, numbers, labels, specs } = data.runs;
  const numeric = new Set(data.runs.numeric);
  const all = columns.run_id.map((_, row) => row);
  const byId = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const MANY = 150;
  const MAX_PANELS = 8;
  const LOG_RATIO = 10;
  const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#AA4499", "#56B4E9", "#777777", "#332288"];
  const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "pentagon"];
  const DASHES = ["solid", "dash", "dashdot", "dot"];
  const VERDICTS = ["ok", "not_converged", "biased_step", "escaped", "diverged", "failed"];
  const VERDICT_COLORS = ["#009E73", "#F0E442", "#E69F00", "#CC79A7", "#D55E00", "#777777"];
  const CHAINS = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#AA4499", "#56B4E9", "#1A1A1A", "#777777"];
  const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "zoomIn2d", "zoomOut2d"] };
  const still = { responsive: true, displayModeBar: false };
  const table = { sort: "", down: false, shown: MANY, only: null, rows: all };

  // ---------- values ----------
  const label = (name) => labels[name] || name.replaceAll("_", " ");
  const format = (value) => {
    if (value === null || value === undefined) return "–";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return String(value);
    if (Number.isInteger(value)) return value.toLocaleString("en");
    const size = Math.abs(value);
    return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  };
  const shown = (row, name) => {
    const value = columns[name][row];
    if (name === "llc") return estimate(row);
    if (value === null) return "–";
    if (name === "rhat") return value.toFixed(3);
    return /^ess_(bulk|tail)$|^num_gradients$/.test(name) ? Math.round(value).toLocaleString("en") : format(value);
  };
  const estimate = (row) => {
    const [llc, error] = [columns.llc[row], columns.llc_mcse[row]];
    if (llc === null) return "–";
    if (!(error > 0)) return format(llc);
    const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(error))));
    return `${llc.toFixed(digits)} ± ${error.toFixed(digits)}`;
  };
  const distinct = (rows, name) => {
    const values = [...new Set(rows.map((row) => columns[name][row]))];
    const order = name === "sampler" ? Object.keys(data.looks) : data.runs.orders[name];
    if (order) return values.sort((a, b) => order.indexOf(a) - order.indexOf(b));
    return values.sort((a, b) => (a === null) - (b === null) || (a > b) - (a < b));
  };
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = (values) => {
    const middle = mean(values);
    return Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1));
  };
  const ink = () => getComputedStyle(document.body).color;
  const visible = (color) => (color === "#1A1A1A" ? ink() : color);
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const verdictClass = (name) => (name === "ok" ? "verdict-ok" : name === "failed" ? "verdict-failed" : "verdict-doubt");

  // ---------- plain tables ----------
  function fill(place, headers, rows) {
    const head = element("tr", {}, ...headers.map((text) => element("th", { scope: "col" }, text)));
    const body = rows.map((row) => element("tr", {}, ...row.map((cell) =>
      element("td", { className: typeof cell === "number" ? "number" : "" },
        cell instanceof Node ? cell : format(cell)))));
    byId(place).replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
  }
  const runButton = (id) => element("button", { type: "button", onclick: () => openDetail(columns.run_id.indexOf(id)) }, id);

  // ---------- charts ----------
  const base = (extra) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink(), size: 12 },
    margin: { l: 60, r: 12, t: 36, b: 50 }, hovermode: "closest", legend: { orientation: "h", y: 1.08, yanchor: "bottom", traceorder: "normal" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: dark.matches ? "#8a9099" : "#a0a6ae", activecolor: ink() },
    ...extra,
  });
  const axisStyle = () => ({ gridcolor: dark.matches ? "#3a3f46" : "#e3e3e3", zerolinecolor: dark.matches ? "#555" : "#bbb",
    linecolor: dark.matches ? "#777" : "#999", showline: true });

  function seriesLook(name, value, index) {
    if (name === "sampler" && data.looks[value]) return data.looks[value];
    return { color: PALETTE[index % PALETTE.length], symbol: SYMBOLS[index % SYMBOLS.length], dash: DASHES[index % DASHES.length] };
  }

  function plainTicks(low, high) {
    const tickvals = [];
    for (let decade = Math.floor(Math.log10(low)) - 1; decade <= Math.log10(high) + 1; decade++)
      for (const digit of high / low < 1e3 ? [1, 2, 5] : [1]) tickvals.push(digit * 10 ** decade);
    return { tickvals, ticktext: tickvals.map(format) };
  }

  function drawExplorer() {
    const [x, y, color, facet] = ["x", "y", "color", "facet"].map((id) => byId(id).value);
    const values = columns[y];
    const usual = data.start.usual;
    const others = Object.keys(usual).filter((name) => ![x, color, facet].includes(name));
    const wanted = byId("usual").checked ? (row) => others.every((name) => columns[name][row] === usual[name]) : () => true;
    const rows = all.filter((row) => columns.trust[row] !== "failed" && values[row] !== null && wanted(row));
    const panels = (facet ? distinct(rows, facet) : [null]).slice(0, MAX_PANELS);
    const across = innerWidth < 700 ? 1 : Math.min(panels.length, 3);
    const down = Math.ceil(panels.length / across);
    const places = distinct(rows, x);
    const isNumber = numeric.has(x) && !places.includes(null) && places.length > 1;
    const isLog = isNumber && places[0] > 0 && places[places.length - 1] / places[0] >= LOG_RATIO;
    const trusted = rows.filter((row) => columns.trust[row] === "ok").map((row) => values[row]);
    const [low, high] = [Math.min(...trusted), Math.max(...trusted)];
    const logY = trusted.length > 1 && low > 0 && high / low >= LOG_RATIO;
    const colors = color ? distinct(rows, color) : [null];
    const position = (row, series) => {
      const aside = color === x ? 0 : (series - (colors.length - 1) / 2) * 0.012 * across;
      if (isLog) return columns[x][row] * (places[places.length - 1] / places[0]) ** aside;
      if (isNumber) return columns[x][row] + aside * (places[places.length - 1] - places[0]);
      return places.indexOf(columns[x][row]) + (color === x ? 0 : (series - (colors.length - 1) / 2) * (0.5 / colors.length));
    };
    const pooled = new Set();
    const traces = [], sums = [], annotations = [];
    const layout = base({ annotations, height: Math.max(400, 340 * down), showlegend: true });
    panels.forEach((panel, number) => {
      const id = number ? number + 1 : "";
      const [column, line] = [number % across, Math.floor(number / across)];
      const wide = (1 - 0.06 * (across - 1)) / across, tall = (1 - 0.2 * (down - 1)) / down;
      const domainX = [column * (wide + 0.06), column * (wide + 0.06) + wide];
      const top = 1 - line * (tall + 0.2);
      layout["xaxis" + id] = { ...axisStyle(), domain: domainX, anchor: "y" + id, title: { text: label(x) }, type: isLog ? "log" : "linear",
        ...(isNumber ? {} : { tickvals: places.map((_, i) => i), ticktext: places.map(format), range: [-0.6, places.length - 0.4] }),
        ...(isNumber && places.length < 9 ? { tickvals: places, ticktext: places.map(format) } : {}) };
      layout["yaxis" + id] = { ...axisStyle(), domain: [Math.max(0, top - tall), top], anchor: "x" + id, type: logY ? "log" : "linear", ...(logY ? plainTicks(low, high) : {}),
        ...(column === 0 ? { title: { text: label(y) } } : {}), ...(number ? { matches: "y" } : {}) };
      if (facet) annotations.push({ text: `${label(facet)}: ${format(panel)}`, showarrow: false, xref: "paper", yref: "paper",
        x: (domainX[0] + domainX[1]) / 2, y: top, yanchor: "bottom" });
      colors.forEach((value, series) => {
        const look = seriesLook(color, value, series);
        const inside = rows.filter((row) => (!facet || columns[facet][row] === panel) && (!color || columns[color][row] === value));
        const good = inside.filter((row) => columns.trust[row] === "ok");
        const name = color ? format(value) : "runs";
        const common = { xaxis: "x" + id, yaxis: "y" + id, legendgroup: name, name, type: "scatter" };
        const shade = visible(look.color);
        const hover = (row) => `<b>${columns.run_id[row]}</b><br>${axes.map((a) => `${label(a)}: ${format(columns[a][row])}`).join("<br>")}` +
          `<br>LLC ${estimate(row)}<br>R-hat ${shown(row, "rhat")}, ESS ${shown(row, "ess_bulk")}<br>${columns.trust[row]}`;
        const points = (chosen, marker, opacity) => traces.push({ ...common, mode: "markers", showlegend: false, opacity,
          x: chosen.map((row) => position(row, series)), y: chosen.map((row) => values[row]), customdata: chosen.map((row) => [row]),
          text: chosen.map(hover), hovertemplate: "%{text}<extra></extra>", marker });
        if (number === 0 && color) traces.push({ ...common, mode: isNumber ? "lines+markers" : "markers", x: [null], y: [null],
          line: { color: shade, dash: look.dash, width: 1.4 }, marker: { color: shade, symbol: look.symbol, size: 9 } });
        points(good, { color: shade, symbol: look.symbol, size: 6 }, 0.4);
        const groups = places.map((place) => good.filter((row) => columns[x][row] === place)).filter((group) => group.length);
        groups.forEach((group) => others.filter((name) => group.some((row) => columns[name][row] !== columns[name][group[0]])).forEach((name) => pooled.add(name)));
        const means = groups.map((group) => mean(group.map((row) => values[row])));
        const spreads = groups.map((group) => (group.length > 1 ? spread(group.map((row) => values[row])) : 0));
        traces.push({ ...common, mode: isNumber ? "lines+markers" : "markers", showlegend: false,
          x: groups.map((group) => position(group[0], series)), y: means, customdata: groups,
          line: { color: shade, dash: look.dash, width: 1.4 }, marker: { color: shade, symbol: look.symbol, size: 9 },
          error_y: { type: "data", array: spreads, color: shade, thickness: 1.2, width: 0 },
          hovertemplate: `${name}: mean %{y:.5g} ± %{error_y.array:.3g} between runs<extra></extra>` });
        groups.forEach((group, i) => sums.push([...(facet ? [format(panel)] : []), format(columns[x][group[0]]), name, group.length, means[i], spreads[i]]));
        points(inside.filter((row) => columns.trust[row] !== "ok"), { color: shade, symbol: look.symbol + "-open", size: 11, line: { width: 2 } }, 1);
        if (y === "llc" && columns.true_llc) {
          const known = groups.filter((group) => columns.true_llc[group[0]] !== null);
          if (known.length) traces.push({ ...common, mode: "markers", showlegend: false, legendgroup: "known", x: known.map((g) => position(g[0], series)),
            y: known.map((g) => mean(g.map((row) => columns.true_llc[row]))), marker: { symbol: "line-ew-open", size: 14, color: ink(), line: { width: 2 } },
            hovertemplate: "known answer %{y:.5g}<extra></extra>" });
        }
      });
    });
    const doubts = rows.filter((row) => columns.trust[row] !== "ok").length;
    const failed = columns.trust.filter((name) => name === "failed").length;
    byId("explorer-text").textContent = `${label(y)} against ${label(x)}. Large markers: means of trusted runs, bars: ± 1 sd between them; small: runs. ` +
      `Open markers: ${doubts} doubtful runs, in no mean. ${failed} failed runs have no point. Click a point to see its runs below.` +
      (pooled.size ? ` Also pooled in the means: ${[...pooled].map(label).join(", ")}.` : "") +
      (facet && distinct(rows, facet).length > MAX_PANELS ? ` The first ${MAX_PANELS} panels are shown.` : "");
    fill("explorer-table", [...(facet ? [label(facet)] : []), label(x), color ? label(color) : "", "runs", `mean ${label(y)}`, "sd between runs"], sums);
    const chart = byId("explorer");
    Plotly.react(chart, traces, layout, config);
    if (!chart.dataset.clickable) {
      chart.dataset.clickable = "yes";
      chart.on("plotly_click", (event) => only(event.points[0].customdata || []));
    }
  }

  function drawVerdicts() {
    const samplers = Object.keys(data.verdicts);
    const seen = VERDICTS.filter((name) => samplers.some((sampler) => data.verdicts[sampler][name]));
    const traces = seen.map((name) => ({ type: "bar", orientation: "h", name: name.replace("_", " "), y: samplers,
      x: samplers.map((sampler) => data.verdicts[sampler][name] || 0), textposition: "inside", textfont: { color: "#000" },
      text: samplers.map((sampler) => data.verdicts[sampler][name] || ""),
      marker: { color: VERDICT_COLORS[VERDICTS.indexOf(name)], line: { color: ink(), width: 0.6 },
        pattern: { shape: ["", "/", "x", ".", "-", "\\"][VERDICTS.indexOf(name)], solidity: 0.15, fgcolor: "#000", fillmode: "overlay" } } }));
    Plotly.react("verdicts", traces, base({ barmode: "stack", xaxis: { ...axisStyle(), title: { text: "runs" } }, yaxis: { ...axisStyle(), automargin: true }, height: 290 }), still);
    byId("verdicts-text").textContent = "Verdicts by sampler: " + samplers.map((sampler) =>
      `${sampler} ${Object.entries(data.verdicts[sampler]).map(([name, count]) => `${count} ${name.replace("_", " ")}`).join(", ")}`).join("; ") + ".";
    fill("verdicts-table", ["sampler", ...seen], samplers.map((sampler) => [sampler, ...seen.map((name) => data.verdicts[sampler][name] || 0)]));
  }

  function drawAgreement() {
    const { z, names, num_beyond, beyond } = data.agreement;
    if (!z.length) return byId("agreement-figure").remove();
    const kinds = [...new Set(names)].sort();
    const reach = Math.max(4, Math.ceil(Math.max(...z.map(Math.abs))));
    const traces = kinds.map((kind, index) => ({ type: "histogram", name: kind, x: z.filter((_, i) => names[i] === kind), opacity: 0.8,
      marker: { color: PALETTE[index % PALETTE.length], pattern: { shape: ["", "/", "."][index % 3], solidity: 0.2, fgcolor: "#000", fillmode: "overlay" } },
      xbins: { start: -reach, end: reach, size: reach > 12 ? reach / 20 : 0.5 } }));
    const edge = (at) => ({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { dash: "dot", color: ink(), width: 1.4 } });
    Plotly.react("agreement", traces, base({ barmode: "stack", shapes: [edge(-3), edge(3)], height: 290, showlegend: true,
      xaxis: { ...axisStyle(), title: { text: "difference / its standard error" } }, yaxis: { ...axisStyle(), title: { text: "comparisons" } } }), still);
    byId("agreement-text").textContent = `Samplers on the same target: ${num_beyond} of ${z.length} comparisons differ by more than 3 standard errors (beyond the dotted lines).`;
    fill("agreement-table", ["z", "sampler", "LLC", "sampler", "LLC", "runs", ""], beyond.map((p) => [p.z, p.sampler_a, p.llc_a, p.sampler_b, p.llc_b,
      runButton(p.run_a), runButton(p.run_b)]));
  }

  // ---------- the table of runs ----------
  const leading = ["run_id", ...axes];
  const headers = [...leading, "llc", "rhat", "ess_bulk", ...(columns.true_llc ? ["true_llc"] : []), "num_gradients", "trust"];
  const words = all.map((row) => [...leading, "trust", "reason"].map((name) => format(columns[name][row])).join(" ").toLowerCase());

  function applyFilter() {
    const terms = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = byId("verdict").value;
    const chosen = table.only ? table.only : all;
    table.rows = chosen.filter((row) => terms.every((term) => words[row].includes(term)) && (!verdict ||
      (verdict === "doubtful" ? !["ok", "failed"].includes(columns.trust[row]) : columns.trust[row] === verdict)));
    if (table.sort) {
      const order = data.runs.orders[table.sort], sign = table.down ? -1 : 1;
      const values = order ? columns[table.sort].map((value) => (value === null ? null : order.indexOf(value))) : columns[table.sort];
      table.rows.sort((a, b) => (values[a] === null) - (values[b] === null) || sign * ((values[a] > values[b]) - (values[a] < values[b])));
    }
    table.shown = MANY;
    drawRows();
  }

  function drawRows() {
    const page = table.rows.slice(0, table.shown);
    const cell = (row, name) => {
      const number = numeric.has(name) || name === "llc";
      const text = shown(row, name);
      return element("td", { className: name === "trust" ? verdictClass(text) : number ? "number" : "" }, text);
    };
    byId("runs").tBodies[0].replaceChildren(...page.map((row) => {
      const line = element("tr", { className: "run", tabIndex: 0, title: columns.verdict_reason[row] || columns.reason[row] || "" }, ...headers.map((name) => cell(row, name)));
      line.onclick = () => openDetail(row);
      line.onkeydown = (event) => { if (event.key === "Enter") openDetail(row); };
      return line;
    }));
    byId("count").textContent = `${table.rows.length} of ${all.length} runs` + (table.rows.length > page.length ? `, the first ${page.length} shown` : "");
    byId("more").hidden = table.rows.length <= page.length;
    byId("clear").hidden = !table.only;
    document.body.dataset.visible = table.rows.length;
  }

  function drawHead() {
    const short = { llc: "LLC ± MCSE", rhat: "R-hat", ess_bulk: "ESS", true_llc: "known", num_gradients: "gradients", trust: "verdict", run_id: "run" };
    byId("runs").tHead.replaceChildren(element("tr", {}, ...headers.map((name) => {
      const mark = table.sort === name ? (table.down ? " ↓" : " ↑") : "";
      const button = element("button", { type: "button", title: data.runs.meanings[name] || "" }, (short[name] || label(name)) + mark);
      button.onclick = () => { table.down = table.sort === name && !table.down; table.sort = name; drawHead(); applyFilter(); };
      const sorted = mark ? (table.down ? "descending" : "ascending") : "none";
      const head = element("th", { scope: "col", className: numeric.has(name) || name === "llc" ? "number" : "" }, button);
      head.setAttribute("aria-sort", sorted);
      return head;
    })));
  }

  function only(rows) {
    if (!rows.length) return;
    table.only = [...rows];
    applyFilter();
    byId("runs-title").scrollIntoView({ behavior: "smooth" });
    if (rows.length === 1) openDetail(rows[0]);
  }

  function openDetail(row) {
    const id = columns.run_id[row];
    byId("detail-title").textContent = `Run ${id}`;
    const verdict = byId("detail-verdict");
    verdict.className = verdictClass(columns.trust[row]);
    verdict.textContent = [columns.trust[row], columns.verdict_reason[row] || columns.reason[row]].filter(Boolean).join(": ");
    byId("detail-numbers").replaceChildren(...[...leading, "target_id", ...numbers].filter((name) => name !== "run_id" && columns[name] && columns[name][row] !== null)
      .flatMap((name) => [element("dt", {}, label(name)), element("dd", {}, shown(row, name))]));
    byId("detail-spec").textContent = specs[row] ? JSON.stringify(JSON.parse(specs[row]), null, 1) : "see the column `spec`: llcray query";
    byId("detail-command").textContent = `llcray diagnose ${data.root} ${id}`;
    byId("detail").showModal();
    drawDetail(row, id);
  }

  function drawDetail(row, id) {
    const curves = data.curves[id];
    byId("detail-chart").hidden = !curves;
    if (!curves) { byId("detail-text").textContent = "No draws of this run are in the page."; return; }
    const at = data.places[id], last = at[at.length - 1];
    const traces = curves.map((curve, chain) => ({ type: "scatter", mode: "lines", name: `chain ${chain}`, x: at, y: curve,
      line: { color: visible(CHAINS[chain % CHAINS.length]), width: 1.4, dash: DASHES[chain % DASHES.length] } }));
    const [llc, error] = [columns.llc[row], columns.llc_mcse[row]];
    const band = llc !== null && error ? [{ type: "rect", x0: 0, x1: last, y0: llc - 2 * error, y1: llc + 2 * error, fillcolor: "#888", opacity: 0.25, line: { width: 0 } }] : [];
    Plotly.react("detail-chart", traces, base({ shapes: band, height: 290, xaxis: { ...axisStyle(), title: { text: "draw after burn-in" } },
      yaxis: { ...axisStyle(), title: { text: "running LLC (nats)" } } }), still);
    byId("detail-text").textContent = `Running LLC of each chain; band: final mean ± 2 MCSE. The chains end at ${curves.map((curve) => format(curve[curve.length - 1])).join(", ")}.`;
  }

  // ---------- once ----------
  function options(id, names, chosen, nothing) {
    const made = names.map((name) => element("option", { value: name, selected: name === chosen }, label(name)));
    byId(id).replaceChildren(...(nothing ? [element("option", { value: "", selected: !chosen }, nothing)] : []), ...made);
    byId(id).onchange = drawExplorer;
  }

  const duration = (seconds) => seconds < 5400 ? [(seconds / 60).toFixed(1), "minutes of sampling"] : [(seconds / 3600).toFixed(1), "hours of sampling"];

  function start() {
    byId("summary").textContent = data.summary;
    const sum = (name) => (columns[name] || []).reduce((total, value) => total + (value || 0), 0);
    const count = (test) => columns.trust.filter(test).length;
    const tiles = [[all.length, "runs"], [count((t) => t === "ok"), "trusted"], [count((t) => t !== "ok" && t !== "failed"), "doubtful"], [count((t) => t === "failed"), "failed"],
      duration(sum("sampling_seconds")), [Math.round(sum("num_gradients")).toLocaleString("en"), "full-data gradients"]];
    byId("tiles").replaceChildren(...tiles.map(([number, text]) => element("div", { className: "tile" }, element("b", {}, String(number)), element("span", {}, text))));
    if (data.picture) {
      byId("picture").src = data.picture;
      byId("picture").alt = `LLC against what the sweep varies, samplers by colour; the table under Explore holds the numbers. ${data.picture_text}`;
    } else byId("answer").remove();
    const kinds = axes.filter((name) => distinct(all, name).length <= MAX_PANELS);
    options("x", [...axes, ...numbers], data.start.x);
    options("y", numbers, "llc");
    options("color", kinds, axes.includes("sampler") ? "sampler" : "", "none");
    options("facet", kinds, data.start.facet, "one panel");
    byId("usual").checked = data.start.alone;
    byId("usual").onchange = drawExplorer;
    byId("usual").parentElement.hidden = !Object.keys(data.start.usual).length;
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
    fill("costs", ["sampler", "runs", "full-data gradients", "minutes of sampling", "minutes of compiling", "gradients to 1 nat (median)", "seconds to 1 nat (median)", "ESS per gradient (median)"],
      data.costs.map((c) => [c.sampler, c.runs, c.num_gradients, c.sampling_seconds / 60, c.compile_seconds / 60, c.fde_to_se1, c.time_to_se1, c.ess_per_gradient]));
    if (data.failures.length) {
      byId("failures").append(element("h3", {}, "Failed runs"), element("ul", {}, ...data.failures.map((failure) =>
        element("li", {}, `${failure.reason}: `, ...failure.run_id.slice(0, 6).flatMap((id) => [runButton(id), " "]), failure.run_id.length > 6 ? `and ${failure.run_id.length - 6} more` : ""))));
    }
    const origin = { dataset: data.root, sweep: data.sweep, ...data.provenance };
    byId("provenance").append(...Object.entries(origin).flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
    drawHead();
    applyFilter();
    draw();
    dark.addEventListener("change", draw);
    addEventListener("beforeprint", () => { table.shown = Math.max(table.shown, 500); drawRows(); });
    if (hash.get("run")) openDetail(columns.run_id.indexOf(hash.get("run")));
    document.body.dataset.ready = "yes";
    document.body.dataset.milliseconds = Math.round(performance.now());
  }
  const draw = () => { drawExplorer(); drawVerdicts(); drawAgreement(); };
  start();
})();
