/*
 * What a program printed, as text that is still being written: terminal colours are taken out,
 * a progress bar that rewrites its line stays one line, and tracebacks stand out.
 *
 * Invariant: the last child of the element is the line that has not ended yet.
 */

import { el } from "./dom.js";

const SHOWN_MAX = 2_000_000;
const TERMINAL_CODES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
const TRACEBACK = /^\s*(?:[+|]\s+)*Traceback \(most recent call last\):/;

export class LogText {
  /** Whether so much was printed that its beginning is no longer shown. */
  isCut = false;
  #node;
  #open = document.createTextNode("");
  #rest = "";
  #length = 0;
  #inTraceback = false;

  constructor(node) {
    this.#node = node;
    node.replaceChildren(this.#open);
  }

  /** Adds what was printed since. */
  append(text) {
    const all = this.#rest + text;
    const end = all.lastIndexOf("\n") + 1;
    this.#rest = all.slice(end);
    this.#open.data = shown(this.#rest);
    if (end > 0) this.#addLines(all.slice(0, end - 1).split("\n"));
  }

  #addLines(lines) {
    const pieces = [];
    for (const line of lines.map(shown)) {
      const kind = this.#kind(line);
      if (pieces.at(-1)?.kind !== kind) pieces.push({ kind, lines: [] });
      pieces.at(-1).lines.push(`${line}\n`);
    }
    for (const { kind, lines: same } of pieces) {
      const text = same.join("");
      this.#open.before(kind ? el("span", { class: kind }, text) : text);
      this.#length += text.length;
    }
    this.#trim();
  }

  /** A traceback goes on while its lines are indented, and ends with the line that names the error. */
  #kind(line) {
    if (TRACEBACK.test(line)) {
      this.#inTraceback = true;
      return "trace";
    }
    if (!this.#inTraceback) return "";
    this.#inTraceback = line === "" || /^\s/.test(line);
    return this.#inTraceback ? "trace" : "trace error";
  }

  #trim() {
    while (this.#length > SHOWN_MAX && this.#node.firstChild !== this.#open) {
      this.#length -= this.#node.firstChild.textContent.length;
      this.#node.firstChild.remove();
      this.isCut = true;
    }
  }
}

/** A line as a terminal would show it in the end. */
function shown(line) {
  const plain = line.replace(TERMINAL_CODES, "").replace(/\r+$/, "");
  return plain.slice(plain.lastIndexOf("\r") + 1);
}
