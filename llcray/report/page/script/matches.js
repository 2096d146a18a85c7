// Which runs enter means, so that what a plot compares is averaged over the same targets. The same as `with_matches` of
// llcray/report/aggregate.py.

import { axes, columns, counts, isNumeric } from "./data.js";

const SAMPLERS = ["sampler", "sampler_kind"];

/** What the points of a panel compare: samplers where they are told apart, else colours, else names along x. */
function comparisonOf(x, color) {
  if (!color || color === x) return isNumeric(x) ? { along: [x], compare: [] } : { along: [], compare: [x] };
  return SAMPLERS.includes(x) ? { along: [color], compare: [x] } : { along: [x], compare: [color] };
}

const keyOf = (names) => (row) => JSON.stringify(names.map((name) => columns[name][row]));

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const name = key(row);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return groups;
}

/** The axes that tell the runs behind some point apart; where samplers are compared, none of theirs. */
function matchColumns(rows, x, color) {
  const by = color ? [x, color] : [x];
  const ofSamplers = (name) => by.some((other) => SAMPLERS.includes(other)) && name.startsWith("sampler");
  const candidates = axes.filter((name) => !by.includes(name) && !ofSamplers(name));
  const cells = [...grouped(rows, keyOf(by)).values()];
  const isVaried = (name) => cells.some((cell) => new Set(cell.map((row) => columns[name][row])).size > 1);
  return candidates.filter(isVaried);
}

/**
 * The matches of a panel: the rows that are `matched`, those trusted `alone` that are not, whether some compared groups
 * share no target (`isUnlike`), the number of comparisons without any match, and `memberOf`, the place of a row's target
 * within its point.
 */
export function matchesOf(rows, x, color, y) {
  const { along, compare } = comparisonOf(x, color);
  const memberOf = keyOf(matchColumns(rows, x, color));
  const groupOf = keyOf(compare);
  const isTrusted = (row) => columns[y][row] !== null && counts(row, y);
  const matched = new Set();
  const alone = [];
  let isUnlike = false;
  let numEmpty = 0;
  for (const cell of grouped(rows, keyOf(along)).values()) {
    const trusted = cell.filter(isTrusted);
    const compared = new Set(trusted.map(groupOf));
    const groupsOf = (kept) => {
      const found = grouped(
        kept.filter((row) => compared.has(groupOf(row))),
        memberOf,
      );
      return new Map([...found].map(([member, own]) => [member, new Set(own.map(groupOf)).size]));
    };
    const isComparable = trusted.length > 0 && [...groupsOf(cell).values()].includes(compared.size);
    const trusting = groupsOf(trusted);
    for (const row of trusted) {
      if (!isComparable || trusting.get(memberOf(row)) === compared.size) matched.add(row);
      else alone.push(row);
    }
    isUnlike ||= trusted.length > 0 && !isComparable;
    numEmpty += trusted.length > 0 && !trusted.some((row) => matched.has(row)) ? 1 : 0;
  }
  return { matched, alone, isUnlike, numEmpty, memberOf };
}
