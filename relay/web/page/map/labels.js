// Names beside the symbols: each drawn once and copied, shown where there is room, those who matter
// first. The second line is the age, when it matters.

import { age, span } from "../time.js";
import { isAircraft, isLow, lineOf } from "./aircraft.js";
import { ageUs } from "./fleet.js";

const MOST_KEPT = 2500;
const MOST_CHARS = 22;
const CELL = 64;
const BELOW = 3; // px between a symbol and its name
const COLOURS = { fresh: "#eef4fa", late: "#ffd584", stale: "#93a2b3" };
const FONT = '600 12.5px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';
const SMALL = '500 11px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';

const cut = (name) => (name.length > MOST_CHARS ? `${name.slice(0, MOST_CHARS - 1)}…` : name);

export class Labels {
  constructor() {
    this.known = new Map();
    this.density = 1;
    this.measuring = document.createElement("canvas").getContext("2d");
  }

  use(density) {
    if (this.density === density) return;
    this.density = density;
    this.known.clear();
  }

  #made(name, second, state, strong) {
    const key = `${state}${strong ? "!" : ""}\n${name}\n${second}`;
    let found = this.known.get(key);
    if (found) return found;
    if (this.known.size >= MOST_KEPT) this.known.clear();
    const m = this.measuring;
    m.font = FONT;
    const first = m.measureText(name).width;
    m.font = SMALL;
    const wide = Math.ceil(Math.max(first, second ? m.measureText(second).width : 0)) + (strong ? 16 : 8);
    const tall = (second ? 32 : 18) + (strong ? 4 : 0);
    const image = document.createElement("canvas");
    image.width = Math.ceil(wide * this.density);
    image.height = Math.ceil(tall * this.density);
    const c = image.getContext("2d");
    c.scale(this.density, this.density);
    if (strong) {
      c.beginPath();
      c.roundRect(0, 0, wide, tall, 5);
      c.fillStyle = strong === "alarm" ? "#a3161fee" : "#0a0e13e6";
      c.fill();
    }
    c.textAlign = "center";
    c.textBaseline = "top";
    c.lineJoin = "round";
    c.lineWidth = 3.5;
    c.strokeStyle = "#070b10";
    const line = (text, font, colour, y) => {
      c.font = font;
      c.fillStyle = colour;
      if (!strong) c.strokeText(text, wide / 2, y);
      c.fillText(text, wide / 2, y);
    };
    const top = strong ? 4 : 2;
    line(name, FONT, strong ? "#fff" : COLOURS[state], top);
    if (second) line(second, SMALL, strong === "low" ? "#ffb454" : strong ? "#ffffffd9" : state === "late" ? "#f2b33d" : state === "stale" ? "#8394a7" : "#b7c5d4", top + 15);
    found = { image, wide, tall };
    this.known.set(key, found);
    return found;
  }

  // Gives each item a label or none. `items` are sorted by rank; the highest choose first.
  arrange(items, view, names, chosen) {
    const room = new Room();
    for (const item of items) {
      const at = item.device ? [item.device.toX, item.device.toY] : [item.x, item.y];
      [item.ax, item.ay] = view.screen(...at);
      room.take(item.ax - item.radius, item.ay - item.radius, 2 * item.radius, 2 * item.radius);
    }
    for (let at = items.length - 1; at >= 0; at -= 1) {
      const item = items[at];
      item.label = null;
      if (!item.device) continue;
      const alarm = item.device.alarm && !item.device.alarm.calm;
      const must = alarm || item.device.key === chosen;
      if (!names && !must) continue;
      // What is old changes its words by the minute: a thousand of them are not drawn anew each second.
      const old = item.state === "stale" ? span(ageUs(item.device)) : item.state === "fresh" && !must ? "" : age(ageUs(item.device));
      const line = isAircraft(item.device) ? lineOf(item.device) : "";
      const second = item.state === "fresh" && line ? line : [line, old].filter(Boolean).join(" · ");
      // What an aircraft's says has to be read on any ground, and by who is in a hurry.
      const plate = must ? "chosen" : line && item.state !== "stale" ? "plate" : "";
      const low = plate && line && isLow(item.device) ? "low" : plate;
      const label = this.#made(cut(item.device.device), second, item.state, alarm ? "alarm" : low);
      const places = [[-label.wide / 2, item.radius + BELOW], [-label.wide / 2, -item.radius - BELOW - label.tall],
        [item.radius + BELOW, -label.tall / 2], [-item.radius - BELOW - label.wide, -label.tall / 2]];
      const found = places.find(([x, y]) => room.free(item.ax + x, item.ay + y, label.wide, label.tall)) ?? (must ? places[0] : null);
      if (!found) continue;
      room.take(item.ax + found[0], item.ay + found[1], label.wide, label.tall);
      item.label = label;
      [item.labelX, item.labelY] = found;
    }
  }

  draw(c, items) {
    for (const { label, px, py, out, labelX, labelY } of items) {
      if (label && !out) c.drawImage(label.image, Math.round(px + labelX), Math.round(py + labelY), label.wide, label.tall);
    }
  }
}

// Which rectangles of the screen are taken.
class Room {
  constructor() {
    this.cells = new Map();
  }

  #over(x, y, wide, tall, act) {
    for (let column = Math.floor(x / CELL); column <= Math.floor((x + wide) / CELL); column += 1) {
      for (let row = Math.floor(y / CELL); row <= Math.floor((y + tall) / CELL); row += 1) {
        const name = column * 65536 + row;
        if (act(name)) return true;
      }
    }
    return false;
  }

  take(x, y, wide, tall) {
    const box = [x, y, x + wide, y + tall];
    this.#over(x, y, wide, tall, (name) => {
      const known = this.cells.get(name);
      if (known) known.push(box);
      else this.cells.set(name, [box]);
      return false;
    });
  }

  free(x, y, wide, tall) {
    return !this.#over(x, y, wide, tall, (name) => (this.cells.get(name) ?? []).some((box) => (
      box[0] < x + wide && box[2] > x && box[1] < y + tall && box[3] > y)));
  }
}
