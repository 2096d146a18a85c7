// The filter of the table of runs: words, and conditions such as seed=1, rate>=0.2 or sampler!=hmc.

import { allRows, columns, data, isNumeric, label } from "./data.js";
import { format } from "./format.js";

const TERMS = /(?:[^\s"]|"[^"]*")+/g;
const CONDITION = /^([\w-]+)(!=|<=|>=|=|<|>|:)(.*)$/;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/;
const OTHER_NAMES = { verdict: "outcome", run: "run_id", target: "target_id", noise: "noise_kind", data: "data_kind" };
const COMPARE = {
  "=": (a, b) => a === b,
  ":": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const searched = [...data.runs.leading, "run_id", "outcome", "reason"];

/** The column that a word names: by its name, by the end of it (rate for noise_rate), or by its label; or none. */
function columnOf(word) {
  const known = [...searched, ...Object.keys(columns)];
  if (known.includes(word)) return word;
  const other = known.includes(OTHER_NAMES[word]) ? OTHER_NAMES[word] : null;
  return other ?? known.find((name) => name.endsWith(`_${word}`) || label(name).toLowerCase() === word) ?? null;
}

function holds(name, sign, value) {
  const compare = COMPARE[sign];
  const isOfNumbers = isNumeric(name) && NUMBER.test(value);
  const wanted = isOfNumbers ? Number(value) : value;
  return (row) => {
    const found = columns[name][row];
    if (found === null) return sign === "!=";
    return compare(isOfNumbers ? found : format(found).toLowerCase(), wanted);
  };
}

let texts = null; // made when somebody first searches
function textOf(row) {
  texts ??= allRows.map((each) =>
    searched
      .map((name) => `${format(columns[name][each])} ${label(name)} ${name}`)
      .join(" ")
      .toLowerCase(),
  );
  return texts[row];
}

/** A word is found anywhere in a run's texts; a number is a whole value, or begins the run's id. */
function has(word) {
  if (!NUMBER.test(word)) return (row) => textOf(row).includes(word);
  const isValue = (value) => value === Number(word) || (value !== null && format(value).toLowerCase() === word);
  return (row) => columns.run_id[row].startsWith(word) || data.runs.leading.some((name) => isValue(columns[name][row]));
}

/** The conditions that a text states, all of which a run must fulfil, and the fields in it that no run has. */
export function parseFilter(text) {
  const terms = (text.toLowerCase().match(TERMS) ?? []).map((term) => term.replaceAll('"', ""));
  const tests = [];
  const unknown = [];
  for (let at = 0; at < terms.length; at += 1) {
    const [, field, sign, value] = CONDITION.exec(terms[at]) ?? [];
    const name = columnOf(field ?? terms[at]);
    const next = terms[at + 1];
    if (field && name) {
      tests.push(holds(name, sign, value));
    } else if (field) {
      unknown.push(field);
      tests.push(() => false);
    } else if (name && isNumeric(name) && next && NUMBER.test(next)) {
      tests.push(holds(name, "=", next)); // `seed 1` is seed=1
      at += 1;
    } else {
      tests.push(has(terms[at]));
    }
  }
  return { keeps: (row) => tests.every((test) => test(row)), unknown };
}

/** An example of a filter, of the first columns that tell runs apart. */
export function exampleFilter() {
  const varied = data.runs.leading.filter((name) => columns[name].some((value) => value !== null)).slice(0, 2);
  const firstOf = (name) => format(columns[name].find((value) => value !== null));
  const quoted = (value) => (/\s/.test(value) ? `"${value}"` : value);
  return varied.map((name) => `${name}=${quoted(firstOf(name))}`).join(" ");
}
