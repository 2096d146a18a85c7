// One run: verdict, chains, numbers, spec, and where all its diagnostics are.

import { columns, data, isFailed, label, mean, numbers, rowOf, verdictOf } from "./data.js";
import { byId, element } from "./elements.js";
import { errorOf, format, formatCell } from "./format.js";
import { axisStyle, chartLayout, configWithoutButtons, shade, theme } from "./theme.js";

export const runButton = (id) =>
  element("button", { type: "button", className: "run-link", onclick: () => openDetail(rowOf(id)) }, id);

export function openDetail(row) {
  if (row === undefined) return;
  const id = columns.run_id[row];
  const verdict = verdictOf(row);
  const reason = columns.verdict_reason[row] || columns.reason[row];
  byId("detail-title").textContent = `Run ${id}`;
  const words = byId("detail-verdict");
  words.className = `verdict-${verdict.standing}`;
  words.title = verdict.meaning;
  words.textContent = [verdict.text, reason].filter(Boolean).join(": ");
  const names = [...data.runs.leading, "target_id", ...numbers];
  const known = names.filter((name) => (columns[name]?.[row] ?? null) !== null);
  const pairs = known.flatMap((name) => [element("dt", {}, label(name)), element("dd", {}, formatCell(row, name))]);
  byId("detail-numbers").replaceChildren(...pairs);
  byId("detail-spec").textContent = specText(data.runs.specs[row]);
  byId("detail-command").textContent = `llcray diagnose ${data.root} ${id}`;
  linkDiagnostics(id);
  const hash = new URLSearchParams(location.hash.slice(1));
  hash.set("run", id);
  history.replaceState(null, "", `#${hash}`);
  if (!byId("detail").open) byId("detail").showModal();
  drawChains(row, id);
}

/** A spec with its lines apart; as it stands where it is no JSON, as in a dataset of somebody else. */
function specText(spec) {
  if (!spec) return "see the column `spec`: llcray query";
  try {
    return JSON.stringify(JSON.parse(spec), null, 1);
  } catch {
    return spec;
  }
}

/** Link the pictures that `llcray diagnose` left beside the dataset. */
function linkDiagnostics(id) {
  const { folder, runs } = data.diagnostics;
  const links = (runs[id] ?? []).map((name) => {
    const title = name
      .replace(/^.*?_/, "")
      .replace(/\.\w+$/, "")
      .replaceAll("_", " ");
    return element("li", {}, element("a", { href: `${folder}/${id}/${name}` }, title));
  });
  byId("detail-links").replaceChildren(...links);
  byId("detail-links").hidden = !links.length;
}

function drawChains(row, id) {
  const chains = data.chains[id];
  const hasRanks = Boolean(chains?.ranks.length);
  byId("detail-chart").hidden = !chains;
  byId("detail-ranks").hidden = !hasRanks;
  if (!chains) {
    const why = isFailed(row) ? "The run failed: it has no draws." : "No draws of this run are in the page.";
    byId("detail-text").textContent = why;
    return;
  }
  drawRunningMeans(row, chains);
  if (hasRanks) drawRanks(chains);
  const ends = chains.means.map((curve) => format(curve[curve.length - 1])).join(", ");
  const ranks =
    " Below: how often each chain holds each rank of the loss; level when all chains draw from one distribution.";
  byId("detail-text").textContent =
    `Running LLC of each chain; band: final mean ± 2 sampling errors. The chains end at ${ends}.${hasRanks ? ranks : ""}`;
}

function chainTrace(chains, at, x, y, line = {}) {
  const { colors, dashes } = data.chain_looks;
  const chain = chains.chains[at];
  const look = { color: shade(colors[chain % colors.length]), width: 1.4, dash: dashes[at % dashes.length] };
  return { type: "scatter", mode: "lines", name: `chain ${chain}`, x, y, line: { ...look, ...line } };
}

function drawRunningMeans(row, chains) {
  const traces = chains.means.map((curve, at) => chainTrace(chains, at, chains.at, curve));
  const overall = chains.at.map((_, i) => mean(chains.means.map((curve) => curve[i])));
  const line = { color: theme().ink, width: 2.6 };
  traces.push({ type: "scatter", mode: "lines", name: "all chains", x: chains.at, y: overall, line });
  const layout = chartLayout({
    shapes: errorBand(row, chains.at[chains.at.length - 1]),
    height: 300,
    showlegend: innerWidth > 700,
    xaxis: axisStyle("draw after burn-in"),
    yaxis: axisStyle("running LLC (nats)"),
  });
  Plotly.react("detail-chart", traces, layout, configWithoutButtons);
}

/** The band of two sampling errors around the LLC. */
function errorBand(row, last) {
  const [llc, error] = [columns.llc[row], errorOf(row)];
  if (llc === null || !error) return [];
  const style = { fillcolor: "#888", opacity: 0.25, line: { width: 0 }, layer: "below" };
  return [{ type: "rect", x0: 0, x1: last, y0: llc - 2 * error, y1: llc + 2 * error, ...style }];
}

function drawRanks(chains) {
  const bins = chains.ranks[0].length;
  const middles = chains.ranks[0].map((_, bin) => (bin + 0.5) / bins);
  const traces = chains.ranks.map((counts, at) => chainTrace(chains, at, middles, counts, { shape: "hvh" }));
  const layout = chartLayout({
    height: 220,
    showlegend: false,
    margin: { l: 62, r: 14, t: 10, b: 46 },
    xaxis: axisStyle("rank of the loss (share)", { range: [0, 1] }),
    yaxis: axisStyle("draws", { rangemode: "tozero" }),
  });
  Plotly.react("detail-ranks", traces, layout, configWithoutButtons);
}
