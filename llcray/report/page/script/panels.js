// The panels of the explorer and the means in them.

import { allRows, columns, counts, data, distinct, isFailed, label, mean } from "./data.js";
import { format } from "./format.js";

/** Whether a run differs from the usual target along the given axes only; if it does, other axes may be null. */
function isUsualBut(names) {
  const { usual } = data.choices;
  const others = Object.keys(usual).filter((name) => !names.includes(name));
  const isChanged = (row, name) => name in usual && columns[name][row] !== null && columns[name][row] !== usual[name];
  return (row) => {
    const mayBeNull = names.some((name) => isChanged(row, name));
    return others.every((name) => columns[name][row] === usual[name] || (columns[name][row] === null && mayBeNull));
  };
}

/**
 * The panels of a choice, each with its title, x column and rows: one for each combination of the facets' values; or,
 * without an x column, one for each axis of the target, where the others have their usual value.
 */
export function panelsOf(choice) {
  const { x, y, color, facets, usual } = choice;
  const { max_panels, target_axes } = data.choices;
  const drawn = allRows.filter((row) => !isFailed(row) && columns[y][row] !== null);
  if (!x) {
    const panels = target_axes.map((axis) => ({ title: "", x: axis, rows: drawn.filter(isUsualBut([axis])) }));
    return panels.slice(0, max_panels);
  }
  const placed = data.x_axes[x].numeric ? drawn.filter((row) => columns[x][row] !== null) : drawn;
  const rows = usual ? placed.filter(isUsualBut([x, color, ...facets])) : placed;
  let panels = [{ title: "", x, rows }];
  for (const name of facets) panels = panels.flatMap((panel) => splitPanel(panel, name, distinct(rows, name)));
  return panels.filter((panel) => panel.rows.length).slice(0, max_panels);
}

function splitPanel(panel, name, values) {
  return values.map((value) => ({
    title: [panel.title, `${label(name)}: ${format(value)}`].filter(Boolean).join(", "),
    x: panel.x,
    rows: panel.rows.filter((row) => columns[name][row] === value),
  }));
}

/**
 * The runs that count, averaged at each value of x: mean, standard deviation between the runs, and for the LLC the
 * Monte Carlo error of the mean, sqrt(sum of squared errors) / runs. The same as `aggregate` of llcray/report.
 */
export function pointsOf(rows, x, y) {
  const trusted = rows.filter((row) => counts(row, y));
  const groups = new Map(distinct(trusted, x).map((value) => [value, []]));
  for (const row of trusted) groups.get(columns[x][row]).push(row);
  return [...groups].map(([value, group]) => ({ value, rows: group, ...summaryOf(group, y) }));
}

function summaryOf(rows, y) {
  const values = rows.map((row) => columns[y][row]);
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const spread = rows.length > 1 ? Math.sqrt(squares / (rows.length - 1)) : null;
  const hasErrors = y === "llc" && columns.llc_mcse;
  const variance = hasErrors ? rows.reduce((sum, row) => sum + columns.llc_mcse[row] ** 2, 0) : 0;
  return { mean: middle, spread, mcse: hasErrors ? Math.sqrt(variance) / rows.length : null };
}
