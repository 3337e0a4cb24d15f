/*
 * Asking the server: one function for each shape of answer.
 *
 * The address that a program prints carries a ticket; it is taken out of the address at once and
 * exchanged for a cookie that no script can read. A page of this server says so in a header, since
 * the cookie alone would also come with what another site's page asks for.
 *
 * Invariant: no token and no ticket is kept by the page or is part of a link on it.
 */

import { setClock } from "./words.js";

const PAGE = { "X-Stepwell-Page": "1" };

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

/** Lets this browser in when the address has a ticket; to be awaited before anything is asked. */
export async function enter() {
  const address = new URL(location.href);
  const ticket = address.searchParams.get("ticket");
  if (!ticket) return;
  address.searchParams.delete("ticket");
  history.replaceState(null, "", address);
  // An old link does no harm to a browser that was let in by another: what follows will tell.
  await openSession({}, { ticket }).catch(() => {});
}

/** Lets this browser in by a token that a person typed. */
export const enterWith = (token) => openSession({ Authorization: `Bearer ${token}` }, {});

async function openSession(headers, body) {
  const answer = await fetch("/session", { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw await refusal(answer);
}

/** The path of a run or of something below it. */
export const runPath = (id, ...rest) => ["/runs", id, ...rest].map(encodePath).join("/");

const encodePath = (part) => part.split("/").map(encodeURIComponent).join("/");

/** The answer as it comes, once its head is there and says yes. */
export async function ask(path, { query = {}, method = "GET", signal } = {}) {
  const search = new URLSearchParams(query).toString();
  const request = { method, headers: PAGE, signal };
  let answer;
  try {
    answer = await fetch(`/api/v1${path}${search && `?${search}`}`, request);
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
