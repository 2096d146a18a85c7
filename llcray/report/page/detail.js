// ---------- one run: verdict, chains, numbers, spec, and where all diagnostics are ----------
function openDetail(row) {
  if (row === undefined) return;
  const id = columns.run_id[row];
  byId("detail-title").textContent = `Run ${id}`;
  const verdict = byId("detail-verdict");
  verdict.className = verdictClass(columns.trust[row]);
  verdict.textContent = [columns.trust[row].replace("_", " "), columns.verdict_reason[row] || columns.reason[row]].filter(Boolean).join(": ");
  byId("detail-numbers").replaceChildren(...[...leading, "target_id", ...numbers].filter((name) => name !== "run_id" && columns[name] && columns[name][row] !== null)
    .flatMap((name) => [element("dt", {}, label(name)), element("dd", {}, shown(row, name))]));
  byId("detail-spec").textContent = specs[row] ? JSON.stringify(JSON.parse(specs[row]), null, 1) : "see the column `spec`: llcray query";
  byId("detail-command").textContent = `llcray diagnose ${data.root} ${id}`;
  const names = data.diagnostics.runs[id] || [];
  byId("detail-links").replaceChildren(...names.map((name) => element("li", {}, element("a", { href: `${data.diagnostics.folder}/${id}/${name}` },
    name.replace(/^.*?_/, "").replace(/\.\w+$/, "").replaceAll("_", " ")))));
  byId("detail-links").hidden = !names.length;
  history.replaceState(null, "", "#" + new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))), run: id }));
  if (!byId("detail").open) byId("detail").showModal();
  drawChains(row, id);
}

function drawChains(row, id) {
  const own = data.chains[id];
  byId("detail-chart").hidden = byId("detail-ranks").hidden = !own;
  byId("detail-ranks").hidden = !own || !own.ranks.length;
  if (!own) { byId("detail-text").textContent = isFailed(row) ? "The run failed: it has no draws." : "No draws of this run are in the page."; return; }
  const last = own.at[own.at.length - 1], wide = innerWidth > 700;
  const line = (chain, at) => ({ color: visible(CHAINS[chain % CHAINS.length]), width: 1.4, dash: DASHES[at % DASHES.length] });
  const traces = own.means.map((curve, at) => ({ type: "scatter", mode: "lines", name: `chain ${own.chains[at]}`, x: own.at, y: curve, line: line(own.chains[at], at) }));
  traces.push({ type: "scatter", mode: "lines", name: "all chains", x: own.at, y: own.at.map((_, i) => mean(own.means.map((curve) => curve[i]))), line: { color: ink(), width: 2.6 } });
  const [llc, error] = [columns.llc[row], columns.llc_mcse ? columns.llc_mcse[row] : null];
  const band = llc !== null && error ? [{ type: "rect", x0: 0, x1: last, y0: llc - 2 * error, y1: llc + 2 * error, fillcolor: "#888", opacity: 0.25, line: { width: 0 }, layer: "below" }] : [];
  Plotly.react("detail-chart", traces, base({ shapes: band, height: 300, showlegend: wide, xaxis: axisStyle({ title: { text: "draw after burn-in", standoff: 4 } }),
    yaxis: axisStyle({ title: { text: "running LLC (nats)", standoff: 4 } }) }), still);
  byId("detail-text").textContent = `Running LLC of each chain; band: final mean ± 2 MCSE. The chains end at ${own.means.map((curve) => format(curve[curve.length - 1])).join(", ")}.` +
    (own.ranks.length ? " Below: how often each chain holds each rank of the loss; level when all chains draw from one distribution." : "");
  if (!own.ranks.length) return;
  const bins = own.ranks[0].length;
  Plotly.react("detail-ranks", own.ranks.map((counts, at) => ({ type: "scatter", mode: "lines", name: `chain ${own.chains[at]}`, x: counts.map((_, i) => (i + 0.5) / bins), y: counts,
    line: { ...line(own.chains[at], at), shape: "hvh" } })), base({ height: 220, showlegend: false, margin: { l: 62, r: 14, t: 10, b: 46 },
    xaxis: axisStyle({ title: { text: "rank of the loss among all draws (share)", standoff: 4 }, range: [0, 1] }), yaxis: axisStyle({ title: { text: "draws", standoff: 4 }, rangemode: "tozero" }) }), still);
}
