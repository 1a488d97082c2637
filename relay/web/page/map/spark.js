// Small lines of the last half hour: one for each quantity, broken where nothing came.

import { columnText, valueText } from "./units.js";
import { t } from "../text.js";
import { minuteOfDay } from "../time.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 150;
const TALL = 30;
const BREAK_SHARE = 0.05; // of the span: a longer silence is a gap

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

// `points` are [time_us, number or null]; null when there is nothing to draw.
export function sparkline(points, from, to, label) {
  const known = points.filter(([, value]) => Number.isFinite(value));
  if (known.length < 2) return null;
  const values = known.map(([, value]) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = high - low || 1;
  const x = (us) => ((us - from) / (to - from)) * WIDE;
  const y = (value) => (high === low ? TALL / 2 : TALL - 3 - ((value - low) / room) * (TALL - 6));
  let path = "";
  let last = -Infinity;
  for (const [us, value] of points) {
    if (!Number.isFinite(value)) { last = -Infinity; continue; }
    path += `${us - last > (to - from) * BREAK_SHARE ? "M" : "L"}${x(us).toFixed(1)} ${y(value).toFixed(1)}`;
    last = us;
  }
  const svg = node("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none", class: "spark", role: "img", "aria-label": label });
  svg.append(node("path", { d: path }));
  const [endUs, end] = known.at(-1);
  svg.append(node("circle", { cx: x(endUs).toFixed(1), cy: y(end).toFixed(1), r: 2.2 }));
  return svg;
}

// The answer of /api/telemetry/history as {column: svg}.
export function sparklines(stream, history, from, to) {
  const made = new Map();
  history.columns.forEach((column, at) => {
    const points = history.samples.map((row) => [row[0], typeof row[4 + at] === "number" ? row[4 + at] : null]);
    const known = points.map(([, value]) => value).filter((value) => value !== null);
    if (known.length < 2) return;
    const [low, high] = [Math.min(...known), Math.max(...known)].map((value) => valueText(stream, column.name, value, column.unit).text);
    const label = t("card.spark", { what: columnText(stream, column.name), low, high, from: minuteOfDay(from), to: minuteOfDay(to) });
    const svg = sparkline(points, from, to, label);
    if (svg) made.set(column.name, { svg, range: low === high ? "" : `${low} … ${high}`, label });
  });
  return made;
}
