// The traces of one series in one panel, and the stages behind the curves of a panel.

import { columns, counts, data, label, mean, STEP } from "./data.js";
import { chartText, estimateText, format } from "./format.js";
import { hoverText, lookOf, placing, shade, theme, themeName } from "./theme.js";

const HOVER = { hovertemplate: "%{text}<extra></extra>" };

/**
 * The traces of a series: single runs, means with two bars, doubtful runs, and known answers.
 *
 * A series has the x and y columns, rows, points (the means), trusted rows alone in no mean, name, look, share of the room it is moved aside by, the
 * range of the y axis, and `trace` with what all its traces have in common.
 */
export function tracesOf(series, isCounted) {
  const { alone, points, rows, y } = series;
  const traces = [];
  if (alone.length || points.some((point) => point.rows.length > 1)) traces.push(singleRuns(series));
  traces.push(means(series, isCounted));
  if (points.some((point) => point.sampling)) traces.push(errorBars(series));
  if (rows.some((row) => !counts(row, y))) traces.push(doubtfulRuns(series));
  if (y === "llc" && columns.true_llc) traces.push(...knownAnswers(series));
  return traces;
}

/** A function from values of x to places, moved aside so that series do not hide one another. */
function placesOf({ x, share }) {
  const placeOf = placing(x);
  return (value) => placeOf(value, share);
}

/** One marker for each run; a click shows it. */
function runMarkers(series, rows, marker, opacity) {
  const placeOf = placesOf(series);
  return {
    ...series.trace,
    ...HOVER,
    mode: "markers",
    showlegend: false,
    opacity,
    x: rows.map((row) => placeOf(columns[series.x][row])),
    y: rows.map((row) => columns[series.y][row]),
    customdata: rows.map((row) => [row]),
    text: rows.map(hoverText),
    marker,
  };
}

function singleRuns(series) {
  const behind = series.points.flatMap((point) => (point.rows.length > 1 ? point.rows : []));
  return runMarkers(
    series,
    [...behind, ...series.alone],
    { color: shade(series.look), symbol: series.look.symbol, size: 5 },
    0.45,
  );
}

/** The points with a gap between neighbours that are means over other targets, which no line joins. */
function withGaps(points) {
  const gap = { mean: null, rows: [], spread: null };
  return points.flatMap((point, at) => (at && point.members !== points[at - 1].members ? [gap, point] : [point]));
}

/** The number of runs beside each mean; along training at the first and where the number changes. */
function countTexts(points, x) {
  const shown = ({ rows }, at) => x !== STEP || !at || rows.length !== points[at - 1].rows.length;
  return points.map((point, at) => (point.rows.length && shown(point, at) ? String(point.rows.length) : ""));
}

function means(series, isCounted) {
  const { x, look } = series;
  const { measured, numeric } = data.x_axes[x];
  const points = withGaps(series.points);
  const color = shade(look);
  const isCurve = x === STEP;
  const placeOf = placesOf(series);
  return {
    ...series.trace,
    mode: [...(numeric && !measured ? ["lines"] : []), "markers", ...(isCounted ? ["text"] : [])].join("+"),
    showlegend: false,
    x: points.map((point) => (point.mean === null ? null : placeOf(point.value))),
    y: points.map((point) => point.mean),
    text: isCounted ? countTexts(points, x) : [],
    textposition: "top right",
    textfont: { color, size: 10 },
    hovertemplate: "%{hovertext}<extra></extra>",
    customdata: points.map((point) => point.rows),
    line: { color, dash: isCurve ? "solid" : look.dash, width: 1.3 },
    marker: { color, symbol: look.symbol, size: isCurve ? 6 : 9 },
    error_y: { type: "data", array: points.map((point) => point.spread ?? 0), color, thickness: 1.2, width: 0 },
    hovertext: points.map((point) => (point.rows.length ? meanText(series, point) : "")),
  };
}

function meanText({ x, y, name }, point) {
  const heading = `<b>${chartText(name || label(y))}</b><br>${label(x)}: ${chartText(format(point.value))}<br>`;
  if (point.rows.length === 1) return heading + hoverText(point.rows[0]);
  const value = estimateText(point.mean, point.sampling, point.localization, true);
  return `${heading}mean of ${point.rows.length} runs: ${value}<br>sd between them: ${format(point.spread)}`;
}

/** Thick bars of the sampling error of the means. */
function errorBars(series) {
  const placeOf = placesOf(series);
  const ends = series.points
    .filter((point) => point.sampling)
    .flatMap(({ value, mean: middle, sampling }) => [
      [placeOf(value), middle - sampling],
      [placeOf(value), middle + sampling],
      [null, null],
    ]);
  return {
    ...series.trace,
    mode: "lines",
    showlegend: false,
    hoverinfo: "skip",
    line: { color: shade(series.look), width: 5 },
    x: ends.map(([place]) => place),
    y: ends.map(([, value]) => value),
  };
}

/** Open markers; arrows at the edge stand for values off the axis. */
function doubtfulRuns(series) {
  const { rows, y, look, range } = series;
  const doubtful = rows.filter((row) => !counts(row, y));
  const symbolOf = (value) => {
    if (value > range.high) return "arrow-up-open";
    return value < range.low ? "arrow-down-open" : `${look.symbol}-open`;
  };
  const symbols = doubtful.map((row) => symbolOf(columns[y][row]));
  const trace = runMarkers(series, doubtful, { color: shade(look), symbol: symbols, size: 11, line: { width: 2 } }, 1);
  return { ...trace, y: trace.y.map((value) => Math.min(Math.max(value, range.low), range.high)) };
}

function knownAnswers(series) {
  const placeOf = placesOf(series);
  const known = series.points.filter((point) => columns.true_llc[point.rows[0]] !== null);
  if (!known.length) return [];
  const style = { symbol: "line-ew-open", size: 14, color: theme().ink, line: { width: 2 } };
  const trace = {
    ...series.trace,
    mode: "markers",
    name: "known answer",
    legendgroup: "known",
    legendrank: 2000,
    x: known.map((point) => placeOf(point.value)),
    y: known.map((point) => mean(point.rows.map((row) => columns.true_llc[row]))),
    marker: style,
    hovertemplate: "known answer %{y:.5g} nats<extra></extra>",
  };
  return [trace];
}

/** Stages of the curves of a panel: bands behind a single curve, boundaries in the curve's colour behind several. */
export function stageShapes(panel, color, axisId) {
  const rowOfCurve = new Map(panel.rows.map((row) => [columns.series_id[row], row]));
  const stages = data.stages.filter((stage) => rowOfCurve.has(stage.series_id));
  const isAlone = new Set(stages.map((stage) => stage.series_id)).size === 1;
  const across = { xref: `x${axisId}`, yref: `y${axisId} domain`, y0: 0, y1: 1, layer: "below" };
  const band = (x0, x1, fillcolor, opacity) => ({
    type: "rect",
    x0,
    x1,
    fillcolor,
    opacity,
    line: { width: 0 },
    ...across,
  });
  const shades = data.stage_shades[themeName()];
  return stages.flatMap((stage) => {
    const fill = isAlone && shades[stage.direction];
    const shapes = fill ? [band(stage.start, stage.end, fill, 0.8)] : [];
    if (stage.is_last) return shapes;
    if (stage.low !== null && isAlone) shapes.push(band(stage.low, stage.high, "#777777", 0.22));
    const row = rowOfCurve.get(stage.series_id);
    const ink = isAlone || !color ? theme().ink : shade(lookOf(color, columns[color][row]));
    return [
      ...shapes,
      { type: "line", x0: stage.end, x1: stage.end, line: { color: ink, dash: "dot", width: 1.3 }, ...across },
    ];
  });
}
