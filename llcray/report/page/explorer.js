// ---------- the answer: a number against an axis, means over seeds, every run behind them ----------
const MAX_PANELS = 12;
const chosen = () => Object.fromEntries(["x", "y", "color", "facet", "facet2"].map((id) => [id, byId(id).value]));

/** Rows that differ from the usual target along the given axes only; where they do, other axes may say nothing. */
function usualBut(names) {
  const { usual } = data.start, others = Object.keys(usual).filter((name) => !names.includes(name));
  const changed = (row) => names.some((name) => name in usual && columns[name][row] !== null && columns[name][row] !== usual[name]);
  return (row) => others.every((name) => columns[name][row] === usual[name] || (columns[name][row] === null && changed(row)));
}

function panelsOf(rows, { x, color, facet, facet2 }) {
  if (!x) return data.start.axes.map((axis) => ({ title: "", x: axis, rows: rows.filter(usualBut([axis])) })).slice(0, MAX_PANELS);
  const inside = byId("usual").checked ? rows.filter(usualBut([x, color, facet, facet2])) : rows;
  let panels = [{ title: "", x, rows: inside }];
  for (const name of [facet, facet2].filter((name, at, names) => name && names.indexOf(name) === at))
    panels = panels.flatMap((panel) => distinct(inside, name).map((value) => ({ ...panel,
      title: [panel.title, `${label(name)}: ${format(value)}`].filter(Boolean).join(", "), rows: panel.rows.filter((row) => columns[name][row] === value) })));
  return panels.filter((panel) => panel.rows.length).slice(0, MAX_PANELS);
}

/** Trusted rows of one place and series: their mean, the sd between them, and the Monte Carlo error of the mean. */
function pointOf(group, values, y) {
  const own = group.map((row) => values[row]);
  const errors = y === "llc" && columns.llc_mcse ? group.map((row) => columns.llc_mcse[row]) : [];
  return { group, mean: mean(own), spread: spread(own), mcse: errors.length ? Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0)) / own.length : null };
}

/** The y axis: what trusted runs span, with room for doubtful ones near by; those further off are put at its edge. */
function rangeOf(rows, values, y) {
  const trusted = rows.filter((row) => counts(row, y)).map((row) => values[row]), drawn = trusted.length ? trusted : rows.map((row) => values[row]);
  const [low, high] = [Math.min(...drawn), Math.max(...drawn)];
  const positive = low > 0 && rows.every((row) => values[row] > 0);
  const wantsLog = byId("logy").value === "auto" ? drawn.length > 1 && positive && high / low >= LOG_RATIO : byId("logy").value === "log" && low > 0;
  const room = (high - low || Math.abs(high) || 1) * 0.6;
  return { low, high, wantsLog, floor: wantsLog ? low / 3 : low - room, ceiling: wantsLog ? high * 3 : high + room };
}

function explorerLayout(panels, scales, y, { low, high, wantsLog }) {
  const across = innerWidth < 700 && !printing ? 1 : Math.min(panels.length, 3);
  const down = Math.ceil(panels.length / across);
  const gap = 110, tall = down > 1 ? 250 : 330, height = down * tall + (down - 1) * gap + 100;
  const layout = base({ annotations: [], shapes: [], height, showlegend: true, margin: { l: 62, r: 14, t: panels[0] && panels[0].title ? 56 : 40, b: 60 } });
  panels.forEach((panel, number) => {
    const id = number ? number + 1 : "", column = number % across, line = Math.floor(number / across);
    const wide = (1 - 0.05 * (across - 1)) / across, share = tall / (height - 100), step = (tall + gap) / (height - 100);
    const domain = [column * (wide + 0.05), column * (wide + 0.05) + wide], top = 1 - line * step;
    layout["xaxis" + id] = axisStyle({ domain, anchor: "y" + id, title: { text: label(panel.x), standoff: 6 }, showgrid: false, ...scales[number].style() });
    layout["yaxis" + id] = axisStyle({ domain: [Math.max(0, top - share), top], anchor: "x" + id, type: wantsLog ? "log" : "linear",
      ...(wantsLog ? plainTicks(low, high) : {}), showticklabels: column === 0, ...(column === 0 ? { title: { text: label(y), standoff: 6 } } : {}),
      ...(number ? { matches: "y" } : {}) });
    if (panel.title) layout.annotations.push({ text: panel.title, showarrow: false, xref: "paper", yref: "paper", x: (domain[0] + domain[1]) / 2, y: top, yanchor: "bottom" });
  });
  return layout;
}

/** The traces of one series in one panel: runs, mean with two bars, doubtful runs, known answers. */
function seriesTraces(inside, panel, scale, place, { values, y, look, name, share, common, range }) {
  const shade = visible(look.color), traces = [], isCurve = panel.x === STEP;
  const position = (row) => scale.aside(columns[panel.x][row], share);
  const runs = (rows, marker, opacity) => ({ ...common, mode: "markers", showlegend: false, opacity, x: rows.map(position), y: rows.map((row) => values[row]),
    customdata: rows.map((row) => [row]), text: rows.map(hoverOf), hovertemplate: "%{text}<extra></extra>", marker });
  const good = inside.filter((row) => counts(row, y));
  const groups = new Map(scale.places.map((value) => [value, []]));
  good.forEach((row) => groups.get(columns[panel.x][row]).push(row));
  const points = [...groups.values()].filter((group) => group.length).map((group) => pointOf(group, values, y));
  if (points.some((point) => point.group.length > 1)) traces.push(runs(good, { color: shade, symbol: look.symbol, size: 5 }, 0.45));
  const at = points.map((point) => position(point.group[0]));
  const bars = points.flatMap((point, i) => (point.mcse ? [[at[i], point.mean - point.mcse], [at[i], point.mean + point.mcse], [null, null]] : []));
  traces.push({ ...common, mode: scale.isNumber ? "lines+markers" : "markers", showlegend: false, x: at, y: points.map((p) => p.mean),
    customdata: points.map((p) => p.group), line: { color: shade, dash: isCurve ? "solid" : look.dash, width: 1.3 },
    marker: { color: shade, symbol: look.symbol, size: isCurve ? 6 : 9 }, error_y: { type: "data", array: points.map((p) => p.spread), color: shade, thickness: 1.2, width: 0 },
    text: points.map((p) => `<b>${name || label(y)}</b><br>${label(panel.x)}: ${format(columns[panel.x][p.group[0]])}<br>` + (p.group.length > 1
      ? `mean of ${p.group.length} runs: ${p.mcse ? plusMinus(p.mean, p.mcse) + " (Monte Carlo)" : format(p.mean)}<br>sd between them: ${format(p.spread)}` : hoverOf(p.group[0]))),
    hovertemplate: "%{text}<extra></extra>" });
  if (bars.length) traces.push({ ...common, mode: "lines", showlegend: false, hoverinfo: "skip", line: { color: shade, width: 5 }, x: bars.map((b) => b[0]), y: bars.map((b) => b[1]) });
  const doubts = inside.filter((row) => !counts(row, y));
  if (doubts.length) {
    const symbols = doubts.map((row) => (values[row] > range.ceiling ? "arrow-up-open" : values[row] < range.floor ? "arrow-down-open" : look.symbol + "-open"));
    const trace = runs(doubts, { color: shade, symbol: symbols, size: 11, line: { width: 2 } }, 1);
    traces.push({ ...trace, y: trace.y.map((value) => Math.min(Math.max(value, range.floor), range.ceiling)) });
  }
  if (y === "llc" && columns.true_llc) {
    const known = points.filter((p) => columns.true_llc[p.group[0]] !== null);
    if (known.length) traces.push({ ...common, mode: "markers", name: "known answer", showlegend: place === "first", legendgroup: "known", legendrank: 2000, x: known.map((p) => position(p.group[0])),
      y: known.map((p) => mean(p.group.map((row) => columns.true_llc[row]))), marker: { symbol: "line-ew-open", size: 14, color: ink(), line: { width: 2 } },
      hovertemplate: "known answer %{y:.5g} nats<extra></extra>" });
  }
  return { traces, points };
}

/** Stages of the curves of a panel: bands behind a single curve, boundaries in the curve's colour behind several. */
function stageShapes(panel, scale, id, colors, color) {
  const own = new Set(panel.rows.map((row) => columns.series_id[row]));
  const stages = data.stages.filter((stage) => own.has(stage.series_id));
  const alone = new Set(stages.map((stage) => stage.series_id)).size === 1;
  const span = (x0, x1, fillcolor, opacity) => ({ type: "rect", xref: "x" + id, yref: `y${id} domain`, x0: scale.at(x0), x1: scale.at(x1), y0: 0, y1: 1, fillcolor, opacity, line: { width: 0 }, layer: "below" });
  const SHADES = isDark() ? { up: "#1d3a55", down: "#4a3020" } : { up: "#DCE9F5", down: "#FBE6D6" };
  return stages.flatMap((stage) => {
    const row = panel.rows.find((one) => columns.series_id[one] === stage.series_id);
    const shade = alone || !color ? ink() : visible(seriesLook(color, columns[color][row], colors.indexOf(columns[color][row])).color);
    const shapes = alone && SHADES[stage.direction] ? [span(stage.start_step, stage.end_step, SHADES[stage.direction], 0.8)] : [];
    if (stage.stage === stage.num_stages - 1) return shapes;
    if (stage.end_step_low !== null && alone) shapes.push(span(stage.end_step_low, stage.end_step_high, "#777777", 0.22));
    const at = scale.at(stage.end_step);
    return [...shapes, { type: "line", xref: "x" + id, yref: `y${id} domain`, x0: at, x1: at, y0: 0, y1: 1, line: { color: shade, dash: "dot", width: 1.3 }, layer: "below" }];
  });
}

function drawExplorer() {
  const wanted = chosen(), { x, y, color } = wanted, values = columns[y];
  byId("usual").parentElement.hidden = !x || Object.keys(data.start.usual).length < 2;
  const rows = all.filter((row) => !isFailed(row) && values[row] !== null);
  const panels = panelsOf(rows, wanted);
  const drawn = [...new Set(panels.flatMap((panel) => panel.rows))];
  const scales = panels.map((panel) => scaleOf(panels.filter((other) => other.x === panel.x).flatMap((other) => other.rows), panel.x));
  const range = rangeOf(drawn, values, y), layout = explorerLayout(panels, scales, y, range);
  const colors = color ? distinct(drawn, color) : [null];
  const traces = [], sums = [], pooled = new Set();
  let known = "first";
  panels.forEach((panel, number) => {
    const id = number ? number + 1 : "", held = [panel.x, color, wanted.facet, wanted.facet2];
    colors.forEach((value, index) => {
      const look = seriesLook(color, value, index), name = color ? format(value) : "";
      const common = { xaxis: "x" + id, yaxis: "y" + id, legendgroup: name || "runs", name: name || "runs", type: "scatter" };
      const inside = color ? panel.rows.filter((row) => columns[color][row] === value) : panel.rows;
      const share = color === panel.x || panel.x === STEP ? 0 : (index - (colors.length - 1) / 2) / Math.max(2, colors.length);
      if (number === 0 && color) traces.push({ ...common, mode: "lines+markers", x: [null], y: [null], line: { color: visible(look.color), dash: look.dash, width: 1.4 },
        marker: { color: visible(look.color), symbol: look.symbol, size: 9 } });
      if (!inside.length) return;
      const made = seriesTraces(inside, panel, scales[number], known, { values, y, look, name, share, common, range });
      if (made.traces.some((trace) => trace.legendgroup === "known")) known = "again";
      traces.push(...made.traces);
      made.points.forEach((p) => {
        axes.filter((axis) => !held.includes(axis) && !["seed", "sampling_seed"].includes(axis) && p.group.some((row) => columns[axis][row] !== columns[axis][p.group[0]])).forEach((axis) => pooled.add(axis));
        sums.push([panel.title || label(panel.x), format(columns[panel.x][p.group[0]]), name, p.group.length, p.mean, p.mcse ?? "–", p.group.length > 1 ? p.spread : "–"]);
      });
    });
    if (panel.x === STEP && y === "llc" && data.stages.length) layout.shapes.push(...stageShapes(panel, scales[number], id, colors, color));
  });
  describeExplorer(wanted, panels, drawn, pooled, layout.shapes.length > 0);
  fill("explorer-table", ["panel", x ? label(x) : "value", color ? label(color) : "", "trusted runs", `mean ${label(y)}`, "Monte Carlo error of the mean", "sd between runs"], sums);
  const chart = byId("explorer");
  Plotly.react(chart, traces, layout, config);
  if (!chart.dataset.clickable) {
    chart.dataset.clickable = "yes";
    chart.on("plotly_click", (event) => only(event.points[0].customdata || []));
  }
}

function describeExplorer({ x, y }, panels, drawn, pooled, hasStages) {
  const doubts = drawn.filter((row) => !counts(row, y)).length, failed = columns.trust.filter((name) => name === "failed").length;
  const sentences = [`${capital(label(y))} against ${x ? label(x) : "each axis, the others at their usual value"}`,
    `large markers: means of trusted runs; thin bars: ± 1 sd between them${y === "llc" ? "; thick bars: ± 1 Monte Carlo standard error of the mean" : ""}; small markers: single runs`];
  if (doubts) sentences.push(`${plural(doubts, "run")} not to be trusted: open markers, in no mean (arrows: beyond the axis)`);
  if (failed) sentences.push(`${plural(failed, "failed run")}: no point`);
  if (pooled.size) sentences.push(`also pooled in the means: ${[...pooled].map(label).join(", ")}`);
  if (hasStages) sentences.push("dotted: boundaries of detected stages; shaded behind a single curve: it rises (blue) or falls (orange), and the boundaries' 95% intervals");
  if (panels.length === MAX_PANELS) sentences.push(`the first ${MAX_PANELS} panels are shown`);
  byId("explorer-text").textContent = sentences.map(capital).join(". ") + ". Hover shows a run, a click lists it below.";
}
