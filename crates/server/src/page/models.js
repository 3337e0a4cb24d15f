/*
 * The models that a run and the runs below it made.
 *
 * What is known is given at once; it is asked for again now and then while the run goes on, and
 * whoever shows it is notified when it has changed.
 */

import { get } from "./api.js";
import { bytes, isOver } from "./words.js";

const AGAIN_MS = 5000;
const SHOWN_MAX = 50;

const known = new Map();

/** The models as names and what there is to say of each; `changed` is called when they differ. */
export function modelsOf(run, changed) {
  const entry = known.get(run.id) ?? { models: [], asked: -Infinity, over: false };
  known.set(run.id, entry);
  if (!entry.over && performance.now() - entry.asked > AGAIN_MS) {
    entry.asked = performance.now();
    ask(run, entry, changed);
  }
  const shown = entry.models.slice(0, SHOWN_MAX).map((model) => [
    `${model.name}:${model.version}`,
    [model.framework, model.framework_version, size(model)].filter(Boolean).join(" "),
  ]);
  const more = entry.models.length - SHOWN_MAX;
  return more > 0 ? [...shown, ["And more", String(more)]] : shown;
}

async function ask(run, entry, changed) {
  const wasOver = isOver(run);
  try {
    const { models } = await get("/models", { under: run.id });
    entry.over = wasOver;
    if (JSON.stringify(models) === JSON.stringify(entry.models)) return;
    entry.models = models;
    changed();
  } catch {
    // The next look asks again.
  }
}

const size = ({ files }) => bytes(files.reduce((sum, file) => sum + file.size, 0));
