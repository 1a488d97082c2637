// Tracks on a canvas of their own below the devices: drawn when something changed, and carried along
// as a picture while the map moves.

import { brush } from "./machine.js";
import { Tracks } from "./tracks.js";

export class TrackCanvas extends Tracks {
  constructor(canvas, fleet) {
    super(fleet);
    this.canvas = canvas;
    this.c = brush(canvas);
    this.from = null;
  }

  resize(width, height) {
    this.density = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * this.density);
    this.canvas.height = Math.round(height * this.density);
  }

  // `below(c, density)` draws what lies below the tracks.
  draw(view, shown, strong, below = () => {}) {
    const { c } = this;
    c.setTransform(this.density, 0, 0, this.density, 0, 0);
    c.clearRect(0, 0, view.width, view.height);
    below(c, this.density);
    c.setTransform(this.density, 0, 0, this.density, 0, 0);
    this.drawOn(c, view, shown, strong);
    this.from = view.copy();
    this.canvas.style.transform = "";
  }

  carry(view) {
    const { from } = this;
    if (!from) return;
    const grown = 2 ** (view.zoom - from.zoom);
    const [x, y] = view.screen(from.x - from.width / 2 / (512 * 2 ** from.zoom), from.y - from.height / 2 / (512 * 2 ** from.zoom));
    this.canvas.style.transform = grown === 1 && !x && !y ? "" : `translate(${x.toFixed(2)}px, ${y.toFixed(2)}px) scale(${grown.toFixed(5)})`;
  }
}
