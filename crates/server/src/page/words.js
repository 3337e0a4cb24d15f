/*
 * How statuses, times, sizes and numbers are written for people; the command line writes them alike.
 * Pure, but for the server's clock, which `setClock` sets.
 */

/** The states of the graph's picture, which are also the classes that give a colour. */
const STATES = {
  NotStarted: "waiting",
  Queued: "queued",
  Preparing: "preparing",
  Running: "running",
  CancelRequested: "running",
  Completed: "succeeded",
  Failed: "failed",
  Canceled: "cancelled",
};

export const isOver = (run) => ["Completed", "Failed", "Canceled"].includes(run.status);

const isSkipped = (run) => run.status === "Canceled" && !run.started_at && run.parent !== null;

/** The state as a class of the picture. */
export const state = (run) => (isSkipped(run) ? "skipped" : STATES[run.status] ?? "waiting");

/** The status in one word, the same that tables and pictures have. */
export const word = (run) =>
  run.reused_from ? "Reused" : isSkipped(run) ? "Skipped" : run.status;

/** What to call a run: `churn #3` for one with a number, else its name. */
export function title(run) {
  if (run.parent === null && run.number > 0) return `${run.experiment} #${run.number}`;
  return run.display_name || run.experiment;
}

let ahead = 0;

/** Takes over the server's clock, known to the second; a small difference may be the rounding. */
export function setClock(date) {
  const difference = Date.parse(date) - Date.now();
  ahead = Math.abs(difference) > 2000 ? difference : 0;
}

/** The server's time, in milliseconds. */
export const now = () => Date.now() + ahead;

/** How long a run took or has been taking; null before its start. */
export function tookMs(run) {
  if (!run.started_at) return null;
  const end = run.ended_at ? Date.parse(run.ended_at) : now();
  return Math.max(0, end - Date.parse(run.started_at));
}

/** How long a run took; of one that goes on, whole seconds, as they tick. */
export function took(run) {
  const ms = tookMs(run);
  if (ms === null) return "";
  return !run.ended_at && ms < 60_000 ? `${Math.floor(ms / 1000)} s` : span(ms);
}

/** A span of milliseconds, to the precision that matters. */
export function span(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 60) return `${seconds}.${Math.floor((ms % 1000) / 100)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** A time today as hours to seconds, an earlier one with its date. */
export function moment(text) {
  if (!text) return "";
  const then = new Date(text);
  const isToday = then.toDateString() === new Date(now()).toDateString();
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return isToday
    ? then.toLocaleTimeString([], { ...time, second: "2-digit" })
    : then.toLocaleString([], { ...time, month: "short", day: "numeric" });
}

/** A number of bytes, in powers of ten. */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = count / 1000;
  let unit = 0;
  for (; value >= 999.5 && unit + 1 < units.length; unit += 1) value /= 1000;
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** A logged value: a number in five digits, anything else as it is. */
export function value(logged) {
  if (typeof logged === "string") return logged;
  if (typeof logged !== "number") return JSON.stringify(logged);
  if (Number.isInteger(logged) && Math.abs(logged) < 1e9) return String(logged);
  const short = Number(logged.toPrecision(5));
  return Math.abs(short) < 1e9 ? String(short) : short.toExponential();
}
