// Where the map is looked at from: its middle in the world's square and its zoom; 512 CSS px hold
// the world at zoom 0, as in MapLibre.

export const LEAST_ZOOM = 2;
export const MOST_ZOOM = 20;

export class View {
  constructor() {
    this.x = 0.79;
    this.y = 0.4;
    this.zoom = 4;
    this.width = 0;
    this.height = 0;
  }

  get scale() { return 512 * 2 ** this.zoom; }

  screen(x, y) {
    const { scale } = this;
    return [(x - this.x) * scale + this.width / 2, (y - this.y) * scale + this.height / 2];
  }

  world(px, py) {
    const { scale } = this;
    return [this.x + (px - this.width / 2) / scale, this.y + (py - this.height / 2) / scale];
  }

  copy() {
    return { x: this.x, y: this.y, zoom: this.zoom, width: this.width, height: this.height };
  }
}

// The middle and zoom that hold a box [west, north, east, south] of the world's square, beside `pad`.
export function fitting(box, width, height, pad, mostZoom = 16) {
  const [x0, y0, x1, y1] = box;
  const wide = Math.max(40, width - pad.left - pad.right);
  const tall = Math.max(40, height - pad.top - pad.bottom);
  const scale = Math.min(wide / Math.max(1e-12, x1 - x0), tall / Math.max(1e-12, y1 - y0));
  const zoom = Math.max(LEAST_ZOOM, Math.min(mostZoom, Math.log2(scale / 512)));
  const px = 512 * 2 ** zoom;
  return {
    x: (x0 + x1) / 2 - (pad.left - pad.right) / 2 / px,
    y: (y0 + y1) / 2 - (pad.top - pad.bottom) / 2 / px,
    zoom,
  };
}
