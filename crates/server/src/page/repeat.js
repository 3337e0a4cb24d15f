/*
 * Work that goes on while the page is open.
 *
 * A browser lets a server have six connections at once over all tabs, so a page that nobody sees
 * must not hold one: what waits for the server first awaits `seen`, and is cut off when the page
 * is hidden.
 */

import { Unreachable } from "./api.js";
import { notice } from "./dom.js";

const AGAIN_MS = 2000;

/** What `repeat`'s work returns when there is nothing more to do. */
export const DONE = Symbol("done");

/** Calls `work` until it returns `DONE` or the signal is aborted. A server that is away is waited
 * for; any other failure ends the loop and is thrown. */
export async function repeat(signal, work) {
  while (!signal.aborted) {
    try {
      const result = await work();
      notice("");
      if (result === DONE) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error.name === "AbortError") continue;
      if (!(error instanceof Unreachable)) throw error;
      notice("The server does not answer. Steps go on without it; this page keeps trying.");
      await sleep(AGAIN_MS, signal);
    }
  }
}

/** Waits; less when the signal is aborted. */
export function sleep(ms, signal) {
  return new Promise((wake) => {
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), wake()), { once: true });
  });
}

let presence = new AbortController();
document.addEventListener("visibilitychange", () => {
  if (document.hidden) presence.abort();
  else presence = new AbortController();
});

/** Waits until the page is seen, and gives a signal that is aborted when it no longer is. */
export async function seen(signal) {
  while (document.hidden && !signal.aborted) {
    await new Promise((wake) => {
      document.addEventListener("visibilitychange", wake, { once: true });
      signal.addEventListener("abort", wake, { once: true });
    });
  }
  return AbortSignal.any([signal, presence.signal]);
}

/** Lets one loop hurry another. A ring that nobody waits for is remembered. */
export class Bell {
  #rung = false;
  #wake = () => {};

  ring() {
    this.#rung = true;
    this.#wake();
  }

  /** Waits for a ring, but not longer than this. */
  async heard(ms) {
    if (!this.#rung) {
      await new Promise((wake) => {
        this.#wake = wake;
        setTimeout(wake, ms);
      });
    }
    this.#rung = false;
  }
}
