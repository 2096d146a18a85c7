// The page as `llcray report --watch` serves it: loaded anew when the dataset has changed, with the reader's choices.

import { data } from "./data.js";
import { byId } from "./elements.js";
import { drawExplorer } from "./explorer.js";

const MILLISECONDS = 2000;
const KEY = "llcray-choices";
const CHOICES = ["x", "y", "color", "facet", "facet2", "logy"];

function keepChoices() {
  const values = Object.fromEntries(CHOICES.map((id) => [id, byId(id).value]));
  const view = [...byId("views").children].findIndex((button) => button.classList.contains("current"));
  sessionStorage.setItem(KEY, JSON.stringify({ values, view, usual: byId("usual").checked, top: scrollY }));
}

function restoreChoices() {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  sessionStorage.removeItem(KEY);
  if (!kept) return;
  [...byId("views").children].forEach((button, at) => {
    button.classList.toggle("current", at === kept.view);
  });
  for (const [id, value] of Object.entries(kept.values)) {
    if ([...byId(id).options].some((option) => option.value === value)) byId(id).value = value;
  }
  byId("usual").checked = kept.usual;
  drawExplorer();
  scrollTo(0, kept.top);
}

async function look() {
  try {
    const answer = await fetch("version", { cache: "no-store" });
    byId("live").textContent = "live";
    // A run that is looked at stays where it is.
    if (!answer.ok || (await answer.text()) === data.version || byId("detail").open) return;
    keepChoices();
    location.reload();
  } catch {
    byId("live").textContent = "no longer live: the command has ended";
  }
}

/** Follow the dataset, where the page is served; a file stays as it is. */
export function followDataset() {
  if (!data.version) return;
  restoreChoices();
  byId("live").textContent = "live";
  setInterval(look, MILLISECONDS);
}
