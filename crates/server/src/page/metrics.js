/*
 * The tab with what a run logged: numbers as charts, rows and tables as tables, images as images,
 * the rest as JSON.
 * A whole pipeline shows its own metrics and then those of its steps, to compare them.
 */

import { get, getFile, runPath } from "./api.js";
import { chart } from "./chart.js";
import { el, sentence } from "./dom.js";
import { downloadButton } from "./files.js";
import { DONE, repeat, sleep } from "./repeat.js";
import { isOver, title, value } from "./words.js";

const AGAIN_MS = 3000;
const RUNS_MAX = 25;
const ROWS_MAX = 200;

/** Fills the tab until the signal is aborted. `runs` gives the runs as they are known now. */
export async function showMetrics(host, runs, signal) {
  const groups = new Map();
  const none = sentence();
  host.append(none);
  await repeat(signal, async () => {
    const shown = runs().slice(0, RUNS_MAX);
    const isLast = shown.every(isOver);
    for (const run of shown) await update(host, groups, run, shown.length > 1, signal);
    const isEmpty = [...groups.values()].every((group) => group.cards.size === 0);
    none.hidden = !isEmpty;
    if (isEmpty) none.replaceChildren(...emptiness(isLast));
    if (isLast) return DONE;
    return sleep(AGAIN_MS, signal);
  });
}

const emptiness = (isLast) => [
  isLast ? "No metrics were logged. " : "No metrics yet. ",
  "A script logs them with ", el("code", {}, "Run.get_context().log(name, value)"), ".",
];

async function update(host, groups, run, isTitled, signal) {
  const known = groups.get(run.id);
  if (known?.isFinal || (!run.started_at && run.kind === "step")) return;
  const isFinal = isOver(run);
  const { series } = await get(runPath(run.id, "metrics"), {}, signal);
  const group = known ?? new Group(run, isTitled);
  if (!known) {
    groups.set(run.id, group);
    host.append(group.node);
  }
  group.isFinal = isFinal;
  group.show(series);
}

/** The metrics of one run. A card is made anew only when there are more points. */
class Group {
  isFinal = false;
  cards = new Map();
  #run;
  #grid = el("div", { class: "metrics" });

  constructor(run, isTitled) {
    this.#run = run.id;
    this.node = el("section", { hidden: true }, isTitled ? el("h3", {}, title(run)) : null, this.#grid);
  }

  show(series) {
    this.node.hidden = series.length === 0;
    for (const { name, points } of series) {
      const known = this.cards.get(name);
      if (known?.count === points.length) continue;
      const node = card(this.#run, name, points);
      if (known) known.node.replaceWith(node);
      else this.#grid.append(node);
      this.cards.set(name, { node, count: points.length });
    }
  }
}

function card(run, name, points) {
  const values = points.map((point) => point.value);
  switch (points[0].kind) {
    case "scalar":
      return scalar(name, points);
    case "list":
      return numbers(name, values.flat().map((y, x) => ({ x, y })), "item");
    case "row":
      return table(name, values);
    case "table":
      return table(name, values.flatMap(rowsOf));
    case "image":
      return image(run, name, values.at(-1).path);
    default:
      return figure(name, el("pre", { class: "scroll" }, JSON.stringify(values.at(-1), null, 2)));
  }
}

function scalar(name, points) {
  const hasSteps = points.every(({ step }) => step !== null && step !== undefined);
  const along = points.map(({ step, value: y }, index) => ({ x: hasSteps ? step : index + 1, y }));
  if (hasSteps) along.sort((a, b) => a.x - b.x);
  return numbers(name, along, hasSteps ? "step" : "point");
}

/** One value in large letters, many as a chart, and texts in a row. */
function numbers(name, points, across) {
  if (points.length === 1) return figure(name, el("p", { class: "single" }, value(points[0].y)));
  const isText = ({ y }) => typeof y !== "number" && !["NaN", "Infinity", "-Infinity"].includes(y);
  if (points.length === 0 || points.some(isText)) {
    return figure(name, el("p", {}, points.map(({ y }) => value(y)).join(", ")));
  }
  return chart(name, points, across);
}

const figure = (name, ...content) =>
  el("figure", { class: "metric" }, el("figcaption", {}, el("span", { title: name }, name)), ...content);

/** The rows of a table that was logged as columns; a single value is a column of one. */
function rowsOf(columns) {
  const lists = Object.entries(columns).map(([name, column]) => [name, [column].flat()]);
  const count = Math.max(0, ...lists.map(([, column]) => column.length));
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(lists.map(([name, column]) => [name, column[row]])));
}

function table(name, rows) {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const cell = (content = "") =>
    el("td", { class: typeof content === "number" ? "number" : null }, value(content));
  const line = (row) => el("tr", {}, ...columns.map((column) => cell(row[column])));
  const isNumber = (column) => rows.every((row) => typeof (row[column] ?? 0) === "number");
  const head = columns.map((column) =>
    el("th", { scope: "col", class: isNumber(column) ? "number" : null }, column));
  const body = rows.slice(0, ROWS_MAX).map(line);
  const cut = rows.length > ROWS_MAX ? sentence(`The first ${ROWS_MAX} of ${rows.length} rows.`) : "";
  const content = el("table", { class: "rows" },
    el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
  const card = figure(name, el("div", { class: "scroll" }, content), cut);
  card.classList.toggle("broad", columns.length > 4);
  return card;
}

/** An image, painted by the script: a link to it would lack the header. */
function image(run, name, path) {
  const canvas = el("canvas", { role: "img", "aria-label": name });
  const card = figure(name, canvas, el("p", { class: "tools" }, downloadButton(run, path)));
  paint(canvas, run, path).catch(() => canvas.replaceWith(sentence("This image cannot be shown here.")));
  return card;
}

async function paint(canvas, run, path) {
  const bitmap = await createImageBitmap(await getFile(run, path));
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}
