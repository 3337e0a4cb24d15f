/*
 * The head of a run's page: what it is, how far it is, why it failed, and how to cancel it.
 */

import { ask, Refused, runPath } from "./api.js";
import { byId, el, notice, pill, setText, trail } from "./dom.js";
import { isOver, moment, title, took, word } from "./words.js";

/** Shows the run; called again whenever it changed. */
export function showHead(run, parent) {
  document.title = `${word(run)} · ${title(run)}`;
  setText(byId("title"), title(run));
  byId("status").replaceChildren(pill(run));
  const crumbs = [
    ["Runs", "/"],
    [run.experiment, `/?experiment=${encodeURIComponent(run.experiment)}`],
  ];
  if (parent) crumbs.push([title(parent), `/runs/${parent.id}`]);
  trail(...crumbs);
  byId("about").replaceChildren(...about(run, parent));
  byId("chips").replaceChildren(...chips(run));
  // A step ends with its pipeline; what a program opened is that program's to end.
  byId("cancel").hidden = isOver(run) || !["pipeline", "script"].includes(run.kind);
  byId("cancel").disabled = run.status === "CancelRequested";
}

/** The clock of the run, to be called every second. */
export function tickHead(run) {
  setText(byId("elapsed"), took(run));
}

function about(run, parent) {
  const name = run.display_name === title(run) ? null : run.display_name;
  const parts = [
    name && el("strong", {}, name),
    run.description,
    parent && el("span", {}, `${run.kind} of `, el("a", { href: `/runs/${parent.id}` }, title(parent))),
    run.started_at ? `started ${moment(run.started_at)}` : `accepted ${moment(run.created_at)}`,
    run.target && `on ${run.target}`,
    run.user && `by ${run.user}`,
  ];
  return parts.filter(Boolean).map((part) => el("span", {}, part));
}

/** Whether the system keeps a tag for itself: the tab of the details has it. */
const isOfSystem = (name) => name.startsWith("_aml_system");

function chips(run) {
  const chip = (kind, [name, text]) =>
    el("li", { class: kind, title: kind }, name, text && el("b", {}, text));
  return [
    ...Object.entries(run.parameters).map((entry) => chip("parameter", entry)),
    ...Object.entries(run.tags).filter(([name]) => !isOfSystem(name)).map((entry) => chip("tag", entry)),
  ];
}

/** Shows why the run failed, if it did. `link` leads to the place to look at. */
export function showFailure(tree, link) {
  const culprit = tree.firstFailed ?? tree.run;
  const failure = culprit.error ?? tree.run.error;
  const box = byId("failure");
  box.hidden = !failure || culprit.status !== "Failed";
  if (box.hidden) return;
  const isRun = culprit === tree.run;
  const what = isRun ? "This run failed" : `${culprit.display_name} failed`;
  // The log below shows the end of a program; the end of anything else is shown here.
  const detail = failure.kind === "user_code" ? "" : failure.detail;
  box.replaceChildren(
    el("h2", {}, isRun ? what : el("a", { href: link(culprit) }, what)),
    el("p", {}, failure.message),
    failure.hint ? el("p", { class: "hint" }, failure.hint) : "",
    detail ? el("pre", {}, detail) : "",
  );
}

/** Lets the run be cancelled, after a question. `onAsked` is called when the server knows. */
export function offerCancel(run, onAsked) {
  const dialog = byId("confirm");
  byId("cancel").addEventListener("click", () => {
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "cancel") return;
    byId("cancel").disabled = true;
    try {
      await ask(runPath(run, "cancel"), { method: "POST" });
      onAsked();
    } catch (error) {
      byId("cancel").disabled = false;
      const hint = error instanceof Refused ? error.hint : "";
      notice(`The run could not be cancelled: ${error.message}. ${hint}`);
    }
  });
}
