// Aircraft on the map: a symbol that points where the nose points, a ring that says what the battery
// has left, and what of the ground the camera sees, or at least where it looks.

import { number } from "../time.js";
import { footprint, frameCentre, noseOf, poseOf } from "./footprint.js";
import { hueOf, kindOf } from "./shapes.js";

const RING_PX = 21;
const RING_STEP = 5; // percent: a ring for each is drawn once and copied
const WEDGE_PX = 78;
const NARROW_DEG = 50; // of a wedge where the field of view is unknown
export const LOW_PERCENT = 20;
export const HALF_PERCENT = 50;

export const isAircraft = (device) => kindOf(device.kind) === "drone";
export const batteryOf = (device) => (Number.isFinite(device.streams.battery?.values?.level) ? device.streams.battery.values.level : null);

export const isLow = (device) => batteryState(batteryOf(device)) === "low";

// By colour, and by word and number beside it: red stays with alarms.
export const batteryState = (level) => (level === null ? "unknown" : level < LOW_PERCENT ? "low" : level < HALF_PERCENT ? "half" : "good");
const RING = { good: "#43c76b", half: "#e9d66b", low: "#ff9d2e", unknown: "#8496ab" };

// Its height and what its battery has left, below its name.
export function lineOf(device) {
  const { height } = device.streams.flight?.values ?? {};
  const level = batteryOf(device);
  const parts = [];
  if (Number.isFinite(height)) parts.push(`↥${number(height, 0)} m`);
  if (level !== null) parts.push(`${level < LOW_PERCENT ? "▲ " : ""}${number(level, 0)} %`);
  return parts.join(" · ");
}

// Where its nose points, else where it goes.
export const directionOf = (device, isMoving) => noseOf(device) ?? (isMoving ? device.position.heading : null);

function arrow(c) {
  c.beginPath();
  c.moveTo(0, -17);
  c.lineTo(12.500, 12.500);
  c.lineTo(0, 6.500);
  c.lineTo(-12.500, 12.500);
  c.closePath();
}

function paintArrow(c, state, chosen) {
  const alarm = state.startsWith("alarm");
  const late = state.endsWith("late");
  c.lineJoin = "round";
  if (chosen) {
    for (const [width, colour] of [[10, "#ffffff3d"], [6, "#fff"]]) { arrow(c); c.lineWidth = width; c.strokeStyle = colour; c.stroke(); }
  }
  arrow(c);
  c.lineWidth = late || alarm ? 5 : 3.500;
  c.strokeStyle = alarm ? "#ff3b30" : late ? "#f2b33d" : "#05080c";
  c.stroke();
  arrow(c);
  c.fillStyle = state.endsWith("stale") ? "#4b5867" : hueOf("drone");
  c.fill();
  if (!late) return;
  c.fillStyle = "#0a0e1370";
  c.fill();
}

function paintRing(c, level, faded) {
  const from = -Math.PI / 2;
  c.globalAlpha = faded ? 0.45 : 1;
  c.lineWidth = 5.500;
  c.strokeStyle = "#05080ccc";
  c.beginPath();
  c.arc(0, 0, RING_PX, 0, 2 * Math.PI);
  c.stroke();
  c.lineWidth = 3.500;
  c.strokeStyle = "#ffffff26";
  c.stroke();
  c.beginPath();
  c.arc(0, 0, RING_PX, from, from + 2 * Math.PI * level / 100);
  c.strokeStyle = RING[batteryState(level)];
  c.stroke();
}

export const arrowSprite = (sprites, state, chosen) => sprites.made(`arrow/${state}/${chosen}`, (c) => paintArrow(c, state, chosen));

export function ringSprite(sprites, level, faded) {
  const step = Math.max(level > 0 ? 2 : 0, Math.min(100, Math.round(level / RING_STEP) * RING_STEP));
  return sprites.made(`ring/${step}/${batteryState(level)}/${faded}`, (c) => paintRing(c, step, faded));
}

// What the camera of `pose` sees, in the world's square: {kind: "ground", corners, middle} or, where
// only the direction is known, {kind: "wedge"}; null when not even that is.
export function sightOf(pose, projection) {
  if (!pose) return null;
  const place = ([lat, lon]) => projection.to(lon, lat);
  const corners = footprint(pose);
  if (!corners) return { kind: "wedge", pose };
  const middle = frameCentre(pose);
  return { kind: "ground", pose, corners: corners.map(place), middle: middle && place(middle) };
}

// Of a device as it was last; what is old looks nowhere.
export const deviceSight = (device, state, projection) => (state === "stale" ? null : sightOf(poseOf(device), projection));

function drawWedge(c, px, py, pose, hue) {
  const half = Math.min(85, (Number.isFinite(pose.hfov) && pose.hfov > 0 ? pose.hfov : NARROW_DEG) / 2) * Math.PI / 180;
  const middle = (pose.gimbal_yaw - 90) * Math.PI / 180;
  const shade = c.createRadialGradient(px, py, 10, px, py, WEDGE_PX);
  shade.addColorStop(0, `${hue}8c`);
  shade.addColorStop(1, `${hue}00`);
  c.beginPath();
  c.moveTo(px, py);
  c.arc(px, py, WEDGE_PX, middle - half, middle + half);
  c.closePath();
  c.fillStyle = shade;
  c.fill();
}

// Draws what a camera at [px, py] of the screen sees.
export function drawSight(c, view, px, py, sight, strong) {
  const hue = hueOf("drone");
  if (sight.kind === "wedge") { drawWedge(c, px, py, sight.pose, hue); return; }
  const corners = sight.corners.map(([x, y]) => view.screen(x, y));
  c.beginPath();
  for (const [x, y] of corners) c.lineTo(x, y);
  c.closePath();
  c.fillStyle = strong ? `${hue}30` : `${hue}1c`;
  c.fill();
  c.lineJoin = "round";
  c.strokeStyle = "#05080c99";
  c.lineWidth = strong ? 4 : 3;
  c.stroke();
  c.strokeStyle = strong ? hue : `${hue}b0`;
  c.lineWidth = strong ? 2 : 1.200;
  c.stroke();
  // The upper edge of the picture is drawn bolder: which way up it is.
  c.beginPath();
  c.moveTo(...corners[0]);
  c.lineTo(...corners[1]);
  c.lineWidth = strong ? 4 : 2.500;
  c.stroke();
  if (!sight.middle) return;
  const [x, y] = view.screen(...sight.middle);
  c.setLineDash([4, 5]);
  c.beginPath();
  c.moveTo(px, py);
  c.lineTo(x, y);
  c.lineWidth = 1.200;
  c.strokeStyle = `${hue}a0`;
  c.stroke();
  c.setLineDash([]);
}
