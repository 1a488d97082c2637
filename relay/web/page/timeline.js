// Bars of what the centre holds: one row for each layer, gaps hatched, with their reason.

import { el } from "./dom.js";
import { dayAndTime, span } from "./time.js";
import { t } from "./text.js";

export const LAYERS = ["still", "proxy", "original"];
const LEAST_PERCENT = 0.35;

export function place(node, from, to, start, end) {
  const whole = to - from;
  const left = Math.max(0, (start - from) / whole) * 100;
  const right = Math.min(1, (end - from) / whole) * 100;
  node.style.left = `${Math.min(left, 100 - LEAST_PERCENT)}%`;
  node.style.width = `${Math.max(LEAST_PERCENT, right - left)}%`;
  return node;
}

export function gapText(gap) {
  return t("timeline.gap", {
    from: dayAndTime(gap.start_us), to: dayAndTime(gap.end_us),
    length: span(gap.end_us - gap.start_us), reason: gap.reason,
  });
}

const inside = (from, to) => ([start, end]) => end >= from && start <= to;

function row(layer, coverage, from, to, tell) {
  const node = el("div", { class: `bar bar-${layer}`, data: { layer } });
  // Thinned proxies lie below the proxies that may follow them.
  for (const [name, kind] of layer === "proxy" ? [["thin", "held thin"], ["proxy", "held"]] : [[layer, "held"]]) {
    for (const [start, end] of (coverage.layers[name] ?? []).filter(inside(from, to))) {
      node.append(place(el("i", { class: kind }), from, to, start, end));
    }
  }
  for (const gap of coverage.gaps) {
    if (gap.layer && gap.layer !== layer) continue;
    if (!inside(from, to)([gap.start_us, gap.end_us])) continue;
    const text = gapText(gap);
    const piece = el("button", {
      class: "gap", type: "button", title: text, "aria-label": text,
      on: { click: (event) => { event.stopPropagation(); tell(text); } },
    });
    node.append(place(piece, from, to, gap.start_us, gap.end_us));
  }
  return node;
}

// Draws into `node`: `coverage` is {layers: {layer: [[start, end]]}, gaps: [gap]}.
export function drawTimeline(node, coverage, from, to, tell) {
  const rows = LAYERS.map((layer) => row(layer, coverage, from, to, tell));
  node.replaceChildren(...rows);
}

export const EMPTY = { layers: {}, gaps: [] };
