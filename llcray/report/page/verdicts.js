// ---------- can it be trusted: verdicts, and whether samplers agree ----------
function drawVerdicts() {
  const samplers = Object.keys(data.verdicts).reverse();
  const seen = VERDICTS.filter((name) => samplers.some((sampler) => data.verdicts[sampler][name]));
  const traces = seen.map((name) => ({ type: "bar", orientation: "h", name: name.replace("_", " "), y: samplers,
    x: samplers.map((sampler) => data.verdicts[sampler][name] || 0), textposition: "inside", insidetextanchor: "middle", textangle: 0,
    textfont: { color: ["diverged", "failed"].includes(name) ? "#fff" : "#000" }, text: samplers.map((sampler) => data.verdicts[sampler][name] || ""),
    customdata: samplers.map((sampler) => all.filter((row) => columns.sampler[row] === sampler && columns.trust[row] === name)),
    hovertemplate: `%{y}: %{x} ${name.replace("_", " ")}<extra></extra>`,
    marker: { color: VERDICT_COLORS[VERDICTS.indexOf(name)], line: { color: isDark() ? "#15171a" : "#fff", width: 1 },
      pattern: { shape: VERDICT_PATTERNS[VERDICTS.indexOf(name)], solidity: 0.12, fgcolor: "#000", fillmode: "overlay" } } }));
  const chart = byId("verdicts");
  Plotly.react(chart, traces, base({ barmode: "stack", bargap: 0.35, showlegend: true, height: 110 + 44 * samplers.length,
    xaxis: axisStyle({ title: { text: "runs", standoff: 4 } }), yaxis: axisStyle({ showgrid: false, ticksuffix: " " }) }), still);
  listenOnce(chart, (point) => point.customdata);
  const words = samplers.slice().reverse().map((sampler) => `${sampler} ${Object.entries(data.verdicts[sampler]).map(([name, count]) => `${count} ${name.replace("_", " ")}`).join(", ")}`);
  byId("verdicts-text").textContent = `Verdicts by sampler: ${words.join("; ")}.`;
  fill("verdicts-table", ["sampler", ...seen.map((name) => name.replace("_", " "))], samplers.slice().reverse().map((sampler) => [sampler, ...seen.map((name) => data.verdicts[sampler][name] || 0)]));
}

function drawAgreement() {
  const { pairs, points, table, num_beyond, num } = data.agreement;
  if (!num) return byId("agreement-figure").remove();
  const jitter = (i) => (((i * 0.6180339887) % 1) - 0.5) * 0.55;
  const trace = (name, keep, marker) => {
    const kept = points.z.map((_, i) => i).filter((i) => keep(Math.abs(points.z[i])));
    return { type: "scatter", mode: "markers", name, x: kept.map((i) => points.z[i]), y: kept.map((i) => points.pair[i] + jitter(i)), marker,
      customdata: kept.map((i) => [points.a[i], points.b[i]]), hovertemplate: "%{text}<extra></extra>", text: kept.map((i) => `<b>${pairs[points.pair[i]]}</b><br>` +
        `${estimate(points.a[i])} and ${estimate(points.b[i])}<br>${Number(points.z[i].toPrecision(3))} standard errors apart<br>target ${columns.target_id[points.a[i]]}`) };
  };
  const edge = (at, dash) => ({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { dash, color: ink(), width: 1.2 }, layer: "below" });
  const reach = Math.max(4, ...points.z.map(Math.abs)) * 1.08, chart = byId("agreement");
  Plotly.react(chart, [trace("within 3 standard errors", (z) => z <= 3, { color: isDark() ? "#9aa1a9" : "#8b939b", size: 6, opacity: 0.75 }),
    trace("beyond", (z) => z > 3, { color: ink(), size: 9, symbol: "diamond-open", line: { width: 2 } })],
    base({ shapes: [edge(0, "solid"), edge(-3, "dot"), edge(3, "dot")], height: 110 + 44 * Math.max(2, pairs.length), showlegend: true,
      xaxis: axisStyle({ title: { text: "difference / its standard error", standoff: 4 }, range: [-reach, reach] }),
      yaxis: axisStyle({ tickvals: pairs.map((_, i) => i), ticktext: pairs.map((name) => name + " "), showgrid: false, range: [pairs.length - 0.4, -0.6] }) }), still);
  listenOnce(chart, (point) => point.customdata);
  const off = table.map((row) => `${row.pair} ${row.relative >= 0 ? "+" : "−"}${Math.abs(100 * row.relative).toFixed(1)}%`);
  byId("agreement-text").textContent = `Two samplers on one target, a mark each: ${num_beyond} of ${num} comparisons are beyond 3 standard errors. Median difference: ${off.join(", ")}.`;
  fill("agreement-table", ["pair", "comparisons", "median difference (%)", "beyond 3 SE"], table.map((row) => [row.pair, row.comparisons, Number((100 * row.relative).toFixed(2)), row.beyond]));
  const beyond = points.z.map((_, i) => i).filter((i) => Math.abs(points.z[i]) > 3).sort((a, b) => Math.abs(points.z[b]) - Math.abs(points.z[a])).slice(0, 60);
  if (beyond.length) fill("beyond-table", ["z", "pair", "LLC", "LLC", "runs", ""], beyond.map((i) => [points.z[i], pairs[points.pair[i]], estimate(points.a[i]), estimate(points.b[i]),
    runButton(columns.run_id[points.a[i]]), runButton(columns.run_id[points.b[i]])]));
}

function listenOnce(chart, rowsOf) {
  if (chart.dataset.clickable) return;
  chart.dataset.clickable = "yes";
  chart.on("plotly_click", (event) => only(rowsOf(event.points[0]) || []));
}
