/*
 * Where the lines of parallel coordinates lie, in percent of the picture. Pure: it knows no page.
 *
 * An axis of numbers is linear, or logarithmic where all are positive and far apart; one of other
 * values has a place for each. A trial without a number to compare ends at the worst place.
 */

const FAR_APART = 1000;

/** The axes of a search: one for each name of a value, in the order of the names, then the metric. */
export function axesOf({ trials, metric, is_more_better: isMoreBetter }) {
  const names = [...new Set(trials.flatMap(({ values }) => Object.keys(values)))];
  const axes = names.map((name) => axis(name, trials.map(({ values }) => values[name])));
  axes.push(axis(metric, trials.map(({ best }) => best), true, !isMoreBetter));
  return axes.map((each, index) => ({ ...each, x: place(index, axes.length) }));
}

/** The line of each trial, the best last, so that it lies on top. */
export function linesOf({ trials }, axes) {
  const last = axes.at(-1);
  const lines = trials.map((trial, index) => {
    const at = (each) => each.y(each === last ? trial.best : trial.values[each.name]);
    const d = axes.map((each, number) => `${number ? "L" : "M"}${each.x} ${round(at(each))}`).join("");
    const good = trial.best === null ? 0 : round(1 - last.y(trial.best) / 100);
    return { id: trial.run, d, good, isBest: index === 0 && trial.best !== null };
  });
  return lines.reverse();
}

const round = (number) => Number(number.toFixed(2));

/** Axes stand apart evenly, with room for letters at both ends. */
const place = (index, count) => round(count === 1 ? 50 : 6 + (88 * index) / (count - 1));

function axis(name, all, isNumber = false, isTurned = false) {
  const known = all.filter((one) => one !== undefined && one !== null);
  if (isNumber || known.every((one) => typeof one === "number")) {
    return numeric(name, known, isTurned);
  }
  const texts = [...new Set(known.map(textOf))].sort();
  const y = (one) => 100 - (100 * (texts.indexOf(textOf(one)) + 0.5)) / texts.length;
  return {
    name,
    y: (one) => (one === undefined ? 100 : y(one)),
    ticks: texts.map((text) => ({ text, y: round(y(text)) })),
  };
}

const textOf = (one) => (typeof one === "string" ? one : JSON.stringify(one));

/** The best is on top: `isTurned` where less is better. */
function numeric(name, known, isTurned) {
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
  if (known.length === 0) return { name, y: () => 100, ticks: [] };
  const bend = low > 0 && high / low >= FAR_APART ? Math.log : (one) => one;
  const share = (one) => (high > low ? (bend(one) - bend(low)) / (bend(high) - bend(low)) : 0.5);
  const y = (one) => {
    if (one === undefined || one === null) return 100;
    return isTurned ? 100 * share(one) : 100 - 100 * share(one);
  };
  const ends = high > low ? [low, high] : [low];
  const tick = (end) => ({ text: String(Number(end.toPrecision(4))), y: round(y(end)) });
  return { name, y, ticks: ends.map(tick) };
}
