/*
 * The table of a run's steps or other children, with the run itself on top and a bar for the time
 * each of them took.
 */

import { byId, el, pill, setText, setVars } from "./dom.js";
import { bytes, moment, now, state, title, took, tookMs } from "./words.js";

const HEADS = [
  ["Name", "name"],
  ["Status", "status"],
  ["Started", "started"],
  ["Duration", "number took"],
  ["CPU", "number cpu wide"],
  ["Memory", "number memory wide"],
  ["Time", "time"],
];

export class Steps {
  #rows = new Map();
  #body = el("tbody");
  #cut = el("p", { class: "empty", hidden: true });
  #link;
  #onChoose;

  /** `link` gives the address of a run's row, and `onChoose` is called with a run's id. */
  constructor(link, onChoose) {
    this.#link = link;
    this.#onChoose = onChoose;
    const heads = HEADS.map(([text, kind]) => el("th", { scope: "col", class: kind }, text));
    const head = el("thead", {}, el("tr", {}, ...heads));
    byId("steps").replaceChildren(el("table", { class: "rows fixed" }, head, this.#body), this.#cut);
  }

  /** Shows the tree as it is now. A run without children has no table. */
  show(tree, chosen) {
    byId("steps").hidden = tree.children.length === 0;
    if (tree.children.length === 0) return;
    for (const run of tree.all) this.#row(run, tree).update(run, run === chosen);
    this.#cut.hidden = !tree.isCut;
    setText(this.#cut, `These are the first ${tree.children.length} steps; the command line shows all.`);
    this.tick(tree);
  }

  /** Shows the time that has passed; to be called every second. */
  tick(tree) {
    if (tree.children.length === 0) return;
    const begins = tree.children.map((run) => Date.parse(run.started_at)).filter(Number.isFinite);
    const begin = Math.min(Date.parse(tree.run.started_at ?? tree.run.created_at), ...begins);
    const end = tree.run.ended_at ? Date.parse(tree.run.ended_at) : now();
    for (const run of tree.all) this.#rows.get(run.id)?.tick(run, begin, Math.max(end - begin, 1));
  }

  /** Makes the row of a run visible within the table; the page itself stays where it is. */
  reveal(run) {
    const row = this.#rows.get(run.id)?.node;
    const box = byId("steps");
    if (!row) return;
    const top = row.offsetTop - box.scrollTop;
    if (top < row.offsetHeight || top + row.offsetHeight > box.clientHeight) {
      box.scrollTop = row.offsetTop - box.clientHeight / 2;
    }
  }

  #row(run, tree) {
    if (!this.#rows.has(run.id)) {
      const row = new Row(run, run === tree.run, this.#link(run));
      row.node.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.#onChoose(run.id);
      });
      this.#rows.set(run.id, row);
      this.#body.append(row.node);
    }
    return this.#rows.get(run.id);
  }
}

class Row {
  #status = el("td");
  #started = el("td", { class: "started muted" });
  #took = el("td", { class: "number" });
  #cpu = el("td", { class: "number wide muted" });
  #memory = el("td", { class: "number wide muted" });
  #bar = el("i");
  #link;

  constructor(run, isWhole, href) {
    this.#link = el("a", { href }, isWhole ? "Whole run" : title(run));
    const about = [run.step_kind ?? run.kind, run.target].filter(Boolean).join(" · ");
    const name = el("th", { scope: "row", title: `${title(run)} · ${about}` }, this.#link);
    if (!isWhole) name.append(el("small", {}, about));
    const time = el("td", { class: "time" }, el("span", {}, this.#bar));
    this.node = el("tr", { class: isWhole ? "whole" : null }, name, this.#status, this.#started,
      this.#took, this.#cpu, this.#memory, time);
  }

  update(run, isChosen) {
    this.node.classList.toggle("chosen", isChosen);
    if (isChosen) this.#link.setAttribute("aria-current", "true");
    else this.#link.removeAttribute("aria-current");
    this.#status.replaceChildren(pill(run));
    setText(this.#started, moment(run.started_at));
    setText(this.#cpu, run.usage ? `${run.usage.cpu_seconds.toFixed(1)} s` : "");
    setText(this.#memory, run.usage ? bytes(run.usage.peak_memory_bytes) : "");
    this.#bar.className = state(run);
  }

  tick(run, begin, length) {
    setText(this.#took, took(run));
    const ms = tookMs(run);
    const from = ms === null ? 0 : Math.max(0, Date.parse(run.started_at) - begin);
    const percent = (part) => `${((100 * part) / length).toFixed(2)}%`;
    this.#bar.hidden = ms === null;
    setVars(this.#bar, { from: percent(from), length: percent(ms ?? 0) });
  }
}
