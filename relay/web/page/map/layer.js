// Draws devices above whatever ground there is, on one canvas, in the ground's own frame: symbols,
// headings, accuracy, names, ages, and groups where they would cover each other.

import { nowUs } from "../time.js";
import { arrowSprite, batteryOf, deviceSight, directionOf, drawSight, isAircraft, ringSprite } from "./aircraft.js";
import { stateOf } from "./fleet.js";
import { worldMetres } from "./geo.js";
import { drawGraticule, drawRings } from "./grid.js";
import { Labels } from "./labels.js";
import { brush } from "./machine.js";
import { hueOf, radiusOf, Sprites, SPRITE_PX } from "./shapes.js";

const FEW_PX = 18;
const GROUP_PX = 30;
const MANY_PX = 40;
// So many are shown one by one even where they touch a little; and so many have to stand together.
const FEW = 40;
const MANY = 300;
const HIT_PX = 22;
const ACCURACY_LEAST_PX = 18;
const MOST_SIGHTS = 60; // of cameras: more are a tangle
const STATES = { fresh: 0, late: 1, stale: 2 };

const LEAST_SPEED = 0.5; // m/s: what stands still is heading nowhere, whatever its receiver says

const isHeading = ({ heading, speed }) => Number.isFinite(heading) && !(speed < LEAST_SPEED && speed !== null);

export class DeviceLayer {
  constructor(canvas, fleet) {
    this.canvas = canvas;
    this.c = brush(canvas);
    this.fleet = fleet;
    this.sprites = new Sprites();
    this.labels = new Labels();
    this.items = [];
    this.chosen = null; // key of the device that is looked at
    this.show = () => true; // show(device): whether the filter lets it through
    this.options = { rings: true, names: true };
    this.inset = { top: 0, right: 0, bottom: 0, left: 0 };
    this.costMs = 0;
  }

  resize(width, height) {
    this.density = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * this.density);
    this.canvas.height = Math.round(height * this.density);
    this.sprites.use(this.density);
    this.labels.use(this.density);
  }

  // Which devices stand alone, which make a group, and which names there is room for. Not for each
  // frame: groups and names that change while the map is dragged would flicker.
  arrange(map) {
    const { view } = map;
    const now = nowUs();
    const margin = 80;
    const seen = [];
    for (const device of this.fleet.devices.values()) {
      if (!device.position || !this.show(device)) continue;
      const [px, py] = view.screen(device.toX, device.toY);
      if (px < -margin || py < -margin || px > view.width + margin || py > view.height + margin) continue;
      seen.push({ device, px, py, state: stateOf(device, now), alone: device.alarm !== null || device.key === this.chosen });
    }
    const near = seen.length > MANY ? MANY_PX : seen.length > FEW ? GROUP_PX : FEW_PX;
    this.items = this.#grouped(seen, near);
    this.items.sort((a, b) => a.rank - b.rank);
    // Reckoned here and not in each frame: what a camera sees is told once a second.
    const cameras = this.items.filter((item) => item.device && isAircraft(item.device)).slice(-MOST_SIGHTS);
    for (const item of cameras) item.sight = deviceSight(item.device, item.state, map.projection);
    this.labels.arrange(this.items, view, this.options.names, this.chosen);
  }

  #grouped(seen, near) {
    const anchors = new Map();
    const items = [];
    const cell = (px, py) => `${Math.floor(px / near)},${Math.floor(py / near)}`;
    for (const one of seen) {
      if (one.alone) { items.push(this.#single(one)); continue; }
      const found = this.#anchor(anchors, one, near);
      if (found) found.push(one);
      else {
        const group = [one];
        items.push({ group });
        const name = cell(one.px, one.py);
        if (!anchors.has(name)) anchors.set(name, []);
        anchors.get(name).push(group);
      }
    }
    return items.map((item) => (!item.group ? item : item.group.length === 1 ? this.#single(item.group[0]) : this.#many(item.group)));
  }

  #anchor(anchors, { px, py }, near) {
    const column = Math.floor(px / near);
    const row = Math.floor(py / near);
    for (let x = column - 1; x <= column + 1; x += 1) {
      for (let y = row - 1; y <= row + 1; y += 1) {
        for (const group of anchors.get(`${x},${y}`) ?? []) {
          if (Math.abs(group[0].px - px) < near && Math.abs(group[0].py - py) < near) return group;
        }
      }
    }
    return null;
  }

  #single({ device, state }) {
    const rank = device.key === this.chosen ? 9 : device.alarm ? 8 : 3 - STATES[state];
    return { device, state, rank, radius: radiusOf(device.kind) };
  }

  #many(group) {
    const kinds = new Map();
    let fresh = 0;
    let x = 0;
    let y = 0;
    for (const { device, state } of group) {
      const name = state === "stale" ? "stale" : device.kind;
      kinds.set(name, (kinds.get(name) ?? 0) + 1);
      fresh += state === "fresh";
      x += device.toX;
      y += device.toY;
    }
    const devices = group.map((one) => one.device);
    return { devices, kinds, fresh, x: x / group.length, y: y / group.length, rank: 4, radius: 15 + Math.min(11, 3 * Math.log2(group.length) - 2) };
  }

  draw(map) {
    const began = performance.now();
    const { c } = this;
    const { view } = map;
    c.setTransform(this.density, 0, 0, this.density, 0, 0);
    c.clearRect(0, 0, view.width, view.height);
    drawGraticule(c, map, this.inset);
    const chosen = this.fleet.devices.get(this.chosen);
    if (this.options.rings && chosen?.position) drawRings(c, map, chosen.x, chosen.y);
    const { scale } = view;
    const left = view.width / 2 - view.x * scale;
    const top = view.height / 2 - view.y * scale;
    for (const item of this.items) {
      const at = item.device ?? item;
      item.px = at.x * scale + left;
      item.py = at.y * scale + top;
      item.out = item.px < -60 || item.py < -60 || item.px > view.width + 60 || item.py > view.height + 60;
      if (!item.out && item.device) this.#accuracy(item, map);
    }
    // A camera may see what is in view while its aircraft is not.
    for (const item of this.items) if (item.sight) drawSight(c, view, item.px, item.py, item.sight, item.device.key === this.chosen);
    for (const item of this.items) if (!item.out) this.#draw(item);
    this.labels.draw(c, this.items);
    c.setTransform(this.density, 0, 0, this.density, 0, 0);
    this.costMs = performance.now() - began;
  }

  // How far the position may be off, where that is larger than the symbol.
  #accuracy({ device, px, py, state }, { view }) {
    const { accuracy, lat } = device.position;
    if (!(accuracy > 0)) return;
    const radius = Math.min(4000, accuracy * view.scale / worldMetres(lat));
    if (radius < ACCURACY_LEAST_PX) return;
    const { c } = this;
    c.beginPath();
    c.arc(px, py, radius, 0, 2 * Math.PI);
    c.fillStyle = state === "stale" ? "#8496ab12" : `${hueOf(device.kind)}16`;
    c.fill();
    c.strokeStyle = state === "stale" ? "#8496ab50" : `${hueOf(device.kind)}66`;
    c.lineWidth = 1;
    c.stroke();
  }

  #draw(item) {
    if (item.devices) { this.#drawGroup(item); return; }
    const { c } = this;
    const { device, px, py } = item;
    const alarm = device.alarm && !device.alarm.calm;
    const state = alarm ? `alarm-${item.state}` : item.state;
    const chosen = device.key === this.chosen;
    if (isAircraft(device)) { this.#drawAircraft(item, state, chosen); return; }
    const half = SPRITE_PX / 2;
    if (isHeading(device.position)) this.#turned(this.sprites.wedge(device.kind, state), px, py, device.position.heading);
    c.drawImage(this.sprites.symbol(device.kind, state, chosen), px - half, py - half, SPRITE_PX, SPRITE_PX);
  }

  #turned(picture, px, py, degrees) {
    const { c, density } = this;
    const cos = Math.cos(degrees * Math.PI / 180) * density;
    const sin = Math.sin(degrees * Math.PI / 180) * density;
    c.setTransform(cos, sin, -sin, cos, px * density, py * density);
    c.drawImage(picture, -SPRITE_PX / 2, -SPRITE_PX / 2, SPRITE_PX, SPRITE_PX);
    c.setTransform(density, 0, 0, density, 0, 0);
  }

  #drawAircraft(item, state, chosen) {
    const { device, px, py } = item;
    const half = SPRITE_PX / 2;
    const level = batteryOf(device);
    if (level !== null) this.c.drawImage(ringSprite(this.sprites, level, item.state === "stale"), px - half, py - half, SPRITE_PX, SPRITE_PX);
    const direction = directionOf(device, isHeading(device.position));
    if (Number.isFinite(direction)) this.#turned(arrowSprite(this.sprites, state, chosen), px, py, direction);
    else this.c.drawImage(this.sprites.symbol(device.kind, state, chosen), px - half, py - half, SPRITE_PX, SPRITE_PX);
  }

  #drawGroup({ px, py, radius, kinds, devices, fresh }) {
    const { c } = this;
    c.beginPath();
    c.arc(px, py, radius, 0, 2 * Math.PI);
    c.fillStyle = "#0d151eee";
    c.fill();
    let from = -Math.PI / 2;
    c.lineWidth = 4;
    for (const [kind, count] of kinds) {
      const to = from + (count / devices.length) * 2 * Math.PI;
      c.beginPath();
      c.arc(px, py, radius - 1, from, to);
      c.strokeStyle = kind === "stale" ? "#4b5867" : hueOf(kind);
      c.stroke();
      from = to;
    }
    c.fillStyle = fresh ? "#eef4fa" : "#9aa9b9";
    c.font = "700 14px system-ui, sans-serif";
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(String(devices.length), px, py + 0.5);
  }

  // What lies at a place of the screen, the topmost first.
  hit(px, py) {
    let best = null;
    let least = HIT_PX;
    for (const item of this.items) {
      if (item.px === undefined || item.out) continue;
      const far = Math.hypot(item.px - px, item.py - py) - (item.radius - 13);
      if (far <= least) { best = item; least = far; }
    }
    return best;
  }
}
