/*
 * The tab with everything else that is known of a run.
 */

import { el } from "./dom.js";
import { modelsOf } from "./models.js";
import { bytes, isOver, span, tookMs, word } from "./words.js";

/** Fills the tab. */
export function showDetails(host, current) {
  const run = current();
  host.replaceChildren(
    section("Run", [
      ["Id", code(run.id)],
      ["Kind", run.step_kind ? `${run.kind} (${run.step_kind})` : run.kind],
      ["Status", word(run)],
      ["Why", isOver(run) && run.error?.message],
      ["Waiting", run.waiting && `${run.waiting.message}, since ${when(run.waiting.since)}`],
      ["Compute target", run.target],
      ["Snapshot", run.snapshot && code(run.snapshot)],
      ["Accepted", time(run.created_at)],
      ["In queues", run.queued_seconds > 0 && span(run.queued_seconds * 1000)],
      ["Started", time(run.started_at)],
      ["Ended", time(run.ended_at)],
      ["Duration", tookMs(run) !== null && isOver(run) && span(tookMs(run))],
      ["Submitted by", run.user],
      ["Description", run.description],
    ]),
    section("Usage", usage(run.usage)),
    section("Parameters", Object.entries(run.parameters)),
    section("Outputs", run.outputs.map(output)),
    section("Models", modelsOf(run, () => host.isConnected && showDetails(host, current))),
    section("Properties", Object.entries(run.properties)),
    section("Tags", Object.entries(run.tags)),
  );
}

/** A titled list of names and values; those without a value are left out. */
function section(heading, entries) {
  const filled = entries.filter(([, content]) => content || content === 0);
  if (filled.length === 0) return "";
  const pairs = filled.map(([name, content]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, content)));
  return el("section", { class: "details" }, el("h3", {}, heading), el("dl", {}, ...pairs));
}

const code = (text) => el("code", {}, text);

const when = (text) => new Date(text).toLocaleString();

const time = (text) => text && el("time", { datetime: text }, when(text));

function usage(used) {
  if (!used) return [];
  return [
    ["Exit status", used.exit_code],
    ["Ended by signal", used.signal],
    ["Processor time", `${used.cpu_seconds.toFixed(2)} s`],
    ["Peak memory", bytes(used.peak_memory_bytes)],
    ["Nodes", used.nodes],
  ];
}

const output = ({ name, datastore, path, local_path: local }) => [
  name,
  code(local ?? `${datastore}: ${path}`),
];
