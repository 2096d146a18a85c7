// Values as people read them.

import { columns, verdictOf } from "./data.js";

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export function format(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-3) return value.toExponential(2);
  if (size >= 1e5) return Math.round(value).toLocaleString("en");
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 7 });
}

/** A text of the user's for a chart, where Plotly would take `<b>` for a tag. */
export const chartText = (text) => String(text).replaceAll("<", "&lt;");

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A value and its error, both to the error's second digit. */
export function plusMinus(value, error) {
  if (value === null || value === undefined) return "–";
  if (!(error > 0)) return format(value);
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(error))));
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
}

/** The Monte Carlo error of a run's LLC; null where there is none. */
export const errorOf = (row) => columns.llc_mcse?.[row] ?? null;
export const estimate = (row) => plusMinus(columns.llc[row], errorOf(row));

/** A run's value of a column. */
export function formatCell(row, name) {
  const value = columns[name]?.[row] ?? null;
  if (name === "llc") return estimate(row);
  if (name === "outcome") return verdictOf(row).text;
  if (value === null) return "–";
  if (name === "rhat") return value.toFixed(3);
  if (name.endsWith("_seconds") && name !== "wnv_seconds") return duration(value);
  return /^ess_(bulk|tail)$|^num_gradients$/.test(name) ? Math.round(value).toLocaleString("en") : format(value);
}
