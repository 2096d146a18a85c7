// Elements of the document.

import { format } from "./format.js";

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}

/** A text that stands to the right in a table, as numbers do. */
export const figure = (text) => element("span", { className: "number" }, text);
const isFigure = (cell) => typeof cell === "number" || (cell instanceof Node && cell.className === "number");

/** Put a plain table into a place; numbers, and texts made by `figure`, stand to the right. */
export function fillTable(place, headers, rows) {
  const sideOf = (cell) => (isFigure(cell) ? "number" : "");
  const heads = headers.map((text, at) =>
    element("th", { scope: "col", className: rows.length ? sideOf(rows[0][at]) : "" }, text),
  );
  const cellOf = (cell) => element("td", { className: sideOf(cell) }, cell instanceof Node ? cell : format(cell));
  const body = rows.map((row) => element("tr", {}, ...row.map(cellOf)));
  const head = element("thead", {}, element("tr", {}, ...heads));
  byId(place).replaceChildren(element("table", {}, head, element("tbody", {}, ...body)));
}
