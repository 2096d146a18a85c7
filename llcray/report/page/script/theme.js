// The style of charts: ink by theme, the looks and axes that the data give, and Plotly's settings.

import { axes, columns, data, label, verdictOf } from "./data.js";
import { chartText, estimate, format, formatCell } from "./format.js";

const THEMES = {
  light: { ink: "#1a1a1a", paper: "#fff", grid: "#e3e3e3", line: "#999", buttons: "#a0a6ae", soft: "#8b939b" },
  dark: { ink: "#ececec", paper: "#15171a", grid: "#3a3f46", line: "#777", buttons: "#8a9099", soft: "#9aa1a9" },
};
const PRINT_WIDTH = 690;
const HIDDEN_BUTTONS = ["lasso2d", "select2d", "zoomIn2d", "zoomOut2d", "autoScale2d"];

export const darkTheme = matchMedia("(prefers-color-scheme: dark)");
export const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: HIDDEN_BUTTONS };
export const configWithoutButtons = { responsive: true, displayModeBar: false };

let printing = false;
/** Say whether the page is being printed: in ink on white, at the width of paper. */
export function setPrinting(value) {
  printing = value;
}
export const isPrinting = () => printing;

export const themeName = () => (darkTheme.matches && !printing ? "dark" : "light");
export const theme = () => THEMES[themeName()];
/** The colour of a look in the present theme. */
export const shade = (look) => (themeName() === "dark" ? look.dark : look.color);

export const chartLayout = (extra) => ({
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  font: { color: theme().ink, size: 12, family: "system-ui, sans-serif" },
  margin: { l: 62, r: 14, t: 36, b: 50 },
  hovermode: "closest",
  hoverlabel: { align: "left" },
  legend: { orientation: "h", y: 1.04, yanchor: "bottom", x: 0, traceorder: "normal" },
  modebar: { bgcolor: "rgba(0,0,0,0)", color: theme().buttons, activecolor: theme().ink },
  ...(printing ? { width: PRINT_WIDTH } : {}),
  ...extra,
});

export const axisStyle = (title, extra) => ({
  gridcolor: theme().grid,
  zeroline: false,
  linecolor: theme().line,
  showline: true,
  automargin: true,
  ...(title ? { title: { text: title, standoff: 5 } } : {}),
  ...extra,
});

const tickStyle = ({ ticks, texts }) => (ticks ? { tickvals: ticks, ticktext: texts.map(chartText) } : {});
/** The x axis of a column, as the data give it. */
export function xAxisStyle(name) {
  const { type, range } = data.x_axes[name];
  return { type, ...(range ? { range } : {}), ...tickStyle(data.x_axes[name]) };
}
/** The y axis of a number, as the data give it; Plotly fits it to what is drawn. */
export const yAxisStyle = (range) => ({ type: range.logarithmic ? "log" : "linear", ...tickStyle(range) });
/** Makes a y axis hold the limits of its range, where all runs are drawn. */
export const holdingLimits = (range) => ({ autorangeoptions: { include: range.limits } });

/** A function from values of a column to places on its x axis, aside by a share of the room at each value. */
export function placing(name) {
  const { type, room, values, places } = data.x_axes[name];
  const placeOf = values && new Map(values.map((value, at) => [value, places[at]]));
  return (value, share) => {
    const place = placeOf ? placeOf.get(value) : value;
    return type === "log" ? place * 10 ** (room * share) : place + room * share;
  };
}

/** The look of each value of the colour column; the single look where nothing is coloured. */
export function lookOf(color, value) {
  const looks = data.looks[color];
  return looks ? looks.looks[looks.values.indexOf(value)] : data.single_look;
}

export function hoverText(row) {
  const names = columns.label && !axes.includes("label") ? [...axes, "label"] : axes;
  const lines = names
    .filter((name) => columns[name][row] !== null)
    .map((name) => `${label(name)}: ${chartText(format(columns[name][row]))}`);
  const verdict = verdictOf(row);
  return [
    `<b>run ${chartText(columns.run_id[row])}</b>`,
    ...lines,
    `LLC ${estimate(row, true)} nats`,
    `R-hat ${formatCell(row, "rhat")}, ESS ${formatCell(row, "ess_bulk")}`,
    verdict.standing === "ok" ? verdict.text : `${verdict.text} (in no mean)`,
  ].join("<br>");
}

/** Call back with each point that a reader clicks; once for each chart, however often it is drawn. */
export function listenOnce(chart, onPoint) {
  if (chart.dataset.clickable) return;
  chart.dataset.clickable = "yes";
  chart.on("plotly_click", (event) => onPoint(event.points[0]));
}
