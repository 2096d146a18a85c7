// ---------- how charts look: Okabe and Ito's colours, one look a sampler, ink by theme ----------
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#AA4499", "#56B4E9", "#777777", "#332288"];
const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "pentagon"];
const DASHES = ["solid", "dash", "dashdot", "dot"];
const CHAINS = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#AA4499", "#56B4E9", "#1A1A1A", "#777777"];
/* Trusted runs are pale, so that doubt stands out; from pale to dark, in greyscale too; none is a sampler's. */
const VERDICT_COLORS = ["#C9D3DC", "#F5E07A", "#D9A84E", "#B3661F", "#7A3B12", "#3B1C08"];
const VERDICT_PATTERNS = ["", "/", ".", "x", "\\", ""];
const LOG_RATIO = 10;
const darkTheme = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
const isDark = () => darkTheme.matches && !printing;
const ink = () => (isDark() ? "#ececec" : "#1a1a1a");
const visible = (color) => (color === "#1A1A1A" ? ink() : color);
const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "zoomIn2d", "zoomOut2d", "autoScale2d"] };
const still = { responsive: true, displayModeBar: false };
const PRINT_WIDTH = 690;

const base = (extra) => ({
  paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink(), size: 12, family: "system-ui, sans-serif" },
  margin: { l: 62, r: 14, t: 36, b: 50 }, hovermode: "closest", hoverlabel: { align: "left" },
  legend: { orientation: "h", y: 1.04, yanchor: "bottom", x: 0, traceorder: "normal" },
  modebar: { bgcolor: "rgba(0,0,0,0)", color: isDark() ? "#8a9099" : "#a0a6ae", activecolor: ink() },
  ...(printing ? { width: PRINT_WIDTH } : {}), ...extra,
});
const axisStyle = (extra) => ({ gridcolor: isDark() ? "#3a3f46" : "#e3e3e3", zeroline: false, linecolor: isDark() ? "#777" : "#999",
  showline: true, automargin: true, ...extra });

function seriesLook(name, value, index) {
  if (name === "sampler" && data.looks[value]) return data.looks[value];
  return { color: PALETTE[index % PALETTE.length], symbol: SYMBOLS[index % SYMBOLS.length], dash: DASHES[index % DASHES.length] };
}
function plainTicks(low, high) {
  const tickvals = [];
  for (let decade = Math.floor(Math.log10(low)) - 1; decade <= Math.log10(high) + 1; decade++)
    for (const digit of high / low < 1e3 ? [1, 2, 5] : [1]) tickvals.push(Number((digit * 10 ** decade).toPrecision(1)));
  return { tickvals, ticktext: tickvals.map(tick) };
}

/** Where the values of a column go: numbers by value, steps of training by log(step + 1), everything else side by side. */
function scaleOf(rows, name) {
  const places = distinct(rows, name);
  const isNumber = numeric.has(name) && !places.includes(null) && places.length > 1;
  const [first, last] = [places[0], places[places.length - 1]];
  const isStep = name === STEP && isNumber && last / Math.max(1, first) >= LOG_RATIO;
  const isLog = !isStep && isNumber && first > 0 && last / first >= LOG_RATIO;
  const at = (value) => (isStep ? Math.log10(value + 1) : isNumber ? value : places.indexOf(value));
  const aside = (value, share) => {
    if (isLog) return value * (last / first) ** (0.06 * share);
    return at(value) + (isNumber ? 0.06 * share * (at(last) - at(first)) : 0.7 * share);
  };
  const few = places.length <= 8;
  const style = () => {
    if (isStep) {
      const ticks = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].filter((value) => value <= last * 1.1);
      return { type: "linear", tickvals: ticks.map(at), ticktext: ticks.map(tick) };
    }
    if (!isNumber) return { type: "linear", tickvals: places.map((_, i) => i), ticktext: places.map(format), range: [-0.6, places.length - 0.4] };
    if (isLog) return { type: "log", ...(few ? { tickvals: places, ticktext: places.map(tick) } : plainTicks(first, last)) };
    return { type: "linear", ...(few ? { tickvals: places, ticktext: places.map(tick) } : {}) };
  };
  return { name, places, isNumber, at, aside, style };
}

const hoverOf = (row) => `<b>run ${columns.run_id[row]}</b><br>` +
  [...axes, ...(columns.label && !axes.includes("label") ? ["label"] : [])].filter((name) => columns[name][row] !== null)
    .map((name) => `${label(name)}: ${format(columns[name][row])}`).join("<br>") +
  `<br>LLC ${estimate(row)} nats<br>R-hat ${columns.rhat ? shown(row, "rhat") : "–"}, ESS ${columns.ess_bulk ? shown(row, "ess_bulk") : "–"}<br>` +
  `${columns.trust[row].replace("_", " ")}${isTrusted(row) ? "" : " (in no mean)"}`;
