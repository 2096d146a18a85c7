// The parts of the page that are filled once: head, training, costs, failures and provenance.

import { allRows, data } from "./data.js";
import { runButton } from "./detail.js";
import { byId, element, figure, fillTable } from "./elements.js";
import { duration, format, plusMinus } from "./format.js";
import { showVerdict } from "./table.js";

const MAX_FAILED_RUNS = 6;
const SECONDS_PER_HOUR = 3600;

export function fillHead() {
  byId("summary").textContent = data.summary;
  byId("level").textContent = data.level;
  byId("effects").replaceChildren(...data.effects.map((text) => element("li", {}, text)));
  byId("effects-title").hidden = !data.effects.length;
  byId("tiles").replaceChildren(...data.tiles.map(tileOf));
  const words = [...data.words, ...data.verdicts.map(({ text, meaning }) => ({ name: text, meaning }))];
  byId("words").append(...words.flatMap(({ name, meaning }) => pair(name, meaning)));
}

const pair = (name, text) => [element("dt", {}, name), element("dd", {}, text)];

function tileOf({ number, text, verdict }) {
  const parts = [element("b", {}, number.toLocaleString("en")), element("span", {}, text)];
  if (verdict === null) return element("div", { className: "tile" }, ...parts);
  const properties = { type: "button", className: "tile", title: "show these runs" };
  return element("button", { ...properties, onclick: () => showVerdict(verdict) }, ...parts);
}

export function fillTraining() {
  const { axes, success, sparsities, settings, rows, labels } = data.training;
  if (!rows.length) {
    byId("training-section").remove();
    return;
  }
  const change = (first, last) => figure(`${format(first)} → ${format(last)}`);
  const share = (value) => figure(value === null ? "–" : value.toFixed(3));
  const cells = rows.map((row) => [
    ...axes.map((name) => format(row[name])),
    row.num,
    change(row.first_step, row.last_step),
    change(row.first, row.last),
    figure(plusMinus(row.change, row.error)),
    ...(success ? [change(row.before, row.after)] : []),
    ...sparsities.map((name) => share(row[name])),
    ...settings.map((name) => figure(format(row[name]))),
    row.doubtful,
  ]);
  const headers = [
    ...axes.map((name) => labels[name]),
    ...["trajectories", "steps", "LLC", "change"],
    ...(success ? [labels[success]] : []),
    ...[...sparsities, ...settings].map((name) => labels[name]),
    "doubtful estimates",
  ];
  fillTable("training", headers, cells);
  const sparsity =
    " Sparsity: share of the component's parameters that stayed as they were; the type they are held and compared in, " +
    "the learning rate and the steps decide it.";
  byId("training-text").textContent =
    "From the first checkpoint to the last, means over trajectories. ± of the change: standard error between them, " +
    `or of one trajectory its Monte Carlo error.${sparsities.length ? sparsity : ""}`;
}

export function fillCosts() {
  const total = data.total_costs;
  const digits = total.device_seconds < SECONDS_PER_HOUR ? 4 : 2;
  const hours = (seconds) => figure(((seconds ?? 0) / SECONDS_PER_HOUR).toFixed(digits));
  const time = (seconds) => figure(duration(seconds));
  const gradients = (number) => (number === undefined ? "" : Math.round(number));
  const spent = (cost) => [time(cost.sampling_seconds), time(cost.compile_seconds)];
  const yielded = (cost) => {
    const perThousand = cost.ess_per_gradient === null ? "–" : 1000 * cost.ess_per_gradient;
    return [cost.fde_to_se1 ?? "–", time(cost.time_to_se1), perThousand];
  };
  const rows = data.costs.map((cost) => [
    cost.sampler,
    cost.runs ?? "",
    hours(cost.device_seconds),
    gradients(cost.num_gradients),
    ...(cost.runs === undefined ? ["", "", "", "", ""] : [...spent(cost), ...yielded(cost)]),
  ]);
  const sums = [allRows.length, hours(total.device_seconds), gradients(total.num_gradients), ...spent(total)];
  rows.push([element("b", {}, "all"), ...sums, "", "", ""]);
  const headers = [
    ...["sampler", "runs", "device-hours", "full-data gradients", "sampling", "compiling"],
    ...["gradients to ± 1 nat (median)", "time to ± 1 nat (median)", "ESS per 1,000 gradients (median)"],
  ];
  fillTable("costs", headers, rows);
}

export function fillFailures() {
  if (!data.failures.length) return;
  const items = data.failures.map(({ reason, run_id }) => {
    const buttons = run_id.slice(0, MAX_FAILED_RUNS).flatMap((id) => [runButton(id), " "]);
    const hidden = run_id.length > MAX_FAILED_RUNS ? `and ${run_id.length - MAX_FAILED_RUNS} more` : "";
    return element("li", {}, `${reason}: `, ...buttons, hidden);
  });
  byId("failures").append(element("h3", {}, "Failed runs"), element("ul", {}, ...items));
}

export function fillProvenance() {
  const origin = { dataset: data.root, sweep: data.sweep, ...data.provenance };
  const pairs = Object.entries(origin).flatMap(([name, text]) => pair(name, text));
  byId("provenance").append(...pairs);
  const files = data.asked.map(({ when, overrides, source }, at) => {
    const name = at ? "An earlier file" : "The sweep's file";
    const summary = `${name}, first run ${when}${overrides ? `, with ${overrides}` : ""}`;
    return element("details", { open: false }, element("summary", {}, summary), element("pre", {}, source));
  });
  byId("asked").replaceChildren(...files);
}
