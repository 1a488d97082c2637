// Symbols of devices: one shape and one hue for each kind, brightness for age. Drawn once for each
// look, then copied. The same paths serve as icons beside the map. Red is for alarms alone.

// In a square of 24.
const PATHS = {
  soldier: "M12 4.2a3.4 3.4 0 1 1 0 6.800 3.400 3.400 0 0 1 0-6.800zM5.500 19.500c0-4 2.900-6.700 6.500-6.700s6.500 2.700 6.500 6.700z",
  drone: "M6.300 3.500a3.300 3.300 0 0 1 3.200 4.100L12 10.100l2.500-2.500a3.300 3.300 0 1 1 1.900 1.900L13.900 12l2.500 2.500a3.300 3.300 0 1 1-1.900 1.900L12 13.900l-2.500 2.500a3.300 3.300 0 1 1-1.900-1.900L10.100 12 7.600 9.500a3.300 3.300 0 1 1-1.300-6z",
  vehicle: "M3 15.500v-4.200l2-.5 1.700-3.600c.3-.7.9-1.100 1.700-1.100h6.200c.6 0 1.100.3 1.500.8l2.500 3.500 2 .6c.8.2 1.400 1 1.400 1.800v2.700h-1.700a2.500 2.500 0 0 1-5 0h-5.600a2.500 2.500 0 0 1-5 0zM8 8.200l-1.200 2.500h4V8.200zm4.500 0v2.500h4.200L14.900 8.200z",
  ball: "M12 4.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zm0 3.500a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 19h8v1.800H8z",
  sensor: "M11 13.600V10h2v3.600a2.500 2.500 0 1 1-2 0zM7.600 12.500a5.500 5.500 0 1 1 8.800 0l-1.500-1.200a3.600 3.600 0 1 0-5.800 0zM4.700 15a9.200 9.200 0 1 1 14.600 0l-1.500-1.100a7.300 7.300 0 1 0-11.600 0z",
  satellite: "M4.500 8.500 8 5l4 4-3.500 3.500zM12 15.500l3.500-3.500 4 4-3.500 3.500zM10 11.500l2.500 2.500 2-2L12 9.500zM5 14.500a5 5 0 0 0 5 5v-2a3 3 0 0 1-3-3z",
  mesh: "M12 4a2.500 2.500 0 0 1 1 4.800v2.600l4 2.600a2.500 2.500 0 1 1-1 1.700L12 13.200l-4 2.500A2.500 2.500 0 1 1 7 14l4-2.600V8.800A2.500 2.500 0 0 1 12 4z",
  kit: "M9 5h6a1 1 0 0 1 1 1v2h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1h3V6a1 1 0 0 1 1-1zm1 2v1h4V7zm1 4v2H9v2h2v2h2v-2h2v-2h-2v-2z",
  unknown: "M12 5a7 7 0 1 1 0 14 7 7 0 0 1 0-14zm0 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
};
const HUES = {
  soldier: "#5bb8ff", drone: "#c3a0ff", vehicle: "#37cdb4", ball: "#ff9ccf", sensor: "#b6dd5c", satellite: "#9fc3e8",
  mesh: "#9fc3e8", kit: "#f2f6fb", unknown: "#a3b2c2",
};
const STALE = "#4b5867";
const SIZE = 52; // of a copy, CSS px, its middle in the middle
const SVG = "http://www.w3.org/2000/svg";

export const KINDS = Object.keys(HUES);
export const kindOf = (kind) => (Object.hasOwn(HUES, kind) ? kind : "unknown");
export const hueOf = (kind) => HUES[kindOf(kind)];
const RADII = { sensor: 12, drone: 21 }; // an aircraft has a ring around it
export const radiusOf = (kind) => RADII[kindOf(kind)] ?? 13.5;

// As an element, for lists.
export function kindIcon(kind, state = "fresh") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("kind-icon");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", PATHS[kindOf(kind)]);
  shape.setAttribute("fill", state === "stale" || state === "none" ? "#7c8b9d" : hueOf(kind));
  svg.append(shape);
  return svg;
}

function outline(c, kind) {
  c.beginPath();
  if (kind === "drone") {
    for (let corner = 0; corner < 4; corner += 1) c.lineTo(15.5 * Math.cos(corner * Math.PI / 2), 15.5 * Math.sin(corner * Math.PI / 2));
    c.closePath();
  } else if (kind === "vehicle" || kind === "kit") c.roundRect(-13, -13, 26, 26, kind === "kit" ? 3 : 7);
  else if (kind === "sensor") {
    for (let corner = 0; corner < 6; corner += 1) c.lineTo(14 * Math.sin(corner * Math.PI / 3), 14 * Math.cos(corner * Math.PI / 3));
    c.closePath();
  } else c.arc(0, 0, 13, 0, 2 * Math.PI);
}

// `state` is an age, or "alarm-" and an age.
function paint(c, kind, state, chosen) {
  const alarm = state.startsWith("alarm");
  const stale = state.endsWith("stale");
  c.lineJoin = "round";
  if (chosen) {
    outline(c, kind);
    c.lineWidth = 10;
    c.strokeStyle = "#ffffff3d";
    c.stroke();
    c.lineWidth = 6;
    c.strokeStyle = "#fff";
    c.stroke();
  }
  outline(c, kind);
  c.lineWidth = state === "late" || alarm ? 5 : 3.5;
  c.strokeStyle = state === "late" ? "#f2b33d" : alarm ? "#ff3b30" : "#05080c";
  c.stroke();
  outline(c, kind);
  c.fillStyle = stale ? STALE : HUES[kind];
  c.fill();
  if (state === "late") {
    c.fillStyle = "#0a0e1370";
    c.fill();
  }
  c.save();
  c.translate(-9, -9);
  c.scale(0.75, 0.75);
  c.fillStyle = stale ? "#b9c4d0" : "#071019";
  c.fill(new Path2D(PATHS[kind]));
  c.restore();
}

export class Sprites {
  constructor() {
    this.known = new Map();
    this.scale = 1;
  }

  // A copy is SIZE CSS px wide whatever the screen's density is.
  use(scale) {
    if (this.scale === scale) return;
    this.scale = scale;
    this.known.clear();
  }

  // A picture by its name, drawn once with its middle at 0, 0.
  made(name, draw) {
    let found = this.known.get(name);
    if (!found) {
      found = document.createElement("canvas");
      found.width = found.height = Math.ceil(SIZE * this.scale);
      const c = found.getContext("2d");
      c.scale(this.scale, this.scale);
      c.translate(SIZE / 2, SIZE / 2);
      draw(c);
      this.known.set(name, found);
    }
    return found;
  }

  symbol(kind, state, chosen) {
    const known = kindOf(kind);
    return this.made(`${known}/${state}/${chosen}`, (c) => paint(c, known, state, chosen));
  }

  // The wedge that says where something is heading; it is turned when drawn.
  wedge(kind, state) {
    return this.made(`wedge/${kindOf(kind)}/${state}`, (c) => {
      c.beginPath();
      c.moveTo(0, -24.500);
      c.lineTo(9, -9);
      c.lineTo(-9, -9);
      c.closePath();
      c.lineWidth = 2.500;
      c.strokeStyle = "#05080c";
      c.stroke();
      c.fillStyle = state.startsWith("alarm") ? "#ff6a61" : state === "stale" ? "#7c8b9d" : hueOf(kind);
      c.fill();
    });
  }
}

export const SPRITE_PX = SIZE;
