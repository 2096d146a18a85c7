// The verdicts of each sampler's runs.

import { allRows, columns, data } from "./data.js";
import { byId, fillTable } from "./elements.js";
import { chartText } from "./format.js";
import { showOnly } from "./table.js";
import { axisStyle, chartLayout, configWithoutButtons, listenOnce, theme } from "./theme.js";

export function drawVerdicts() {
  const samplers = Object.keys(data.verdict_counts);
  const countOf = (sampler, { name }) => data.verdict_counts[sampler][name] ?? 0;
  const present = data.verdicts.filter((verdict) => samplers.some((sampler) => countOf(sampler, verdict)));
  const chart = byId("verdicts");
  const upwards = [...samplers].reverse();
  const layout = chartLayout({
    barmode: "stack",
    bargap: 0.35,
    showlegend: true,
    height: 110 + 44 * samplers.length,
    xaxis: axisStyle("runs"),
    yaxis: axisStyle("", { showgrid: false, ticksuffix: " " }),
  });
  const traces = present.map((verdict) => barsOf(verdict, upwards, countOf));
  Plotly.react(chart, traces, layout, configWithoutButtons);
  listenOnce(chart, (point) => showOnly(point.customdata));
  const rows = samplers.map((sampler) => [sampler, ...present.map((verdict) => countOf(sampler, verdict))]);
  fillTable("verdicts-table", ["sampler", ...present.map(({ text }) => text)], rows);
  const words = samplers.map((sampler) => {
    const own = present.filter((verdict) => countOf(sampler, verdict));
    return `${sampler} ${own.map((verdict) => `${countOf(sampler, verdict)} ${verdict.text}`).join(", ")}`;
  });
  byId("verdicts-text").textContent = `Verdicts by sampler: ${words.join("; ")}.`;
}

function barsOf(verdict, samplers, countOf) {
  const { name, text, meaning, fill, ink, pattern } = verdict;
  const hasVerdict = (row) => columns.outcome[row] === name;
  return {
    type: "bar",
    orientation: "h",
    name: text,
    y: samplers.map(chartText),
    x: samplers.map((sampler) => countOf(sampler, verdict)),
    text: samplers.map((sampler) => countOf(sampler, verdict) || ""),
    textposition: "inside",
    insidetextanchor: "middle",
    textangle: 0,
    textfont: { color: ink },
    customdata: samplers.map((sampler) => allRows.filter((row) => columns.sampler[row] === sampler && hasVerdict(row))),
    hovertemplate: `%{y}: %{x} ${text}<br>${meaning.replace(/: /, ":<br>")}<extra></extra>`,
    marker: {
      color: fill,
      line: { color: theme().paper, width: 1 },
      pattern: { shape: pattern, solidity: 0.12, fgcolor: "#000", fillmode: "overlay" },
    },
  };
}
