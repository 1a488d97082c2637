// Rings that pulse around what has an alarm. They are elements, so that the browser's compositor
// animates them and no script runs for it.

import { el } from "../dom.js";

const MOST = 60;

export class Pulses {
  constructor(node) {
    this.node = node;
    this.shown = new Map();
  }

  // `places`: key to {x, y, calm} in the world's square.
  set(places) {
    for (const [key, pulse] of this.shown) if (!places.has(key)) { pulse.node.remove(); this.shown.delete(key); }
    for (const [key, place] of [...places].slice(0, MOST)) {
      if (!this.shown.has(key)) {
        const node = el("i", { class: "pulse" });
        this.node.append(node);
        this.shown.set(key, { node });
      }
      const pulse = this.shown.get(key);
      pulse.place = place;
      pulse.node.dataset.calm = String(place.calm);
    }
  }

  draw(view) {
    for (const { node, place } of this.shown.values()) {
      const [px, py] = view.screen(place.at ? place.at.x : place.x, place.at ? place.at.y : place.y);
      node.style.translate = `${px.toFixed(1)}px ${py.toFixed(1)}px`;
    }
  }
}
