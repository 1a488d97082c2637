// Building elements. Text from outside goes in as text and nothing else.

export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = String(value);
    else if (name === "on") for (const [type, act] of Object.entries(value)) node.addEventListener(type, act);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// A mark is a shape as well as a colour: circle, triangle, square, ring.
const SHAPES = {
  live: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z",
  late: "M8 1.5 15 14H1z",
  down: "M2 2h12v12H2z",
  closed: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 3a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(path, label = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", label ? "false" : "true");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

// A verdict's: tick, triangle, cross, ring.
const VERDICTS = {
  kept: "M6.2 13.4 1.4 8.600l1.700-1.700 3.100 3.100 6.700-6.700 1.700 1.700z",
  at_risk: SHAPES.late,
  will_miss: "M3.200 1.500 8 6.300l4.800-4.800 1.700 1.700L9.700 8l4.800 4.800-1.700 1.700L8 9.700l-4.800 4.800-1.700-1.700L6.300 8 1.500 3.200z",
  unknown: SHAPES.closed,
};

export const verdictMark = (verdict) => icon(VERDICTS[verdict] ?? SHAPES.closed);

export const mark = (state) => icon(SHAPES[state] ?? SHAPES.closed);

// The longest run of `numbers` that rises, as the set of its places.
function rising(numbers) {
  const ends = []; // ends[length - 1]: the place of the least end of a run of that length
  const before = [];
  numbers.forEach((number, place) => {
    let at = 0;
    while (at < ends.length && numbers[ends[at]] < number) at += 1;
    before[place] = at ? ends[at - 1] : -1;
    ends[at] = place;
  });
  const found = new Set();
  for (let place = ends.at(-1) ?? -1; place >= 0; place = before[place]) found.add(place);
  return found;
}

// Makes `nodes`, in their order, all that `parent` holds, and takes as few as can be from their place:
// what is taken out and put back loses the keyboard, and the click of whoever presses it just then.
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  const place = new Map([...parent.children].map((child, at) => [child, at]));
  if (place.size === nodes.length && nodes.every((node, at) => place.get(node) === at)) return;
  const there = nodes.filter((node) => place.has(node));
  const kept = rising(there.map((node) => place.get(node)));
  const stay = new Set(there.filter((_, at) => kept.has(at)));
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  let next = null;
  for (const node of [...nodes].reverse()) {
    if (!stay.has(node)) parent.insertBefore(node, next);
    next = node;
  }
  if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
