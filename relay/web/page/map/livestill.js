// The newest still of the aircraft that is looked at: beside the map, and on it where it was taken.

import { contentUrl, get } from "../api.js";
import { nowUs } from "../time.js";
import { footprintOf } from "./footprint.js";

const LIVE_US = 300e6; // an older one is no longer what is there
const PARTS = 10; // a picture that is not taken straight down is laid out in so many by so many pieces
const LEAST_PX = 30;
const MOST_PX = 6000;

// What takes the unit square to four corners of the screen (top left, top right, bottom right, bottom
// left); Heckbert, Fundamentals of Texture Mapping, 1989, 2.2.
export function squareTo([[x0, y0], [x1, y1], [x2, y2], [x3, y3]]) {
  const [dx1, dx2, sx] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3];
  const [dy1, dy2, sy] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const whole = dx1 * dy2 - dx2 * dy1;
  const g = whole ? (sx * dy2 - dx2 * sy) / whole : 0;
  const h = whole ? (dx1 * sy - sx * dy1) / whole : 0;
  const [a, b, d, e] = [x1 - x0 + g * x1, x3 - x0 + h * x3, y1 - y0 + g * y1, y3 - y0 + h * y3];
  return (u, v) => { const w = g * u + h * v + 1; return [(a * u + b * v + x0) / w, (d * u + e * v + y0) / w]; };
}

export class LiveStill {
  constructor(changed) {
    this.changed = changed;
    this.shown = null; // {key, bundle, image, corners, start_us, stream}
    this.asked = ""; // the bundle that is shown or read
    this.key = null;
  }

  // `streams` are those of the device with this key; null when none is looked at.
  look(key, streams) {
    if (this.key !== key) {
      const before = this.shown;
      Object.assign(this, { key, shown: null, asked: "" });
      if (before) this.changed();
    }
    const newest = streams.filter((stream) => stream.latest_still)
      .sort((a, b) => b.latest_still.start_us - a.latest_still.start_us)[0];
    const bundle = newest?.latest_still.bundle ?? "";
    if (!bundle || this.asked === bundle) return;
    this.asked = bundle;
    this.#read(key, newest);
  }

  async #read(key, stream) {
    const { bundle, start_us } = stream.latest_still;
    const image = new Image();
    image.alt = "";
    image.src = contentUrl(bundle);
    try {
      const [about] = await Promise.all([get(`/api/bundles/${bundle}`), image.decode()]);
      if (this.asked !== bundle || this.key !== key) return;
      this.shown = { key, bundle, image, stream, start_us, corners: footprintOf(about.meta) };
      this.changed();
    } catch (fault) {
      // Neither a dead link nor a picture that cannot be decoded ends anything: the next one comes.
      if (fault.status === undefined && fault.name !== "EncodingError") throw fault;
      if (this.asked === bundle && fault.status === 0) this.asked = "";
    }
  }

  // Where it was taken, on a canvas in CSS px of density `density`; `map` is {view, projection}.
  draw(c, { view, projection }, density) {
    const { shown } = this;
    if (!shown?.corners || nowUs() - shown.start_us > LIVE_US) return false;
    const corners = shown.corners.map(([lat, lon]) => view.screen(...projection.to(lon, lat)));
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
    if (size < LEAST_PX || size > MOST_PX) return false;
    c.save();
    c.beginPath();
    for (const [x, y] of corners) c.lineTo(x, y);
    c.clip();
    const to = squareTo(corners);
    const { naturalWidth: wide, naturalHeight: tall } = shown.image;
    for (let row = 0; row < PARTS; row += 1) for (let column = 0; column < PARTS; column += 1) {
      const [u, v] = [column / PARTS, row / PARTS];
      const [x, y] = to(u, v);
      const [rightX, rightY] = to(u + 1 / PARTS, v);
      const [downX, downY] = to(u, v + 1 / PARTS);
      // A little larger than it is, so that no seams are seen.
      c.setTransform((rightX - x) * density, (rightY - y) * density, (downX - x) * density, (downY - y) * density, x * density, y * density);
      c.drawImage(shown.image, u * wide, v * tall, wide / PARTS, tall / PARTS, 0, 0, 1.04, 1.04);
    }
    c.restore();
    return true;
  }
}
