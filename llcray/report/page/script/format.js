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

/** A text with no more characters than there is room for. */
export const shortened = (text, room) => (text.length > room ? `${text.slice(0, Math.max(1, room - 1))}…` : text);

/** A text of the user's for a chart, where Plotly would take `<b>` for a tag. */
export const chartText = (text) => String(text).replaceAll("<", "&lt;");

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** The decimals that show an error to its second digit; 9.98 is 10 to its second digit. */
const digitsOf = (error) => Math.max(0, 1 - Math.floor(Math.log10(Number(error.toExponential(1)))));
const isKnown = (number) => number !== null && number !== undefined;

/** A value and its error, both to the error's second digit. */
export function plusMinus(value, error) {
  if (!isKnown(value)) return "–";
  if (!(error > 0)) return format(value);
  return `${value.toFixed(digitsOf(error))} ± ${errorText(error)}`;
}

function errorText(error) {
  if (!isKnown(error)) return "?";
  return error ? error.toFixed(digitsOf(error)) : "0";
}

/**
 * An estimate in its two parts, `33.84 ± 0.32 ± 15`, or with labels `33.84 ± 0.32 (sampling) ± 15 (localization)`. The
 * same as in llcray_storage/estimate_words.py, for means that a reader chooses.
 */
export function estimateText(llc, sampling, localization, isLabelled) {
  if (!isKnown(llc)) return "–";
  if (!isKnown(sampling) && !isKnown(localization)) return format(llc);
  const label = (text) => (isLabelled ? ` (${text})` : "");
  const value = sampling ? plusMinus(llc, sampling) : `${format(llc)} ± ${errorText(sampling)}`;
  const second = isKnown(localization) ? ` ± ${errorText(localization)}${label("localization")}` : "";
  return `${value}${label("sampling")}${second}`;
}

/** The sampling error of a run's LLC; null where there is none. */
export const errorOf = (row) => columns.llc_sampling_se?.[row] ?? null;
/** How far a smaller localization could move a run's LLC; null where that is not known. */
export const localizationOf = (row) => columns.localization_se?.[row] ?? null;
export const estimate = (row, isLabelled = false) =>
  estimateText(columns.llc[row], errorOf(row), localizationOf(row), isLabelled);

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
