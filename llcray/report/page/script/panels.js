// The panels of the explorer and the means in them.

import { allRows, columns, data, distinct, isFailed, label, mean } from "./data.js";
import { errorOf, format, localizationOf } from "./format.js";
import { matchesOf } from "./matches.js";

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
 * The panels of a choice, each with the lines of its title, x column and rows: one for each combination of the facets'
 * values; or, without an x column, one for each axis of the target, where the others have their usual value.
 */
export function panelsOf(choice) {
  const { x, y, color, facets, usual } = choice;
  const { max_panels, target_axes } = data.choices;
  const isDrawn = (row) => !isFailed(row) && columns[y][row] !== null;
  const withMatches = (panel) => {
    const matches = matchesOf(panel.rows, panel.x, color, y);
    return { ...panel, rows: panel.rows.filter(isDrawn), matches };
  };
  if (!x) {
    const panels = target_axes.map((axis) => ({ lines: [], x: axis, rows: allRows.filter(isUsualBut([axis])) }));
    return panels.slice(0, max_panels).map(withMatches);
  }
  const placed = data.x_axes[x].numeric ? allRows.filter((row) => columns[x][row] !== null) : allRows;
  const rows = usual ? placed.filter(isUsualBut([x, color, ...facets])) : placed;
  let panels = [{ lines: [], x, rows }];
  for (const name of facets) panels = panels.flatMap((panel) => splitPanel(panel, name, distinct(rows, name)));
  return panels
    .filter((panel) => panel.rows.some(isDrawn))
    .slice(0, max_panels)
    .map(withMatches);
}

function splitPanel(panel, name, values) {
  return values.map((value) => ({
    lines: [...panel.lines, `${label(name)}: ${format(value)}`],
    x: panel.x,
    rows: panel.rows.filter((row) => columns[name][row] === value),
  }));
}

/**
 * The matched runs averaged at each value of x: mean, standard deviation between the runs, their targets (`members`), and
 * for the LLC the sampling error of the mean, sqrt(sum of squared errors) / runs, and the mean of what localization could
 * move. The same as `aggregate` of llcray/report.
 */
export function pointsOf(rows, x, y, { matched, memberOf }) {
  const kept = rows.filter((row) => matched.has(row));
  const groups = new Map(distinct(kept, x).map((value) => [value, []]));
  for (const row of kept) groups.get(columns[x][row]).push(row);
  const membersOf = (group) => [...new Set(group.map(memberOf))].sort().join("\n");
  return [...groups].map(([value, group]) => ({
    value,
    rows: group,
    members: membersOf(group),
    ...summaryOf(group, y),
  }));
}

function summaryOf(rows, y) {
  const values = rows.map((row) => columns[y][row]);
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const spread = rows.length > 1 ? Math.sqrt(squares / (rows.length - 1)) : null;
  const errors = y === "llc" ? rows.map(errorOf) : [null];
  const variance = errors.reduce((sum, error) => sum + (error ?? 0) ** 2, 0);
  const sampling = errors.includes(null) ? null : Math.sqrt(variance) / rows.length;
  const known = y === "llc" ? rows.map(localizationOf).filter((value) => value !== null) : [];
  return { mean: middle, spread, sampling, localization: known.length ? mean(known) : null };
}
