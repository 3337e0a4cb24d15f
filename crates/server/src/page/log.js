/*
 * The tab with the log: its last part first, then what is printed, as it is printed.
 */

import { get, getLog, runPath } from "./api.js";
import { el, sentence, setText, setVars } from "./dom.js";
import { downloadButton } from "./files.js";
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
  const excuse = whyNone(current());
  if (excuse) {
    host.append(sentence(excuse));
    return;
  }
  const run = current().id;
  const decoder = new TextDecoder();
  let view;
  let offset;
  await repeat(signal, async () => {
    if (!view) {
      offset = await startOf(run, signal);
      view = new View(host, run, offset);
      if (!isOver(current())) view.tellEmpty(current());
    }
    const piece = await getLog(run, offset, POLL_SECONDS, await seen(signal));
    offset = piece.next;
    view.add(decoder.decode(piece.bytes, { stream: true }));
    view.setLive(!piece.complete);
    view.tellEmpty(current());
    return piece.complete ? DONE : null;
  });
}

function whyNone(run) {
  if (run.kind === "pipeline") return "A pipeline prints nothing itself: choose a step to see its log.";
  if (run.kind !== "interactive") return null;
  return "A program outside of Stepwell opened this run, so what it prints is not recorded here.";
}

/** Where the last part of a log begins, so that a long one is there as soon as a short one. */
async function startOf(run, signal) {
  const { files } = await get(runPath(run, "files"), { prefix: LOG }, signal);
  const size = files.find((file) => file.name === LOG)?.size ?? 0;
  return Math.max(0, size - FIRST_BYTES);
}

class View {
  #pre = el("pre", { class: "log", tabindex: 0, role: "log", "aria-label": "Log" });
  #about = el("span", { class: "muted" });
  #empty = sentence();
  #follow = el("button", { type: "button", "aria-pressed": "true" }, "Follow");
  #text = new LogText(this.#pre);
  #isFollowing = true;
  #skipsLine;
  #from;

  constructor(host, run, from) {
    this.#from = from;
    this.#skipsLine = from > 0;
    this.#follow.hidden = true;
    this.#follow.addEventListener("click", () => this.#setFollowing(!this.#isFollowing));
    this.#pre.addEventListener("scroll", () => this.#setFollowing(this.#isAtEnd), { passive: true });
    const tools = el("p", { class: "tools" }, this.#about, this.#follow, downloadButton(run, LOG));
    host.append(tools, this.#empty, this.#pre);
    // The log takes the rest of the window.
    setVars(this.#pre, { top: `${host.getBoundingClientRect().top + scrollY}px` });
    this.#tellCut();
  }

  get #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#pre;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #setFollowing(isFollowing) {
    if (isFollowing === this.#isFollowing) return;
    this.#isFollowing = isFollowing;
    this.#follow.setAttribute("aria-pressed", String(isFollowing));
    if (isFollowing && !this.#isAtEnd) this.#pre.scrollTop = this.#pre.scrollHeight;
  }

  /** Adds text; the first part of a long log begins within a line, which is left out. */
  add(text) {
    if (text === "") return;
    this.#text.append(this.#skipsLine ? text.slice(text.indexOf("\n") + 1) : text);
    this.#skipsLine = false;
    if (this.#isFollowing) this.#pre.scrollTop = this.#pre.scrollHeight;
    this.#tellCut();
  }

  /** Whether more may come. */
  setLive(isLive) {
    this.#follow.hidden = !isLive;
  }

  /** Says why there is nothing, if there is nothing. */
  tellEmpty(run) {
    this.#pre.hidden = this.#pre.textContent === "";
    this.#empty.hidden = !this.#pre.hidden;
    if (!this.#empty.hidden) setText(this.#empty, emptiness(run));
  }

  #tellCut() {
    const isCut = this.#from > 0 || this.#text.isCut;
    const left = this.#from > 0 ? `the first ${bytes(this.#from)} are` : "the beginning is";
    setText(this.#about, isCut ? `The end of a long log: ${left} in the download.` : "");
  }
}

function emptiness(run) {
  if (!isOver(run)) {
    return run.status === "Running" ? "Nothing printed yet." : "Not started yet; its log will appear here.";
  }
  return run.started_at ? "It printed nothing." : run.error?.message ?? "It never started, so there is no log.";
}
