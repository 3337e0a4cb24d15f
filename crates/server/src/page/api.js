/*
 * Asking the server: one function for each shape of answer.
 *
 * The token comes with the address that a program prints; it is taken out of the address at once
 * and kept for this browser tab. A tab that was opened from another one asks its siblings for it.
 *
 * Invariant: the token is sent to this server only, in a header, and is never part of a link.
 */

import { setClock } from "./words.js";

const KEY = "stepwell-token";
const SIBLING_MS = 150;

/** The server does not answer; asking again later may help. */
export class Unreachable extends Error {}

/** The server answered no. */
export class Refused extends Error {
  constructor(status, { message, hint = "" }) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

let token = null;

/** Finds the token; to be awaited before anything is asked for. */
export async function findToken() {
  const address = new URL(location.href);
  const given = address.searchParams.get("token");
  if (given) {
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  const siblings = new BroadcastChannel(KEY);
  token = given ?? sessionStorage.getItem(KEY) ?? (await askSiblings(siblings));
  if (token) sessionStorage.setItem(KEY, token);
  siblings.onmessage = ({ data }) => {
    if (data === "ask" && token) siblings.postMessage({ token });
  };
}

function askSiblings(siblings) {
  return new Promise((answer) => {
    siblings.onmessage = ({ data }) => data.token && answer(data.token);
    siblings.postMessage("ask");
    setTimeout(() => answer(null), SIBLING_MS);
  });
}

/** Keeps a token that a person typed. */
export function keepToken(typed) {
  sessionStorage.setItem(KEY, typed);
}

/** The path of a run or of something below it. */
export const runPath = (id, ...rest) => ["/runs", id, ...rest].map(encodePath).join("/");

const encodePath = (part) => part.split("/").map(encodeURIComponent).join("/");

/** The answer as it comes, once its head is there and says yes. */
export async function ask(path, { query = {}, method = "GET", signal } = {}) {
  const search = new URLSearchParams(query).toString();
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let answer;
  try {
    answer = await fetch(`/api/v1${path}${search && `?${search}`}`, { method, headers, signal });
  } catch (error) {
    throw signal?.aborted ? error : new Unreachable(error.message);
  }
  if (answer.headers.has("date")) setClock(answer.headers.get("date"));
  if (answer.ok) return answer;
  throw await refusal(answer);
}

async function refusal(answer) {
  const plain = { message: `the server answered ${answer.status}` };
  const reply = await answer.json().catch(() => ({}));
  return new Refused(answer.status, reply.error ?? plain);
}

/** The answer's body, all of it; a connection that breaks on the way is like none. */
async function whole(answer, read, signal) {
  try {
    return await read(answer);
  } catch (error) {
    throw signal?.aborted ? error : new Unreachable(error.message);
  }
}

/** The answer as JSON. */
export async function get(path, query, signal) {
  const answer = await ask(path, { query, signal });
  return whole(answer, (body) => body.json(), signal);
}

/** The answer as text. */
export async function getText(path, signal) {
  const answer = await ask(path, { signal });
  return whole(answer, (body) => body.text(), signal);
}

/** A file of a run. */
export async function getFile(run, name, signal) {
  const answer = await ask(runPath(run, "files", name), { signal });
  return whole(answer, (body) => body.blob(), signal);
}

/** A piece of a run's log; waits for `seconds` until there is something new. */
export async function getLog(run, offset, seconds, signal) {
  const query = { offset, timeout_s: seconds };
  const answer = await ask(runPath(run, "log"), { query, signal });
  const bytes = await whole(answer, (body) => body.arrayBuffer(), signal);
  return {
    bytes,
    next: Number(answer.headers.get("x-stepwell-next-offset") ?? offset + bytes.byteLength),
    complete: answer.headers.get("x-stepwell-complete") === "true",
  };
}

/** The changes of a run and its steps, as they happen, until the stream ends. */
export async function* getEvents(root, after, signal) {
  const answer = await ask(runPath(root, "events"), { query: { after }, signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await whole(reader, (stream) => stream.read(), signal);
    if (done) return;
    const blocks = (text + value).replaceAll("\r", "").split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n").filter((line) => line.startsWith("data:"));
      if (lines.length) yield JSON.parse(lines.map((line) => line.slice(5)).join("\n"));
    }
  }
}
