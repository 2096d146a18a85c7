// The data of the page, and questions about its runs. A run is a row: its place in every column.

export const data = JSON.parse(document.getElementById("data").textContent);
export const { columns, axes, numbers } = data.runs;
export const allRows = columns.run_id.map((_, row) => row);
export const STEP = "step";

const rowsById = new Map(columns.run_id.map((id, row) => [id, row]));
const numeric = new Set(data.runs.numeric);
const ofTarget = new Set(data.runs.of_target);
const verdicts = new Map(data.verdicts.map((verdict) => [verdict.name, verdict]));
const NO_VERDICT = { name: "", text: "no verdict", meaning: "", standing: "doubt" };

export const rowOf = (id) => rowsById.get(id);
export const isNumeric = (name) => numeric.has(name);
export const label = (name) => data.runs.labels[name] ?? name.replaceAll("_", " ");

export const verdictOf = (row) => verdicts.get(columns.outcome[row]) ?? NO_VERDICT;
export const isTrusted = (row) => verdictOf(row).standing === "ok";
export const isFailed = (row) => verdictOf(row).standing === "failed";
export const isDoubtful = (row) => !isTrusted(row) && !isFailed(row);

/** Whether a run's number enters means: always where it is of w* itself, else if the estimate is trusted. */
export const counts = (row, y) => isTrusted(row) || (ofTarget.has(y) && !isFailed(row));

/** The distinct values of a column, in the column's order; null last. */
export function distinct(rows, name) {
  const values = [...new Set(rows.map((row) => columns[name][row]))];
  const order = data.runs.orders[name];
  if (order) return values.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return values.sort((a, b) => (a === null) - (b === null) || (a > b) - (a < b));
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
