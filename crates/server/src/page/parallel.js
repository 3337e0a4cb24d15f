/*
 * How far a parallel step is: a bar, a line of counts, and what each worker does.
 */

import { Refused, get, runPath } from "./api.js";
import { el } from "./dom.js";
import { DONE, repeat, seen, sleep } from "./repeat.js";
import { isOver, state as stateOf } from "./words.js";

const LOOK_MS = 1000;
/** More workers than this are counted, not listed. */
const WORKERS_MAX = 64;

export const isParallel = (run) => run.step_kind === "ParallelRunStep";

/** Keeps the picture in `host` fresh until the run is over. */
export async function showParallel(host, current, signal) {
  await repeat(signal, async () => {
    const over = isOver(current());
    host.className = `progress ${stateOf(current())}`;
    const progress = await find(current().id, await seen(signal));
    if (progress) host.replaceChildren(...picture(progress));
    return over ? DONE : sleep(LOOK_MS, signal);
  });
}

/** A step that has not started has no progress. */
async function find(id, signal) {
  try {
    return await get(runPath(id, "parallel"), {}, signal);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

function picture({ tally, all_planned, in_flight, items_per_s, left_s, state, workers }) {
  const settled = tally.done + tally.failed;
  const bar = all_planned
    ? el("progress", { max: Math.max(tally.planned, 1), value: settled })
    : el("progress", {});
  const words = [
    `${tally.done} of ${tally.planned}${all_planned ? "" : "+"} mini-batches done`,
    `${tally.failed} failed`,
    ...(state === "running" ? [`${in_flight} in flight`] : []),
    `${items_per_s.toFixed(1)} items/s`,
    ...(state === "running" && left_s !== null ? [`${Math.ceil(left_s)} s left`] : []),
  ];
  const line = el("p", { class: "about" }, words.join(" · "));
  if (state !== "running") return [bar, line];
  const tell = ({ node, place, state: doing, batch }) =>
    el("li", {}, `node ${node}, worker ${place}: ${doing}${batch === null ? "" : ` (${batch})`}`);
  const list = el("ul", { class: "chips" }, ...workers.slice(0, WORKERS_MAX).map(tell));
  return [bar, line, list];
}
