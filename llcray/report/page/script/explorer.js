// The answer: a number against an axis, means over seeds, and every run behind them.

import { allRows, axes, columns, counts, data, distinct, isFailed, label, STEP } from "./data.js";
import { byId, fillTable } from "./elements.js";
import { capital, chartText, format, plural, shortened } from "./format.js";
import { panelsOf, pointsOf } from "./panels.js";
import { showOnly } from "./table.js";
import {
  axisStyle,
  chartLayout,
  config,
  holdingLimits,
  isPrinting,
  listenOnce,
  lookOf,
  shade,
  xAxisStyle,
  yAxisStyle,
} from "./theme.js";
import { stageShapes, tracesOf } from "./traces.js";

const GAP = 94;
const LINE = 16;
const CHARACTER = 6.5;
const SPACE_BETWEEN = 0.05;
const SPACE_BELOW_LEGEND = 12;

/** The choices of the form. */
function chosen() {
  const [x, y, color, scale] = ["x", "y", "color", "logy"].map((id) => byId(id).value);
  const facets = [...new Set([byId("facet").value, byId("facet2").value])].filter(Boolean);
  return { x, y, color, scale, facets, usual: byId("usual").checked };
}

const axisIdOf = (number) => (number ? number + 1 : "");

export function drawExplorer() {
  const choice = chosen();
  byId("usual").parentElement.hidden = !choice.x || data.choices.target_axes.length < 2;
  const panels = panelsOf(choice);
  const drawn = [...new Set(panels.flatMap((panel) => panel.rows))];
  const range = data.y_axes[choice.y][choice.scale];
  const colors = choice.color ? inColorOrder(distinct(drawn, choice.color), choice.color) : [null];
  const series = panels.flatMap((panel, number) => seriesOf(panel, axisIdOf(number), colors, choice, range));
  const hasUnlikeCounts = new Set(series.flatMap(({ points }) => points.map(({ rows }) => rows.length))).size > 1;
  const layout = explorerLayout(panels, choice, range);
  if (choice.y === "llc" && data.stages.length) {
    const shapes = (panel, number) => (panel.x === STEP ? stageShapes(panel, choice.color, axisIdOf(number)) : []);
    layout.shapes = panels.flatMap(shapes);
  }
  describeExplorer(choice, panels, drawn, pooledAxes(series, choice), layout.shapes.length > 0, hasUnlikeCounts);
  fillExplorerTable(series, choice);
  const chart = byId("explorer");
  Plotly.react(
    chart,
    [
      ...legendTraces(colors, choice.color),
      ...withOneKnownEntry(series.flatMap((each) => tracesOf(each, hasUnlikeCounts))),
    ],
    layout,
    config,
  );
  listenOnce(chart, (point) => showOnly(point.customdata ?? []));
}

function inColorOrder(values, color) {
  const order = data.looks[color]?.values ?? [];
  return values.sort((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** The series of a panel that have runs, with all that their traces are made of. */
function seriesOf(panel, axisId, colors, { y, color }, range) {
  const isAside = color !== panel.x && panel.x !== STEP && !data.x_axes[panel.x].measured;
  const alone = new Set(panel.matches.alone);
  const series = colors.map((value, index) => {
    const name = color ? format(value) : "";
    const rows = color ? panel.rows.filter((row) => columns[color][row] === value) : panel.rows;
    return {
      x: panel.x,
      y,
      rows,
      points: pointsOf(rows, panel.x, y, panel.matches),
      alone: rows.filter((row) => alone.has(row)),
      name,
      panel: panel.lines.join(", ") || label(panel.x),
      look: lookOf(color, value),
      share: isAside ? (index - (colors.length - 1) / 2) / Math.max(2, colors.length) : 0,
      range,
      trace: { ...legendOf(name), xaxis: `x${axisId}`, yaxis: `y${axisId}` },
    };
  });
  return series.filter(({ rows }) => rows.length);
}

const legendOf = (name) => ({ legendgroup: name || "runs", name: chartText(name || "runs"), type: "scatter" });

/** One trace without points for each colour, so that the legend has all colours in order. */
function legendTraces(colors, color) {
  if (!color) return [];
  return colors.map((value) => {
    const look = lookOf(color, value);
    const line = { color: shade(look), dash: look.dash, width: 1.4 };
    const marker = { color: shade(look), symbol: look.symbol, size: 9 };
    return { ...legendOf(format(value)), mode: "lines+markers", x: [null], y: [null], line, marker };
  });
}

/** The traces, of which the first with known answers alone is in the legend. */
function withOneKnownEntry(traces) {
  const first = traces.findIndex((trace) => trace.legendgroup === "known");
  return traces.map((trace, at) => (trace.legendgroup === "known" ? { ...trace, showlegend: at === first } : trace));
}

function explorerLayout(panels, { x, y, usual }, range) {
  const across = innerWidth < 700 && !isPrinting() ? 1 : Math.min(panels.length, 3);
  const down = Math.ceil(panels.length / across);
  const tall = down > 1 ? 250 : 330;
  const titles = LINE * Math.max(0, ...panels.map(({ lines }) => lines.length));
  const gap = GAP + titles;
  const inside = down * tall + (down - 1) * gap;
  const margin = { l: 62, r: 14, t: 40 + titles, b: 60 };
  const isPart = x !== "" && usual;
  const layout = chartLayout({
    annotations: [],
    shapes: [],
    height: margin.t + inside + margin.b,
    showlegend: true,
    margin,
  });
  layout.legend.y = 1 + (titles + SPACE_BELOW_LEGEND) / inside;
  const wide = (1 - SPACE_BETWEEN * (across - 1)) / across;
  const room = wide * ((layout.width ?? byId("explorer").clientWidth) - margin.l - margin.r);
  panels.forEach((panel, number) => {
    const id = axisIdOf(number);
    const column = number % across;
    const left = column * (wide + SPACE_BETWEEN);
    const upper = 1 - (Math.floor(number / across) * (tall + gap)) / inside;
    const domain = [left, left + wide];
    const below = { domain, anchor: `y${id}`, showgrid: false, ...xAxisStyle(panel.x) };
    layout[`xaxis${id}`] = axisStyle(label(panel.x), below);
    layout[`yaxis${id}`] = axisStyle(column === 0 ? label(y) : "", {
      domain: [Math.max(0, upper - tall / inside), upper],
      anchor: `x${id}`,
      showticklabels: column === 0,
      ...(number ? { matches: "y" } : {}),
      ...yAxisStyle(range),
      ...(isPart ? {} : holdingLimits(range)),
    });
    if (panel.lines.length) layout.annotations.push(titleOf(panel, left + wide / 2, upper, room));
  });
  return layout;
}

/** The title above a panel: a line for each value that its runs share, each cut to the room there is. */
const titleOf = ({ lines }, x, y, room) => ({
  text: lines.map((line) => chartText(shortened(line, room / CHARACTER))).join("<br>"),
  hovertext: lines.map(chartText).join("<br>"),
  showarrow: false,
  xref: "paper",
  yref: "paper",
  x,
  y,
  xanchor: "center",
  yanchor: "bottom",
});

/** The axes that vary within a point of some series, beside seeds and what the plot holds apart. */
function pooledAxes(series, { color, facets }) {
  const isPooled = (axis) =>
    series.some(({ x, points }) => {
      if ([x, color, ...facets, ...data.runs.seeds].includes(axis)) return false;
      return points.some(({ rows }) => rows.some((row) => columns[axis][row] !== columns[axis][rows[0]]));
    });
  return axes.filter(isPooled);
}

function fillExplorerTable(series, { x, y, color }) {
  const orDash = (number) => number ?? "–";
  const rows = series.flatMap(({ panel, name, points }) =>
    points.map((point) => {
      const errors = [point.sampling, point.localization, point.spread].map(orDash);
      const numbers = [point.rows.length, point.mean, ...errors];
      return [panel, format(point.value), name, ...numbers];
    }),
  );
  const leading = ["panel", x ? label(x) : "value", color ? label(color) : ""];
  const headers = ["runs in the mean", `mean ${label(y)}`, "sampling error", "localization", "sd between runs"];
  fillTable("explorer-table", [...leading, ...headers], rows);
}

function describeExplorer({ x, y }, panels, drawn, pooled, hasStages, hasUnlikeCounts) {
  const numDoubtful = drawn.filter((row) => !counts(row, y)).length;
  const numFailed = allRows.filter(isFailed).length;
  const thick = y === "llc" ? "; thick bars: ± 1 sampling error of the mean" : "";
  const numAlone = new Set(panels.flatMap(({ matches }) => matches.alone)).size;
  const numEmpty = panels.reduce((sum, { matches }) => sum + matches.numEmpty, 0);
  const sentences = [
    `${label(y)} against ${x ? label(x) : "each axis, the others at their usual value"}`,
    y === "llc" && data.setting && `at ${data.setting}`,
    `large markers: means of trusted runs; thin bars: ± 1 sd between them${thick}; small markers: single runs`,
    hasUnlikeCounts && "the number beside a mean: its runs; lines join means over the same targets",
    numAlone &&
      `means are over matched targets: ${plural(numAlone, "trusted run")} in no mean, since what they are compared with ` +
        "has no trusted estimate of their target",
    numEmpty && `no mean at ${plural(numEmpty, "place")} where no target is trusted in all that is compared`,
    panels.some(({ matches }) => matches.isUnlike) &&
      "where what is compared shares no target, each mean is over its own",
    numDoubtful &&
      `${plural(numDoubtful, "run")} not to be trusted: open markers, in no mean (arrows: beyond the axis)`,
    numFailed && `${plural(numFailed, "failed run")}: no point`,
    pooled.length && `also pooled in the means: ${pooled.map(label).join(", ")}`,
    hasStages &&
      "dotted: boundaries of detected stages; shaded behind a single curve: it rises (blue) or falls (orange), " +
        "and the boundaries' 95% intervals",
    panels.length === data.choices.max_panels && `the first ${panels.length} panels are shown`,
  ];
  const text = sentences.filter(Boolean).map(capital).join(". ");
  byId("explorer-text").textContent = `${text}. Hover shows a run, a click lists it below.`;
}
