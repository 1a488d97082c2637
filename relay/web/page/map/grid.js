// What gives a plain ground its measure: the graticule with its degrees, rings around what is chosen,
// and the scale bar.

import { fromWorld, latText, lonText, metresText, niceBelow, worldMetres } from "./geo.js";

const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];
const LEAST_PX = 130;
const SCALE_PX = 150;

function halo(c, text, x, y) {
  c.strokeText(text, x, y);
  c.fillText(text, x, y);
}

// `map` is {view, projection}; lines are where a map of its datum has them.
export function drawGraticule(c, { view, projection }, inset) {
  const [west, north] = projection.from(...view.world(0, 0));
  const [east, south] = projection.from(...view.world(view.width, view.height));
  const middle = [(west + east) / 2, (north + south) / 2];
  const perDegree = view.width / Math.max(1e-9, east - west);
  const step = STEPS.findLast((each) => each * perDegree >= LEAST_PX) ?? STEPS[0];
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const lons = [];
  const lats = [];
  for (let lon = Math.ceil(west / step) * step; lon <= east; lon += step) lons.push([lon, view.screen(...projection.to(lon, middle[1]))[0]]);
  for (let lat = Math.ceil(south / step) * step; lat <= north; lat += step) lats.push([lat, view.screen(...projection.to(middle[0], lat))[1]]);
  c.beginPath();
  for (const [, x] of lons) { c.moveTo(Math.round(x) + 0.5, 0); c.lineTo(Math.round(x) + 0.5, view.height); }
  for (const [, y] of lats) { c.moveTo(0, Math.round(y) + 0.5); c.lineTo(view.width, Math.round(y) + 0.5); }
  c.strokeStyle = "#86a5c826";
  c.lineWidth = 1;
  c.stroke();
  c.font = "11px system-ui, sans-serif";
  c.fillStyle = "#8295a9";
  c.strokeStyle = "#0b1118";
  c.lineWidth = 3;
  c.textBaseline = "top";
  c.textAlign = "center";
  for (const [lon, x] of lons) if (x > inset.left && x < view.width - inset.right - 40) halo(c, lonText(lon, digits), x, inset.top + 5);
  c.textBaseline = "middle";
  c.textAlign = "right";
  for (const [lat, y] of lats) if (y > inset.top + 30 && y < view.height - inset.bottom - 12) halo(c, latText(lat, digits), view.width - inset.right - 6, y);
}

// Rings of round distances around a place of the world.
export function drawRings(c, { view }, x, y) {
  const [, lat] = fromWorld(x, y);
  const metrePx = view.scale / worldMetres(lat);
  const step = niceBelow(Math.min(view.width, view.height) / 3.2 / metrePx);
  const [px, py] = view.screen(x, y);
  c.strokeStyle = "#7fb4e84d";
  c.fillStyle = "#a9c6e2";
  c.lineWidth = 1.2;
  c.setLineDash([5, 6]);
  for (let ring = 1; ring <= 3; ring += 1) {
    c.beginPath();
    c.arc(px, py, step * ring * metrePx, 0, 2 * Math.PI);
    c.stroke();
  }
  c.setLineDash([]);
  c.font = "600 11.5px system-ui, sans-serif";
  c.textAlign = "center";
  c.textBaseline = "middle";
  c.strokeStyle = "#0b1118";
  c.lineWidth = 3.5;
  for (let ring = 1; ring <= 3; ring += 1) halo(c, metresText(step * ring), px, py - step * ring * metrePx);
}

// How long the bar is and what it says: {px, text}.
export function scaleBar({ view, projection }) {
  const [, lat] = projection.from(view.x, view.y);
  const metrePx = view.scale / worldMetres(lat);
  const metres = niceBelow(SCALE_PX / metrePx);
  return { px: metres * metrePx, text: metresText(metres) };
}
