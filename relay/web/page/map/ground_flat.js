// The plain ground, for a centre without tiles and a browser without WebGL: moved by mouse, fingers
// and keys. What lies on it is drawn by the same hand as on MapLibre's.

import { LEAST_ZOOM, MOST_ZOOM, View } from "./view.js";

const FLY_MS = 420;
const KEYS = { ArrowLeft: [-90, 0], ArrowRight: [90, 0], ArrowUp: [0, -90], ArrowDown: [0, 90] };
const CLICK_PX = 5;
const WHEEL_MS = 90; // over which one turn of the wheel is spread
const SLIDE_MS = 260; // in which a thrown map loses two thirds of its speed
const LEAST_THROW = 0.15; // px for each ms

export class FlatGround {
  constructor(node, { moved, settled, clicked, hovered }) {
    Object.assign(this, { node, moved, settled, clicked, hovered });
    this.view = new View();
    this.kind = "flat";
    this.fingers = new Map();
    node.tabIndex = 0;
    node.addEventListener("pointerdown", (event) => this.#down(event));
    node.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, (event) => this.#up(event));
    node.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    node.addEventListener("dblclick", (event) => this.#zoomAt(1, event.offsetX, event.offsetY));
    node.addEventListener("keydown", (event) => this.#key(event));
    this.resize();
  }

  resize() {
    this.view.width = this.node.clientWidth;
    this.view.height = this.node.clientHeight;
    this.#changed(true);
  }

  #changed(settled) {
    this.view.zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, this.view.zoom));
    this.view.x = Math.max(0, Math.min(1, this.view.x));
    this.view.y = Math.max(0, Math.min(1, this.view.y));
    this.moved();
    if (settled) this.settled();
  }

  #down(event) {
    if (event.target !== this.node && !this.node.contains(event.target)) return;
    this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.from = [event.offsetX, event.offsetY];
    this.dragged = false;
    this.flight = null;
    this.slide = null;
    this.thrown = [0, 0];
    this.movedMs = event.timeStamp;
    try { this.node.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
  }

  #move(event) {
    const before = this.fingers.get(event.pointerId);
    const at = [event.offsetX, event.offsetY];
    this.hovered(...at);
    if (!before) return;
    if (Math.hypot(at[0] - this.from[0], at[1] - this.from[1]) > CLICK_PX) this.dragged = true;
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.fingers.set(event.pointerId, at);
    if (others.length) {
      const apart = (a) => Math.max(10, Math.hypot(a[0] - others[0][0], a[1] - others[0][1]));
      this.#zoomAt(Math.log2(apart(at) / apart(before)), (at[0] + others[0][0]) / 2, (at[1] + others[0][1]) / 2);
    }
    const share = others.length ? 2 : 1;
    const ms = Math.max(1, event.timeStamp - this.movedMs);
    this.movedMs = event.timeStamp;
    this.thrown = [0, 1].map((axis) => this.thrown[axis] * 0.6 + ((at[axis] - before[axis]) / share / ms) * 0.4);
    this.view.x -= (at[0] - before[0]) / share / this.view.scale;
    this.view.y -= (at[1] - before[1]) / share / this.view.scale;
    this.node.dataset.dragging = "yes";
    this.#changed(false);
  }

  #up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    delete this.node.dataset.dragging;
    if (this.dragged && !this.fingers.size && event.timeStamp - this.movedMs < 60 && Math.hypot(...this.thrown) > LEAST_THROW) this.#glide();
    else if (this.dragged) this.#changed(true);
    else if (event.type === "pointerup") this.clicked(event.offsetX, event.offsetY);
  }

  // A map that was thrown goes on a little.
  #glide() {
    const slide = { last: performance.now() };
    this.slide = slide;
    const step = (now) => {
      if (this.slide !== slide) return;
      const ms = Math.max(0, now - slide.last);
      slide.last = now;
      const [x, y] = this.thrown;
      const slow = Math.exp(-ms / SLIDE_MS);
      this.thrown = [x * slow, y * slow];
      this.view.x -= (x * ms) / this.view.scale;
      this.view.y -= (y * ms) / this.view.scale;
      const over = Math.hypot(...this.thrown) < LEAST_THROW / 4;
      this.#changed(over);
      if (!over) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    this.slide = null;
    this.flight = null;
    this.wheel = { left: (this.wheel?.left ?? 0) - event.deltaY * lines / 300, x: event.offsetX, y: event.offsetY };
    if (this.wheeling) return;
    this.wheeling = true;
    let last = performance.now();
    const step = (now) => {
      const part = this.wheel.left * Math.min(1, Math.max(0, now - last) / WHEEL_MS + 0.12);
      last = now;
      this.wheel.left -= part;
      this.#zoomAt(part, this.wheel.x, this.wheel.y);
      this.wheeling = Math.abs(this.wheel.left) > 0.004;
      if (this.wheeling) requestAnimationFrame(step);
      else this.wheel.left = 0;
    };
    requestAnimationFrame(step);
  }

  #key(event) {
    const step = KEYS[event.key];
    if (step) this.panBy(...step);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1);
    else if (event.key === "-") this.zoomBy(-1);
    else return;
    event.preventDefault();
  }

  #zoomAt(levels, px, py) {
    const [x, y] = this.view.world(px, py);
    this.view.zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, this.view.zoom + levels));
    const [nx, ny] = this.view.world(px, py);
    this.view.x += x - nx;
    this.view.y += y - ny;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.settled(), 120);
    this.#changed(false);
  }

  zoomBy(levels) { this.#zoomAt(levels, this.view.width / 2, this.view.height / 2); }

  panBy(dx, dy) {
    this.view.x += dx / this.view.scale;
    this.view.y += dy / this.view.scale;
    this.#changed(true);
  }

  // Go to a place, gliding when it is near.
  go({ x, y, zoom }, still = false) {
    const { view } = this;
    const from = view.copy();
    const near = Math.abs(zoom - from.zoom) < 4 && Math.hypot(x - from.x, y - from.y) * view.scale < 4000;
    const flight = { since: performance.now() };
    this.flight = flight;
    const step = (now) => {
      if (this.flight !== flight) return;
      const part = still || !near ? 1 : Math.max(0, Math.min(1, (now - flight.since) / FLY_MS));
      const eased = part * (2 - part);
      view.x = from.x + (x - from.x) * eased;
      view.y = from.y + (y - from.y) * eased;
      view.zoom = from.zoom + (zoom - from.zoom) * eased;
      if (part >= 1) this.flight = null;
      this.#changed(part >= 1);
      if (part < 1) requestAnimationFrame(step);
    };
    step(performance.now());
  }

  bright() { /* there is nothing that could be brighter */ }
}
