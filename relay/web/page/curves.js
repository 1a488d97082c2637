// Curves over time: lines that break where nothing is known, and gaps drawn as gaps. Of many points
// the least and the greatest of each column of the screen stay.

import { el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
export const WIDE = 1000; // of the drawing, whatever its width on the screen is
const TALL = 100;
const MARGIN = 5;

function svgNode(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

// The points of `values` ([us, number or null]) that are seen: of each column the first, the least, the
// greatest and the last; null where the line breaks.
function seen(values, from, to, breakUs) {
  const found = [];
  let column = null;
  let lastUs = null;
  const flush = () => {
    if (column) for (const point of [...new Set([column.first, ...[column.least, column.most].sort((a, b) => a[0] - b[0]), column.last])]) found.push(point);
    column = null;
  };
  for (const point of values) {
    const [us, value] = point;
    if (!Number.isFinite(value) || (lastUs !== null && us - lastUs > breakUs)) { flush(); found.push(null); }
    if (!Number.isFinite(value)) { lastUs = null; continue; }
    const at = Math.floor((us - from) / (to - from) * WIDE);
    if (column && column.at !== at) flush();
    column ??= { at, first: point, least: point, most: point };
    if (value < column.least[1]) column.least = point;
    if (value > column.most[1]) column.most = point;
    column.last = point;
    lastUs = us;
  }
  flush();
  return found;
}

export function pathOf(values, { from, to, low, high, breakUs }) {
  const room = high - low || 1;
  let path = "";
  let pen = "M";
  let dot = null;
  const end = () => { if (dot) path += `h0.01`; dot = null; };
  for (const point of seen(values, from, to, breakUs)) {
    if (point === null) { end(); pen = "M"; continue; }
    const x = ((point[0] - from) / (to - from)) * WIDE;
    const y = TALL - MARGIN - ((point[1] - low) / room) * (TALL - 2 * MARGIN);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    dot = pen === "M" ? point : null;
    pen = "L";
  }
  end();
  return path;
}

// {low, high} of numbers, at least `least` apart; null when there are none.
export function rangeOf(values, least = 1) {
  let low = Infinity;
  let high = -Infinity;
  for (const [, value] of values) if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  if (low > high) return null;
  const more = Math.max(0, least - (high - low)) / 2;
  return { low: low - more, high: high + more };
}

export function gapNodes(gaps, from, to, textOf) {
  return gaps.filter(([start, end]) => end > from && start < to).map(([start, end, why]) => {
    const left = Math.max(0, (start - from) / (to - from)) * 100;
    const right = Math.min(1, (end - from) / (to - from)) * 100;
    const node = el("i", { class: "curve-gap", title: textOf(start, end, why) });
    node.style.left = `${left.toFixed(3)}%`;
    node.style.width = `${Math.max(0.15, right - left).toFixed(3)}%`;
    return node;
  });
}

// A box with lines: each {values, low, high, name}. `label` says it to who does not see it.
export function curveBox({ lines, from, to, breakUs, gaps = [], textOf = () => "", label }) {
  const svg = svgNode("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none", class: "curve-lines", role: "img", "aria-label": label });
  for (const { values, low, high, name } of lines) svg.append(svgNode("path", { d: pathOf(values, { from, to, low, high, breakUs }), class: `curve-${name}` }));
  return el("div", { class: "curve" }, svg, ...gapNodes(gaps, from, to, textOf));
}
