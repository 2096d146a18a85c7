// ---------- the data, and values as people read them ----------
const data = JSON.parse(document.getElementById("data").textContent);
const { columns, axes, numbers, labels, specs } = data.runs;
const numeric = new Set(data.runs.numeric);
const all = columns.run_id.map((_, row) => row);
const rowOf = new Map(columns.run_id.map((id, row) => [id, row]));
const byId = (id) => document.getElementById(id);
const VERDICTS = ["ok", "not_converged", "biased_step", "escaped", "diverged", "failed"];
const STEP = "step";

const label = (name) => labels[name] || name.replaceAll("_", " ");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const isTrusted = (row) => columns.trust[row] === "ok";
const ofTarget = new Set(data.runs.of_target);
/** Whether a run's number counts: always where it is of w* itself, else if the estimate is trusted. */
const counts = (row, y) => isTrusted(row) || (ofTarget.has(y) && !isFailed(row));
const isFailed = (row) => columns.trust[row] === "failed";

function format(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size >= 1e5) return size < 1e9 ? Math.round(value).toLocaleString("en") : value.toExponential(2);
  return size < 1e-3 ? value.toExponential(2) : Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 7 });
}
const tick = (value) => (typeof value === "number" && value >= 1000 && value % 100 === 0
  ? (value >= 1e6 ? `${value / 1e6}M` : `${value / 1e3}k`) : format(value));
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${seconds < 10 ? Number(seconds.toPrecision(2)) : Math.round(seconds)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
/** A value and its error, both to the error's second digit. */
function plusMinus(value, error) {
  if (value === null || value === undefined) return "–";
  if (!(error > 0)) return format(value);
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(error))));
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
}
const estimate = (row) => plusMinus(columns.llc[row], columns.llc_mcse ? columns.llc_mcse[row] : null);
function shown(row, name) {
  const value = columns[name][row];
  if (name === "llc") return estimate(row);
  if (value === null) return "–";
  if (name === "rhat") return value.toFixed(3);
  if (name === "trust") return value.replace("_", " ");
  if (/_seconds$/.test(name) && name !== "wnv_seconds") return duration(value);
  return /^ess_(bulk|tail)$|^num_gradients$/.test(name) ? Math.round(value).toLocaleString("en") : format(value);
}
/** The distinct values of a column in the order that suits them; null last. */
function distinct(rows, name) {
  const values = [...new Set(rows.map((row) => columns[name][row]))];
  const order = name === "sampler" ? Object.keys(data.looks) : data.runs.orders[name];
  if (order) return values.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return values.sort((a, b) => (a === null) - (b === null) || (a > b) - (a < b));
}
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
function spread(values) {
  const middle = mean(values);
  return values.length > 1 ? Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1)) : 0;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
const verdictClass = (name) => (name === "ok" ? "verdict-ok" : name === "failed" ? "verdict-failed" : "verdict-doubt");
const figure = (text) => element("span", { className: "number" }, text);
const isFigure = (cell) => typeof cell === "number" || (cell instanceof Node && cell.className === "number");
/** A plain table; numbers, and texts made by `figure`, to the right. */
function fill(place, headers, rows) {
  const head = element("tr", {}, ...headers.map((text, at) => element("th", { scope: "col",
    className: rows.length && isFigure(rows[0][at]) ? "number" : "" }, text)));
  const body = rows.map((row) => element("tr", {}, ...row.map((cell) =>
    element("td", { className: isFigure(cell) ? "number" : "" }, cell instanceof Node ? cell : format(cell)))));
  byId(place).replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}
const runButton = (id) => element("button", { type: "button", className: "run-link", onclick: () => openDetail(rowOf.get(id)) }, id);
