/*
 * The page of all runs, or of an experiment's, newest first; it stays fresh while it is seen.
 */

import { enter, get, runPath } from "./api.js";
import { closed } from "./closed.js";
import { byId, el, pill, setText, trail } from "./dom.js";
import { repeat, seen, sleep } from "./repeat.js";
import { isOver, moment, title, took } from "./words.js";

const PAGE = 50;
const SHOWN_MAX = 500;
const FRESH_MS = 2000;
const QUIET_MS = 5000;

const forever = new AbortController().signal;
const experiment = experimentOf(new URL(location.href));
const rows = new Map();
let runs = [];
let limit = PAGE;

/** The run in an address that MLflow's client prints: `/#/experiments/ID/runs/RUN`. */
const runOf = ({ hash }) => /^#\/experiments\/[^/]+\/runs\/([0-9a-f-]+)$/.exec(hash)?.[1];

/** The experiment that the address asks for: `/experiments/churn` or `/?experiment=churn`. */
function experimentOf({ pathname, searchParams }) {
  const [, first, name] = pathname.split("/");
  return first === "experiments" && name ? decodeURIComponent(name) : searchParams.get("experiment");
}

async function load(signal) {
  const query = { limit, ...(experiment && { experiment }) };
  const page = await get("/runs", query, signal);
  runs = page.runs.filter((run) => run.parent === null);
  show(Boolean(page.next));
}

function show(hasMore) {
  const nodes = runs.map((run) => {
    if (!rows.has(run.id)) rows.set(run.id, new Row(run));
    return rows.get(run.id).update(run);
  });
  const body = byId("runs");
  // Only when the list itself changed, so that the focus stays where it is.
  if (nodes.length !== body.children.length || nodes.some((node, at) => node !== body.children[at])) {
    body.replaceChildren(...nodes);
  }
  byId("more").hidden = !hasMore || limit >= SHOWN_MAX;
  tellEmpty(hasMore);
  byId("page").hidden = false;
}

function tellEmpty(hasMore) {
  const isFull = hasMore && limit >= SHOWN_MAX;
  byId("empty").hidden = runs.length > 0 && !isFull;
  const none = experiment
    ? `The experiment ${experiment} has no runs yet.`
    : "No runs yet. Start a program that submits one, and it appears here.";
  const cut = `These are the newest ${SHOWN_MAX}. On the command line, stepwell runs lists all.`;
  setText(byId("empty"), isFull ? cut : none);
}

class Row {
  #status = el("td");
  #name = el("td", { class: "muted" });
  #started = el("td", { class: "muted" });
  #took = el("td", { class: "number" });

  constructor(run) {
    const href = `/runs/${run.id}`;
    const link = el("a", { href }, title(run));
    this.node = el("tr", {}, el("th", { scope: "row" }, link), this.#status, this.#name, this.#started,
      this.#took, el("td", { class: "muted wide" }, run.user));
    this.node.addEventListener("click", ({ target }) => target.closest("a") ?? link.click());
  }

  update(run) {
    this.#status.replaceChildren(pill(run));
    setText(this.#name, run.display_name === title(run) ? "" : run.display_name);
    setText(this.#started, moment(run.started_at ?? run.created_at));
    this.tick(run);
    return this.node;
  }

  tick(run) {
    setText(this.#took, took(run));
  }
}

async function start() {
  const printed = runOf(location);
  if (printed) return location.replace(runPath(printed));
  await enter();
  trail(["Runs", "/"]);
  if (experiment) {
    document.title = `${experiment} · Stepwell`;
    setText(byId("title"), experiment);
  }
  byId("more").addEventListener("click", () => {
    limit = Math.min(limit + PAGE, SHOWN_MAX);
    load(forever).catch(() => {});
  });
  setInterval(() => runs.filter((run) => !isOver(run)).forEach((run) => rows.get(run.id).tick(run)), 1000);
  await repeat(forever, async () => {
    const signal = await seen(forever);
    await load(signal);
    return sleep(runs.every(isOver) ? QUIET_MS : FRESH_MS, signal);
  });
}

start().catch((error) => {
  byId("page").replaceChildren(closed(error));
  byId("page").hidden = false;
});
