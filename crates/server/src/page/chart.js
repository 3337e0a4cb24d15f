/*
 * A small line chart: one series, in an SVG that stretches with its card.
 *
 * The plot is drawn in percent and stretched; letters and the marker lie over it as HTML, so that
 * they keep their shape. Values that are no numbers leave a gap.
 */

import { el, setText, setVars, svg } from "./dom.js";
import { value } from "./words.js";

/** More points than a chart has pixels are drawn as the lowest and highest of each stretch. */
const DRAWN_MAX = 1000;
const TICKS = 3;

/** A chart of points `{x, y}` in the order of `x`; `across` is the word for `x`. */
export function chart(name, points, across) {
  const known = points.filter(({ y }) => Number.isFinite(y));
  const scale = scaleOf(known);
  const readout = el("output", {}, value(points.at(-1).y));
  const marker = el("i", { class: "marker", hidden: true });
  const plot = el("div", { class: "plot" }, picture(points, scale), marker);
  follow(plot, (share) => {
    const point = share === null ? null : nearest(known, scale, share);
    marker.hidden = !point;
    setText(readout, point ? `${value(point.y)} at ${across} ${value(point.x)}` : value(points.at(-1).y));
    if (point) setVars(marker, { x: `${scale.x(point.x)}%`, y: `${scale.y(point.y)}%` });
  });
  const labels = scale.ticks.map((tick) => {
    const label = el("span", {}, value(tick));
    setVars(label, { y: `${scale.y(tick)}%` });
    return label;
  });
  const summary = `${name}: ${points.length} values, from ${value(points[0].y)} to ${value(points.at(-1).y)}`;
  return el("figure", { class: "metric", role: "group", "aria-label": summary },
    el("figcaption", {}, el("span", { title: name }, name), readout),
    el("div", { class: "axes", "aria-hidden": "true" }, el("div", { class: "y" }, ...labels), plot),
    el("div", { class: "x", "aria-hidden": "true" },
      el("span", {}, value(points[0].x)), el("span", {}, across), el("span", {}, value(points.at(-1).x))));
}

/** How values lie in percent of the plot, and the round values to mark. */
function scaleOf(points) {
  const [left, right] = bounds(points.map(({ x }) => x));
  const [lowest, highest] = bounds(points.map(({ y }) => y));
  const step = roundStep((highest - lowest) / TICKS);
  // A value that is round itself must not be taken for one a trifle beyond.
  const low = Math.floor(lowest / step + 1e-9) * step;
  const high = Math.ceil(highest / step - 1e-9) * step;
  const count = Math.round((high - low) / step);
  return {
    x: (x) => (100 * (x - left)) / (right - left),
    y: (y) => 100 - (100 * (y - low)) / (high - low),
    ticks: Array.from({ length: count + 1 }, (_, index) => Number((low + index * step).toPrecision(12))),
  };
}

/** The lowest and the highest value, never the same. */
function bounds(values) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(low)) return [0, 1];
  return low < high ? [low, high] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
}

/** The next 1, 2 or 5 times a power of ten. */
function roundStep(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= step * 0.999);
}

function picture(points, scale) {
  const grid = scale.ticks.map((tick) => `M0 ${scale.y(tick)}H100`).join("");
  let isDown = false;
  const line = thinned(points).map(({ x, y }) => {
    if (!Number.isFinite(y)) {
      isDown = false;
      return "";
    }
    const command = isDown ? "L" : "M";
    isDown = true;
    return `${command}${scale.x(x).toFixed(2)} ${scale.y(y).toFixed(2)}`;
  });
  return svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" },
    svg("path", { class: "grid", d: grid }), svg("path", { class: "line", d: line.join("") }));
}

function thinned(points) {
  const size = Math.ceil(points.length / (DRAWN_MAX / 2));
  if (size <= 2) return points;
  const drawn = [];
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size);
    const low = part.reduce((a, b) => (b.y < a.y ? b : a));
    const high = part.reduce((a, b) => (b.y > a.y ? b : a));
    drawn.push(...(low.x <= high.x ? [low, high] : [high, low]));
  }
  return drawn;
}

/** Calls back with how far to the right the pointer is, from 0 to 1; null when it is gone. */
function follow(plot, callback) {
  plot.addEventListener("pointermove", (event) => {
    const { left, width } = plot.getBoundingClientRect();
    callback((event.clientX - left) / width);
  });
  plot.addEventListener("pointerleave", () => callback(null));
}

function nearest(points, scale, share) {
  const distance = ({ x }) => Math.abs(scale.x(x) - 100 * share);
  return points.reduce((best, point) => (!best || distance(point) < distance(best) ? point : best), null);
}
