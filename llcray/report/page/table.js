// ---------- the table of runs: sorted by a click on a heading, filtered by words and verdict, linked to diagnostics ----------
const MANY = 50;
const table = { sort: "", down: false, shown: MANY, only: null, rows: all };
const hasLabels = columns.label && !axes.includes("label") && distinct(all, "label").length > 1;
const leading = ["run_id", ...(hasLabels ? ["label"] : []), ...axes];
const headers = [...leading, "llc", ...["rhat", "ess_bulk", "true_llc", "num_gradients"].filter((name) => columns[name]), "trust"];
let found = null; // what a row can be found by, made when somebody first searches
const words = (row) => (found ??= all.map((row) => [...leading, "trust", "reason"].map((name) => `${format(columns[name][row])} ${label(name)} ${name}`).join(" ").toLowerCase()))[row];
const SHORT = { llc: "LLC ± MCSE (nats)", rhat: "R-hat", ess_bulk: "ESS", true_llc: "known", num_gradients: "gradients", trust: "verdict", run_id: "run" };

function applyFilter() {
  const terms = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdict = byId("verdict").value;
  table.rows = (table.only || all).filter((row) => terms.every((term) => words(row).includes(term)) && (!verdict ||
    (verdict === "doubtful" ? !isTrusted(row) && !isFailed(row) : columns.trust[row] === verdict)));
  if (table.sort) {
    const order = table.sort === "trust" ? VERDICTS : data.runs.orders[table.sort], sign = table.down ? -1 : 1;
    const values = order ? columns[table.sort].map((value) => (value === null ? null : order.indexOf(value))) : columns[table.sort];
    table.rows = [...table.rows].sort((a, b) => (values[a] === null) - (values[b] === null) || sign * ((values[a] > values[b]) - (values[a] < values[b])));
  }
  table.shown = MANY;
  drawRows();
}

function drawRows() {
  const page = table.rows.slice(0, table.shown);
  const cell = (row, name) => {
    const number = numeric.has(name) || name === "llc";
    return element("td", { className: name === "trust" ? verdictClass(columns.trust[row]) : name === "run_id" ? "id" : number ? "number" : "" }, shown(row, name));
  };
  byId("runs").tBodies[0].replaceChildren(...page.map((row) => {
    const line = element("tr", { className: "run", tabIndex: 0, title: columns.verdict_reason[row] || columns.reason[row] || "open the diagnostics" }, ...headers.map((name) => cell(row, name)));
    line.onclick = () => openDetail(row);
    line.onkeydown = (event) => { if (event.key === "Enter") openDetail(row); };
    return line;
  }));
  byId("count").textContent = `${table.rows.length.toLocaleString("en")} of ${plural(all.length, "run")}` + (table.rows.length > page.length ? `, the first ${page.length} shown` : "");
  byId("more").hidden = table.rows.length <= page.length;
  byId("clear").hidden = !table.only;
  document.body.dataset.visible = table.rows.length;
}

function drawHead() {
  byId("runs").tHead.replaceChildren(element("tr", {}, ...headers.map((name) => {
    const mark = table.sort === name ? (table.down ? " ↓" : " ↑") : "";
    const button = element("button", { type: "button", title: data.runs.meanings[name] || "" }, (SHORT[name] || label(name)) + mark);
    button.onclick = () => { table.down = table.sort === name && !table.down; table.sort = name; drawHead(); applyFilter(); };
    const head = element("th", { scope: "col", className: numeric.has(name) || name === "llc" ? "number" : "" }, button);
    head.setAttribute("aria-sort", mark ? (table.down ? "descending" : "ascending") : "none");
    return head;
  })));
}

/** Shows these runs alone; opens a single one. */
function only(rows) {
  if (!rows.length) return;
  table.only = [...rows];
  applyFilter();
  byId("runs-title").scrollIntoView({ behavior: "smooth" });
  if (rows.length === 1) openDetail(rows[0]);
}
