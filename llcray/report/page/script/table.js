// The table of runs: sorted by a click on a heading, filtered by words and verdict, linked to diagnostics.

import { allRows, columns, data, isDoubtful, isNumeric, label, verdictOf } from "./data.js";
import { openDetail } from "./detail.js";
import { byId, element } from "./elements.js";
import { exampleFilter, parseFilter } from "./filter.js";
import { formatCell, plural } from "./format.js";

const PAGE_SIZE = 50;
const MORE = 1000;
const PRINTED = 500;
const state = { sort: "", isDescending: false, numShown: PAGE_SIZE, only: null, unknown: [], rows: allRows };
const phone = matchMedia("(max-width: 600px)");
// Where a row is wider than the screen, the answer stands first and the id last.
const ANSWER = ["llc", "outcome"];
const answerFirst = [...ANSWER, ...data.runs.table.filter((name) => ![...ANSWER, "run_id"].includes(name)), "run_id"];
const headers = () => (phone.matches ? answerFirst : data.runs.table);
const isRight = (name) => isNumeric(name) || name === "llc";

export function applyFilter() {
  const { keeps, unknown } = parseFilter(byId("search").value);
  const verdict = byId("verdict").value;
  const hasVerdict = (row) => !verdict || (verdict === "doubtful" ? isDoubtful(row) : columns.outcome[row] === verdict);
  state.rows = (state.only ?? allRows).filter((row) => hasVerdict(row) && keeps(row));
  state.unknown = unknown;
  if (state.sort) state.rows = sorted(state.rows);
  state.numShown = PAGE_SIZE;
  drawRows();
}

function sorted(rows) {
  const order = state.sort === "outcome" ? data.verdicts.map(({ name }) => name) : data.runs.orders[state.sort];
  const rankOf = (value) => (order && value !== null ? order.indexOf(value) : value);
  const values = columns[state.sort].map(rankOf);
  const sign = state.isDescending ? -1 : 1;
  const compare = (a, b) => (a === null) - (b === null) || sign * ((a > b) - (a < b));
  return [...rows].sort((a, b) => compare(values[a], values[b]));
}

function classOf(row, name) {
  if (name === "outcome") return `verdict-${verdictOf(row).standing}`;
  if (name === "run_id") return "id";
  return isRight(name) ? "number" : "";
}

function lineOf(row) {
  const title = columns.verdict_reason[row] || columns.reason[row] || "open the diagnostics";
  const cells = headers().map((name) => element("td", { className: classOf(row, name) }, formatCell(row, name)));
  const line = element("tr", { className: "run", tabIndex: 0, title }, ...cells);
  line.onclick = () => openDetail(row);
  line.onkeydown = (event) => {
    if (event.key === "Enter") openDetail(row);
  };
  return line;
}

function drawRows() {
  const { rows, numShown, only } = state;
  byId("runs").tBodies[0].replaceChildren(...rows.slice(0, numShown).map(lineOf));
  const hidden = rows.length > numShown ? `, the first ${numShown} shown` : "";
  const known = data.runs.leading.join(", ");
  const strange = state.unknown.length ? `; no column is called ${state.unknown.join(", ")}; there are ${known}` : "";
  const counted = `${rows.length.toLocaleString("en")} of ${plural(allRows.length, "run")}`;
  byId("count").textContent = `${counted}${hidden}${strange}`;
  byId("more").hidden = rows.length <= numShown;
  byId("clear").hidden = !only;
  document.body.dataset.visible = rows.length;
}

function drawHead() {
  const heads = headers().map((name) => {
    const direction = state.isDescending ? "descending" : "ascending";
    const mark = state.isDescending ? " ↓" : " ↑";
    const isSorted = state.sort === name;
    const text = (data.runs.headings[name] ?? label(name)) + (isSorted ? mark : "");
    const button = element("button", { type: "button", title: data.runs.meanings[name] ?? "" }, text);
    button.onclick = () => sortBy(name);
    const head = element("th", { scope: "col", className: isRight(name) ? "number" : "" }, button);
    head.setAttribute("aria-sort", isSorted ? direction : "none");
    return head;
  });
  byId("runs").tHead.replaceChildren(element("tr", {}, ...heads));
}

function sortBy(name) {
  state.isDescending = state.sort === name && !state.isDescending;
  state.sort = name;
  drawAll();
}

function drawAll() {
  drawHead();
  applyFilter();
}

/** Show these runs alone; open a single one. */
export function showOnly(rows) {
  if (!rows.length) return;
  state.only = [...rows];
  applyFilter();
  byId("runs-title").scrollIntoView({ behavior: "smooth" });
  if (rows.length === 1) openDetail(rows[0]);
}

/** Show the runs with a verdict, of all runs. */
export function showVerdict(verdict) {
  byId("verdict").value = verdict;
  state.only = null;
  applyFilter();
  byId("runs-title").scrollIntoView();
}

/** Show as many runs as are printed. */
export function showPrinted() {
  state.numShown = Math.max(state.numShown, PRINTED);
  drawRows();
}

export function startTable() {
  const present = data.verdicts.filter(({ name }) => columns.outcome.includes(name));
  const any = { name: "", text: "any", meaning: "" };
  const doubtful = { name: "doubtful", text: "doubtful", meaning: "every verdict that keeps an estimate out of means" };
  const options = [any, doubtful, ...present];
  const optionOf = ({ name, text, meaning }) => element("option", { value: name, title: meaning }, text);
  byId("verdict").replaceChildren(...options.map(optionOf));
  byId("search").placeholder = exampleFilter();
  const hash = new URLSearchParams(location.hash.slice(1));
  byId("search").value = hash.get("search") ?? "";
  byId("verdict").value = hash.get("verdict") ?? "";
  const onFilter = () => {
    const filter = new URLSearchParams({ search: byId("search").value, verdict: byId("verdict").value });
    history.replaceState(null, "", `#${filter}`);
    applyFilter();
  };
  byId("search").oninput = onFilter;
  byId("verdict").onchange = onFilter;
  byId("clear").onclick = () => {
    state.only = null;
    applyFilter();
  };
  byId("more").onclick = () => {
    state.numShown += MORE;
    drawRows();
  };
  phone.addEventListener("change", drawAll);
  drawAll();
}
