/*
 * The tab with a run's files, and how a file gets onto the reader's machine.
 */

import { get, getFile, runPath } from "./api.js";
import { el, notice, sentence } from "./dom.js";
import { DONE, repeat, sleep } from "./repeat.js";
import { bytes, isOver } from "./words.js";

const AGAIN_MS = 5000;

/** Fills the tab until the signal is aborted. `current` gives the run as it is known now. */
export async function showFiles(host, current, signal) {
  let known;
  await repeat(signal, async () => {
    const isLast = isOver(current());
    const { id } = current();
    const { files } = await get(runPath(id, "files"), {}, signal);
    const seen = JSON.stringify(files);
    if (seen !== known) host.replaceChildren(files.length ? list(id, files) : none(current()));
    known = seen;
    if (isLast) return DONE;
    return sleep(AGAIN_MS, signal);
  });
}

const none = (run) =>
  sentence(
    isOver(run) ? "This run has no files. " : "No files yet. ",
    "What a script writes into ", el("code", {}, "outputs/"), " and ", el("code", {}, "logs/"), " is kept here.",
  );

function list(run, files) {
  const rows = files.map(({ name, size }) => {
    const cut = name.lastIndexOf("/") + 1;
    const label = [el("span", { class: "muted" }, name.slice(0, cut)), name.slice(cut)];
    return el("tr", {},
      el("th", { scope: "row" }, ...label),
      el("td", { class: "number muted" }, bytes(size)),
      el("td", { class: "number" }, downloadButton(run, name)));
  });
  const head = el("tr", {}, el("th", { scope: "col" }, "File"),
    el("th", { scope: "col", class: "number" }, "Size"), el("td"));
  return el("div", { class: "scroll" },
    el("table", { class: "rows files" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

/** A button that saves a file of a run. A plain link would lack the header. */
export function downloadButton(run, name) {
  const onclick = async ({ currentTarget: button }) => {
    button.disabled = true;
    try {
      save(await getFile(run, name), name);
    } catch (error) {
      notice(`The file ${name} could not be downloaded: ${error.message}.`);
    }
    button.disabled = false;
  };
  return el("button", { type: "button", "aria-label": `Download ${name}`, onclick }, "Download");
}

function save(blob, name) {
  const href = URL.createObjectURL(blob);
  el("a", { href, download: name.split("/").at(-1) }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
