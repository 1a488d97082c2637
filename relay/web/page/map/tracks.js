// Where devices have been: read once for the chosen span, then carried on by the news.

import { get } from "../api.js";
import { nowUs } from "../time.js";
import { keyOf } from "./fleet.js";
import { hueOf } from "./shapes.js";

const MOST_POINTS = 2000;
const LEAST_PX = 2;
const AGES = 4; // how many steps of brightness a track fades in
const BREAK_US = 180e6; // a longer silence is no straight line
const FUTURE_US = 300e6; // a time that cannot be

export class Tracks {
  constructor(fleet) {
    this.fleet = fleet;
    this.known = new Map(); // key to {kind, points: [[time_us, x, y]]}
    this.minutes = 30;
    fleet.moved.push((device, position) => this.#add(device.key, device.kind, position.time_us, device.toX, device.toY));
  }

  #of(key, kind) {
    if (!this.known.has(key)) this.known.set(key, { kind, points: [] });
    return this.known.get(key);
  }

  #add(key, kind, time_us, x, y) {
    if (x === undefined || time_us > nowUs() + FUTURE_US) return;
    const { points } = this.#of(key, kind);
    if (points.length && points.at(-1)[0] >= time_us) return;
    points.push([time_us, x, y]);
    if (points.length > MOST_POINTS) points.splice(0, points.length - MOST_POINTS);
  }

  // Of one device, or of all.
  async read(device) {
    const to = nowUs();
    const whose = device ? `&kit=${device.kit}&device=${device.device}` : "";
    const page = await get(`/api/telemetry/tracks?from_us=${Math.round(to - this.minutes * 60e6)}&to_us=${Math.round(to)}${whose}`);
    for (const told of page.tracks) {
      const track = this.#of(keyOf(told.kit, told.device), told.kind);
      const last = told.points.at(-1)?.[0] ?? 0;
      const fresh = track.points.filter(([time_us]) => time_us > last);
      track.points = [...told.points.map(([time_us, lon, lat]) => [time_us, ...this.fleet.to(lon, lat)]), ...fresh].slice(-MOST_POINTS);
    }
  }

  forget() {
    this.known.clear();
  }

  // `shown(key)` says whose; the strong one is drawn bolder.
  drawOn(c, view, shown, strong) {
    c.lineCap = "round";
    c.lineJoin = "round";
    for (const [key, track] of this.known) if (key !== strong && shown(key)) this.#draw(c, view, track, 2);
    const chosen = this.known.get(strong);
    if (chosen) this.#draw(c, view, chosen, 3.5);
  }

  #draw(c, view, { kind, points }, width) {
    const to = nowUs();
    const from = to - this.minutes * 60e6;
    const { scale } = view;
    const left = view.width / 2 - view.x * scale;
    const top = view.height / 2 - view.y * scale;
    c.strokeStyle = hueOf(kind);
    c.lineWidth = width;
    let at = points.findIndex(([time_us]) => time_us >= from);
    if (at < 0) return;
    for (let age = 0; age < AGES && at < points.length; age += 1) {
      const until = from + ((age + 1) / AGES) * (to - from);
      c.globalAlpha = (width > 3 ? 0.35 : 0.18) + (age / AGES) * 0.55;
      c.beginPath();
      let px = points[at][1] * scale + left;
      let py = points[at][2] * scale + top;
      c.moveTo(px, py);
      for (; at + 1 < points.length && points[at][0] < until; at += 1) {
        const next = points[at + 1];
        const x = next[1] * scale + left;
        const y = next[2] * scale + top;
        if (next[0] - points[at][0] > BREAK_US) c.moveTo(x, y);
        else if (Math.abs(x - px) + Math.abs(y - py) < LEAST_PX && at + 2 < points.length) continue;
        else c.lineTo(x, y);
        px = x;
        py = y;
      }
      c.stroke();
      if (at + 1 >= points.length) break;
    }
    c.globalAlpha = 1;
  }
}
