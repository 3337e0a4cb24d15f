/*
 * The tab with the log: its last part first, then what is printed, as it is printed.
 */

import { get, getLog, Refused, runPath } from "./api.js";
import { el, sentence, setText } from "./dom.js";
import { download } from "./files.js";
import { LogText } from "./logtext.js";
import { DONE, repeat, seen } from "./repeat.js";
import { bytes, isOver } from "./words.js";

const LOG = "user_logs/std_log.txt";
const FIRST_BYTES = 200_000;
const POLL_SECONDS = 20;
/** This near to the end counts as at the end. */
const NEAR_PX = 24;

/** Fills the tab until the signal is aborted. `current` gives the run as it is known now. */
export async function showLog(host, current, signal) {
  const run = current();
  const excuse = whyNone(run);
  if (excuse) return host.append(sentence(excuse));
  const view = new View(host, run);
  const from = await startOf(run.id, signal);
  let offset = from;
  let skipsLine = from > 0;
  const decoder = new TextDecoder();
  await repeat(signal, async () => {
    const turn = await seen(signal);
    const piece = await getLog(run.id, offset, offset === from ? 0 : POLL_SECONDS, turn);
    const isFirst = offset === from && piece.bytes.byteLength === 0;
    offset = piece.next;
    let text = decoder.decode(piece.bytes, { stream: true });
    if (skipsLine && text) {
      text = text.slice(text.indexOf("\n") + 1);
      skipsLine = false;
    }
    view.add(text);
    view.tell({ from, offset, isComplete: piece.complete, run: current() });
    if (piece.complete) return DONE;
    // An empty log is asked for once without patience, then waited for.
    if (isFirst) await waitForFirst(view);
    return undefined;

    async function waitForFirst() {
      const next = await getLog(run.id, offset, POLL_SECONDS, turn);
      offset = next.next;
      view.add(decoder.decode(next.bytes, { stream: true }));
    }
  });
}
