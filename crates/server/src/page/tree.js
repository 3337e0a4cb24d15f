/*
 * A run and its children as the page knows them: loaded whole, and changed by events in between.
 *
 * Invariant: an event never takes a status back. The stream starts with what the page has loaded
 * already, so an event may be older than what is known.
 */

import { get, runPath } from "./api.js";
import { isOver } from "./words.js";

const PAGE = 500;
const CHILDREN_MAX = 2000;

const ORDER = ["NotStarted", "Queued", "Preparing", "Running", "CancelRequested"];
const rank = (status) => (ORDER.includes(status) ? ORDER.indexOf(status) : ORDER.length);

export class Tree {
  run = null;
  children = [];
  /** Whether there are more children than are shown. */
  isCut = false;
  #id;

  constructor(id) {
    this.#id = id;
  }

  /** Loads everything, again. */
  async load(signal) {
    const [run, children] = await Promise.all([
      get(runPath(this.#id), {}, signal),
      this.#loadChildren(signal),
    ]);
    this.run = run;
    this.children = children;
  }

  async #loadChildren(signal) {
    const children = [];
    let cursor;
    do {
      const query = { parent: this.#id, limit: PAGE, ...(cursor && { cursor }) };
      const page = await get("/runs", query, signal);
      children.push(...page.runs);
      cursor = page.next;
    } while (cursor && children.length < CHILDREN_MAX);
    this.isCut = Boolean(cursor);
    return children;
  }

  /** Takes an event in; says whether it brought anything new. */
  apply({ run: id, status, at }) {
    const run = this.all.find((one) => one.id === id);
    if (!run || rank(status) <= rank(run.status)) return false;
    run.status = status;
    if (status === "Running") run.started_at ??= at;
    if (isOver(run)) run.ended_at ??= at;
    return true;
  }

  /** The run itself, then its children. */
  get all() {
    return [this.run, ...this.children];
  }

  /** What an address calls a run of this tree: `run`, the number of a step, or an id. */
  key(run) {
    if (run.id === this.run.id) return "run";
    return run.step === null ? run.id : String(run.step);
  }

  find(key) {
    return this.all.find((run) => this.key(run) === key);
  }

  /** The child that failed first: those after it failed because of it, or later anyway. */
  get firstFailed() {
    const failed = this.children.filter((run) => run.status === "Failed");
    failed.sort((a, b) => (a.ended_at ?? "").localeCompare(b.ended_at ?? ""));
    return failed[0];
  }

  /** What to show when the address does not say: what most needs a look. */
  get telling() {
    const running = this.children.find((run) => run.status === "Running");
    const isWaiting = !isOver(this.run) && this.run.kind === "pipeline";
    return this.firstFailed ?? running ?? (isWaiting ? this.children[0] : null) ?? this.run;
  }
}
