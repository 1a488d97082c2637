// The map of a replay: the whole track, gaps in it as gaps, and the aircraft with what its camera sees.

import { get } from "../api.js";
import { byId } from "../dom.js";
import { arrowSprite, drawSight, ringSprite, sightOf } from "../map/aircraft.js";
import { projection } from "../map/geo.js";
import { drawGraticule } from "../map/grid.js";
import { openGround } from "../map/ground.js";
import { brush } from "../map/machine.js";
import { isBright } from "../map/options.js";
import { hueOf, Sprites, SPRITE_PX } from "../map/shapes.js";
import { fitting, View } from "../map/view.js";

const LEAST_PX = 1.5;
const INSET = { top: 0, right: 0, bottom: 0, left: 0 };

export class ReplayMap {
  constructor() {
    this.view = new View();
    this.projection = projection("wgs84");
    this.track = byId("replay-track");
    this.over = byId("replay-over");
    this.sprites = new Sprites();
    this.points = [];
  }

  // Made when a replay is first looked at.
  async #make() {
    if (this.ground || this.making) return;
    this.making = true;
    try {
      const config = await get("/api/map/config");
      this.projection = projection(config.tiles?.datum ?? "wgs84");
      const node = byId("replay-ground");
      const events = { moved: () => this.#moved(), settled: () => {}, clicked: () => {}, hovered: () => {} };
      this.ground = await openGround(node, config, events, () => {});
      this.view = this.ground.view;
      node.parentElement.dataset.ground = this.ground.kind;
      new ResizeObserver(() => { this.ground.resize(); this.#resized(); }).observe(node);
    } finally {
      this.making = false;
    }
  }

  async show(track, fit) {
    this.data = track;
    await this.#make();
    if (!this.ground || this.data !== track) return;
    const { lon, lat } = track.at;
    this.points = track.rows.filter((row) => Number.isFinite(row[lon]) && Number.isFinite(row[lat])).map((row) => [row[0], ...this.projection.to(row[lon], row[lat])]);
    this.#resized();
    this.ground.bright(isBright());
    if (fit) this.fit();
  }

  fit() {
    if (!this.points.length || !this.view.width) return;
    const xs = this.points.map(([, x]) => x);
    const ys = this.points.map(([, , y]) => y);
    const least = (values) => values.reduce((a, b) => Math.min(a, b));
    const most = (values) => values.reduce((a, b) => Math.max(a, b));
    this.ground.go(fitting([least(xs), least(ys), most(xs), most(ys)], this.view.width, this.view.height, { top: 40, right: 40, bottom: 40, left: 40 }, 17.500), true);
  }

  #resized() {
    const { clientWidth, clientHeight } = byId("replay-ground");
    if (!clientWidth) return;
    this.density = Math.min(2, window.devicePixelRatio || 1);
    for (const canvas of [this.track, this.over]) {
      canvas.width = Math.round(clientWidth * this.density);
      canvas.height = Math.round(clientHeight * this.density);
    }
    this.brushes = [brush(this.track), brush(this.over)];
    this.sprites.use(this.density);
    this.#moved();
  }

  #moved() {
    if (!this.brushes) return;
    this.#drawTrack();
    if (this.us !== undefined) this.draw(this.us);
  }

  #clear(c) {
    c.setTransform(this.density, 0, 0, this.density, 0, 0);
    c.clearRect(0, 0, this.view.width, this.view.height);
  }

  #drawTrack() {
    const [c] = this.brushes;
    this.#clear(c);
    drawGraticule(c, this, INSET);
    c.lineJoin = "round";
    c.lineCap = "round";
    const lines = [];
    const gaps = [];
    let last = null;
    for (const [us, wx, wy] of this.points) {
      const [x, y] = this.view.screen(wx, wy);
      if (!last) lines.push([[x, y]]);
      else if (us - last[0] > this.data.breakUs) { gaps.push([last, [us, x, y]]); lines.push([[x, y]]); } else if (Math.abs(x - last[1]) + Math.abs(y - last[2]) < LEAST_PX) { last[0] = us; continue; } else lines.at(-1).push([x, y]);
      last = [us, x, y];
    }
    const stroke = (width, colour) => {
      c.beginPath();
      for (const line of lines) line.forEach(([x, y], at) => (at ? c.lineTo(x, y) : c.moveTo(x, y)));
      c.lineWidth = width;
      c.strokeStyle = colour;
      c.stroke();
    };
    stroke(5.500, "#05080caa");
    stroke(2.800, hueOf("drone"));
    // Nothing is known of a gap, the straight way least of all.
    c.setLineDash([3, 8]);
    c.beginPath();
    for (const [from, to] of gaps) { c.moveTo(from[1], from[2]); c.lineTo(to[1], to[2]); }
    c.lineWidth = 2.500;
    c.strokeStyle = "#ff9089";
    c.stroke();
    c.setLineDash([]);
    if (this.points.length) this.#dot(c, this.points[0], "#43c76b");
  }

  #dot(c, [, wx, wy], colour) {
    const [x, y] = this.view.screen(wx, wy);
    c.beginPath();
    c.arc(x, y, 5, 0, 2 * Math.PI);
    c.fillStyle = colour;
    c.strokeStyle = "#05080c";
    c.lineWidth = 2;
    c.fill();
    c.stroke();
  }

  // The aircraft at `us`.
  draw(us) {
    this.us = us;
    if (!this.brushes || !this.data) return;
    const c = this.brushes[1];
    this.#clear(c);
    const now = this.data.values(us);
    this.sight = null;
    if (!Number.isFinite(now.lat) || !Number.isFinite(now.lon)) return;
    const [px, py] = this.view.screen(...this.projection.to(now.lon, now.lat));
    this.sight = now.known && Number.isFinite(now.gimbal_yaw) ? sightOf(now, this.projection) : null;
    if (this.sight) drawSight(c, this.view, px, py, this.sight, true);
    const half = SPRITE_PX / 2;
    if (Number.isFinite(now.battery)) c.drawImage(ringSprite(this.sprites, now.battery, !now.known), px - half, py - half, SPRITE_PX, SPRITE_PX);
    const state = now.known ? "fresh" : "stale";
    if (!Number.isFinite(now.yaw)) { c.drawImage(this.sprites.symbol("drone", state, false), px - half, py - half, SPRITE_PX, SPRITE_PX); return; }
    const turn = now.yaw * Math.PI / 180;
    const [cos, sin] = [Math.cos(turn) * this.density, Math.sin(turn) * this.density];
    c.setTransform(cos, sin, -sin, cos, px * this.density, py * this.density);
    c.drawImage(arrowSprite(this.sprites, state, false), -half, -half, SPRITE_PX, SPRITE_PX);
  }
}
