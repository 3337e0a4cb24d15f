/*
 * The tab with the trials of a search of hyperparameters: parallel coordinates, one line for each
 * trial and one axis for each of its values, the last axis for what trials are compared by; below it
 * a table, best first. A trial that is pointed at in one stands out in both.
 */

import { get, runPath } from "./api.js";
import { axesOf, linesOf } from "./coordinates.js";
import { el, pill, sentence, setVars, svg } from "./dom.js";
import { DONE, repeat, sleep } from "./repeat.js";
import { isOver, value } from "./words.js";

const AGAIN_MS = 3000;
const ROWS_MAX = 200;

/** Whether a run is a search: its tag says what its trials are compared by. */
export const isSearch = ({ tags }) => tags.primary_metric_config !== undefined;

/** Fills the tab until the signal is aborted. `search` gives the run as it is known; `open` shows a trial. */
export async function showTrials(host, search, open, signal) {
  let known = "";
  await repeat(signal, async () => {
    const isLast = isOver(search());
    const found = await get(runPath(search().id, "trials"), {}, signal);
    const text = JSON.stringify(found);
    if (text !== known) host.replaceChildren(...comparison(found, open));
    known = text;
    if (isLast && found.trials.every(isOver)) return DONE;
    return sleep(AGAIN_MS, signal);
  });
}

function comparison(found, open) {
  if (found.trials.length === 0) return [sentence("No trials yet.")];
  const axes = axesOf(found);
  const lines = linesOf(found, axes).map((line) => {
    const path = svg("path", { d: line.d, class: line.isBest ? "best" : null });
    // From the worst to the best: colour says how good, and the good lie on top.
    setVars(path, { good: line.good });
    return { id: line.id, path };
  });
  const best = found.trials.slice(0, ROWS_MAX);
  const rows = new Map(best.map((trial) => [trial.run, row(axes, trial)]));
  const mark = (id, isOn) => {
    lines.find((line) => line.id === id)?.path.classList.toggle("chosen", isOn);
    rows.get(id)?.classList.toggle("chosen", isOn);
  };
  for (const { id, path } of lines) point(path, id, mark, open);
  for (const [id, node] of rows) point(node, id, mark, open);
  const cut = found.trials.length > ROWS_MAX
    ? sentence(`The best ${ROWS_MAX} of ${found.trials.length} trials.`) : "";
  return [plot(found, axes, lines), table(found, axes, [...rows.values()]), cut];
}

function point(node, id, mark, open) {
  node.addEventListener("pointerenter", () => mark(id, true));
  node.addEventListener("pointerleave", () => mark(id, false));
  node.addEventListener("click", () => open(id));
}

function plot(found, axes, lines) {
  const picture = svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" },
    svg("path", { class: "grid", d: axes.map(({ x }) => `M${x} 0V100`).join("") }),
    ...lines.map(({ path }) => path));
  const labels = axes.map((axis) => {
    const ticks = axis.ticks.map(({ text, y }) => {
      const tick = el("span", { title: text }, text);
      setVars(tick, { y: `${y}%` });
      return tick;
    });
    const label = el("div", { class: "axis" }, el("b", { title: axis.name }, axis.name), ...ticks);
    setVars(label, { x: `${axis.x}%` });
    return label;
  });
  const summary = `${found.trials.length} trials by ${axes.map(({ name }) => name).join(", ")}`;
  return el("figure", { class: "coordinates", role: "img", "aria-label": summary },
    el("div", { class: "plot" }, picture, ...labels));
}

/** A row; its name is a button for those without a pointer. A trial is never skipped, as a step may be. */
function row(axes, trial) {
  const name = el("button", { type: "button", class: "link" }, trial.name);
  const cells = axes.slice(0, -1).map((axis) => cell(trial.values[axis.name]));
  return el("tr", {}, el("td", {}, name), el("td", {}, pill({ status: trial.status, parent: null })), cell(trial.best), ...cells);
}

const cell = (content) =>
  el("td", { class: typeof content === "number" ? "number" : null }, value(content ?? ""));

function table({ metric, trials }, axes, rows) {
  const title = (name, contents) => {
    const isNumber = contents.every((content) => typeof (content ?? 0) === "number");
    return el("th", { scope: "col", class: isNumber ? "number" : null }, name);
  };
  const parameters = axes.slice(0, -1).map(({ name }) => name);
  const head = [
    ...["Trial", "Status"].map((name) => el("th", { scope: "col" }, name)),
    title(metric, trials.map(({ best }) => best)),
    ...parameters.map((name) => title(name, trials.map(({ values }) => values[name]))),
  ];
  return el("div", { class: "scroll" }, el("table", { class: "rows" },
    el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)));
}
