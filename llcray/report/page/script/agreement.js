// Whether samplers agree where they estimate the same LLC.

import { columns, data } from "./data.js";
import { runButton } from "./detail.js";
import { byId, fillTable } from "./elements.js";
import { chartText, estimate } from "./format.js";
import { showOnly } from "./table.js";
import { axisStyle, chartLayout, configWithoutButtons, listenOnce, theme } from "./theme.js";

const MIN_REACH = 4;
const GOLDEN_RATIO = 0.6180339887;
const MAX_LISTED = 60;

export function drawAgreement() {
  const { limit, pairs, points, num } = data.agreement;
  if (!num) {
    byId("agreement-figure").remove();
    return;
  }
  const edge = (at, dash) => {
    const line = { dash, color: theme().ink, width: 1.2 };
    return { type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line, layer: "below" };
  };
  const reach = Math.max(MIN_REACH, ...points.z.map(Math.abs)) * 1.08;
  const names = { tickvals: pairs.map((_, i) => i), ticktext: pairs.map((name) => `${chartText(name)} `) };
  const within = { color: theme().soft, size: 6, opacity: 0.75 };
  const beyond = { color: theme().ink, size: 9, symbol: "diamond-open", line: { width: 2 } };
  const traces = [
    comparisons(`within ${limit} standard errors`, (i) => !points.beyond[i], within),
    comparisons("beyond", (i) => points.beyond[i], beyond),
  ];
  const layout = chartLayout({
    shapes: [edge(0, "solid"), edge(-limit, "dot"), edge(limit, "dot")],
    height: 110 + 44 * Math.max(2, pairs.length),
    showlegend: true,
    xaxis: axisStyle("difference / its standard error", { range: [-reach, reach] }),
    yaxis: axisStyle("", { ...names, showgrid: false, range: [pairs.length - 0.4, -0.6] }),
  });
  const chart = byId("agreement");
  Plotly.react(chart, traces, layout, configWithoutButtons);
  listenOnce(chart, (point) => showOnly(point.customdata));
  describeAgreement();
}

/** A marker for each comparison that is kept, side by side where many have the same place. */
function comparisons(name, isKept, marker) {
  const { pairs, points } = data.agreement;
  const kept = points.z.map((_, i) => i).filter(isKept);
  const jitter = (i) => (((i * GOLDEN_RATIO) % 1) - 0.5) * 0.55;
  const textOf = (i) =>
    [
      `<b>${chartText(pairs[points.pair[i]])}</b>`,
      `${estimate(points.a[i], true)} and ${estimate(points.b[i], true)}`,
      `${Number(points.z[i].toPrecision(3))} standard errors apart`,
      `target ${chartText(columns.target_id[points.a[i]])}`,
    ].join("<br>");
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: kept.map((i) => points.z[i]),
    y: kept.map((i) => points.pair[i] + jitter(i)),
    marker,
    customdata: kept.map((i) => [points.a[i], points.b[i]]),
    hovertemplate: "%{text}<extra></extra>",
    text: kept.map(textOf),
  };
}

function describeAgreement() {
  const { limit, table, num_beyond, num } = data.agreement;
  const signed = (share) => `${share >= 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(1)}%`;
  const medians = table.map((row) => `${row.pair} ${signed(row.relative)}`).join(", ");
  byId("agreement-text").textContent =
    `Two samplers on one target, a mark each: ${num_beyond} of ${num} comparisons are beyond ${limit} standard errors. ` +
    `Median difference: ${medians}.`;
  const headers = ["pair", "comparisons", "median difference (%)", `beyond ${limit} SE`];
  const percent = (share) => Number((100 * share).toFixed(2));
  const rows = table.map((row) => [row.pair, row.comparisons, percent(row.relative), row.beyond]);
  fillTable("agreement-table", headers, rows);
  listBeyond();
}

/** List the comparisons beyond the limit; the data have the largest first. */
function listBeyond() {
  const { pairs, points } = data.agreement;
  const beyond = points.z.map((_, i) => i).filter((i) => points.beyond[i]);
  if (!beyond.length) return;
  const buttonOf = (row) => runButton(columns.run_id[row]);
  const rows = beyond.slice(0, MAX_LISTED).map((i) => {
    const [a, b] = [points.a[i], points.b[i]];
    return [points.z[i], pairs[points.pair[i]], estimate(a), estimate(b), buttonOf(a), buttonOf(b)];
  });
  fillTable("beyond-table", ["z", "pair", "LLC", "LLC", "runs", ""], rows);
}
