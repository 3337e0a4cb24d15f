/*
 * The page of a run: it loads the tree, keeps it fresh, and shows the chosen run of it in tabs.
 *
 * What is chosen stands in the address, as `#<run>/<tab>`; the rest of the page follows from that
 * and from the tree. Events tell of changes at once and ring for a reload, which also brings what
 * has no event: times, usage, tags, runs that programs open themselves.
 */

import { enter, get, getEvents, runPath } from "./api.js";
import { closed } from "./closed.js";
import { showDetails } from "./details.js";
import { byId, el, pill } from "./dom.js";
import { showFiles } from "./files.js";
import { Graph } from "./graph.js";
import { offerCancel, showFailure, showHead, tickHead } from "./head.js";
import { showLog } from "./log.js";
import { showMetrics } from "./metrics.js";
import { isParallel, showParallel } from "./parallel.js";
import { Bell, DONE, repeat, seen, sleep } from "./repeat.js";
import { Steps } from "./steps.js";
import { Tree } from "./tree.js";
import { isSearch, showTrials } from "./trials.js";
import { isOver, title } from "./words.js";

/** Between two reloads that events ask for, and the longest time without one. */
const RELOAD_MIN_MS = 300;
const RELOAD_MAX_MS = 5000;

const TABS = {
  trials: "Trials", logs: "Logs", metrics: "Metrics", files: "Files", details: "Details",
};

const id = decodeURIComponent(location.pathname.split("/")[2]);
const forever = new AbortController().signal;
const tree = new Tree(id);
const graph = new Graph();
const bell = new Bell();
const tabs = new Map();
let steps;
let parent = null;
let panel = new AbortController();
let shown = "";

/** What the address chooses, or what most needs a look. */
function choice() {
  const [key, tab] = location.hash.slice(1).split("/");
  const run = tree.find(key) ?? tree.telling;
  const usual = ["pipeline", "interactive"].includes(run.kind) ? "metrics" : "logs";
  const isThere = tab in TABS && (tab !== "trials" || isSearch(run));
  return { run, tab: isThere ? tab : isSearch(run) ? "trials" : usual };
}

const address = (run, tab) => `#${tree.key(run)}${tab ? `/${tab}` : ""}`;

/** Chooses; what is left out stays. The history keeps pages, not every look at one. */
function choose({ run = choice().run, tab = choice().tab }) {
  history.replaceState(null, "", address(run, tab));
  show();
}

/** Brings everything on the page up to date; cheap when nothing changed. */
function show() {
  const { run, tab } = choice();
  showHead(tree.run, parent);
  showFailure(tree, (culprit) => address(culprit, "logs"));
  graph.show(tree.children, run);
  steps.show(tree, run);
  const isWhole = run === tree.run && tree.children.length > 0;
  byId("subject").replaceChildren(isWhole ? "Whole run" : title(run), pill(run));
  for (const [name, button] of tabs) {
    button.hidden = name === "trials" && !isSearch(run);
    button.setAttribute("aria-selected", String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
  }
  openPanel(run, tab);
  tick();
}

/** Opens a tab, unless it is open. The details are shown anew, for they do not load anything. */
function openPanel(run, tab) {
  const wanted = `${run.id}/${tab}`;
  if (wanted === shown && tab !== "details") return;
  if (wanted !== shown) steps.reveal(run);
  shown = wanted;
  panel.abort();
  panel = new AbortController();
  const { signal } = panel;
  // A tab that is left behind keeps its own host, so that it cannot write into the next one.
  const host = el("div", { class: "pane" });
  byId("panel").replaceChildren(host);
  byId("panel").setAttribute("aria-labelledby", `tab-${tab}`);
  fillPanel(host, run, tab, signal).catch((error) => {
    if (!signal.aborted) host.replaceChildren(closed(error));
  });
}

async function fillPanel(host, { id: chosen }, tab, signal) {
  const current = () => tree.all.find((run) => run.id === chosen) ?? tree.run;
  const compared = () => (chosen === tree.run.id ? tree.all : [current()]);
  if (tab === "trials") await showTrials(host, current, openRun, signal);
  else if (tab === "logs" && isParallel(current())) {
    const [progress, log] = [el("div", { class: "progress" }), el("div", { class: "pane" })];
    host.append(progress, log);
    await Promise.all([showParallel(progress, current, signal), showLog(log, current, signal)]);
  } else if (tab === "logs") await showLog(host, current, signal);
  else if (tab === "metrics") await showMetrics(host, compared, signal);
  else if (tab === "files") await showFiles(host, current, signal);
  else showDetails(host, current);
}

/** Shows a trial: among the runs of this page, or on a page of its own. */
function openRun(run) {
  const known = tree.all.find((one) => one.id === run);
  if (known) choose({ run: known, tab: "logs" });
  else location.assign(`/runs/${run}`);
}

/** A link leads to a tab that may be out of sight. */
function onLink() {
  show();
  byId("panel").scrollIntoView({ block: "nearest" });
}

function tick() {
  tickHead(tree.run);
  steps.tick(tree);
}

function makeTabs() {
  for (const [name, label] of Object.entries(TABS)) {
    const attributes = { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel" };
    const button = el("button", { ...attributes, onclick: () => choose({ tab: name }) }, label);
    tabs.set(name, button);
  }
  byId("tabs").append(...tabs.values());
  byId("tabs").addEventListener("keydown", ({ key }) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!by) return;
    const names = [...tabs.keys()].filter((name) => !tabs.get(name).hidden);
    const next = names.at((names.indexOf(choice().tab) + by) % names.length);
    choose({ tab: next });
    tabs.get(next).focus();
  });
}

const KEYS = { t: "trials", l: "logs", m: "metrics", f: "files", d: "details" };

function onKey(event) {
  const isTyping = event.target.closest?.("input, textarea, select, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in KEYS) choose({ tab: KEYS[event.key] });
  const by = { j: 1, k: -1 }[event.key];
  if (!by) return;
  const next = tree.all[tree.all.indexOf(choice().run) + by];
  if (next) choose({ run: next });
}

/** Keeps the tree fresh until the run and all below it are over. */
async function reload() {
  await repeat(forever, async () => {
    if (tree.all.every(isOver)) return DONE;
    await bell.heard(RELOAD_MAX_MS);
    await tree.load(forever);
    show();
    return sleep(RELOAD_MIN_MS, forever);
  });
}

async function listen() {
  let last = 0;
  await repeat(forever, async () => {
    if (isOver(tree.run)) return DONE;
    for await (const event of getEvents(tree.run.root, last, await seen(forever))) {
      last = event.seq;
      if (!tree.apply(event)) continue;
      show();
      bell.ring();
    }
    return sleep(RELOAD_MIN_MS, forever);
  });
}

async function loadAll() {
  await tree.load(forever);
  if (tree.run.parent) parent = await get(runPath(tree.run.parent));
  const chooseStep = (step) => choose({ run: tree.find(String(step)) });
  if (tree.run.kind === "pipeline") await graph.load(id, chooseStep, forever);
  return DONE;
}

async function start() {
  await enter();
  await repeat(forever, loadAll);
  const chooseRun = (chosen) => choose({ run: tree.all.find((run) => run.id === chosen) });
  steps = new Steps((run) => address(run), chooseRun);
  makeTabs();
  offerCancel(id, () => bell.ring());
  byId("page").hidden = false;
  show();
  addEventListener("hashchange", onLink);
  addEventListener("keydown", onKey);
  setInterval(() => isOver(tree.run) || (tick(), graph.show(tree.children, choice().run)), 1000);
  await Promise.all([reload(), listen()]);
}

start().catch((error) => {
  byId("page").replaceChildren(closed(error));
  byId("page").hidden = false;
});
