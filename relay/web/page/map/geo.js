// Places: the map's square world, datums for drawing, distances. Degrees, metres; no state.

const RADIUS_M = 6371008.8; // mean radius of the earth (IUGG)
const EARTH_M = 40075016.686; // the equator of WGS-84
const RAD = Math.PI / 180;
const MOST_LAT = 85.051129;

// Web Mercator as a square from 0 to 1, y to the south.
export function toWorld(lon, lat) {
  const bound = Math.max(-MOST_LAT, Math.min(MOST_LAT, lat));
  const s = Math.sin(bound * RAD);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
}

export function fromWorld(x, y) {
  return [(x - 0.5) * 360, Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) / RAD];
}

// Metres on the ground that the width of the world stands for at a latitude.
export const worldMetres = (lat) => EARTH_M * Math.cos(Math.max(-MOST_LAT, Math.min(MOST_LAT, lat)) * RAD);

// GCJ-02 as published by those who took it apart (Krassovsky 1940 ellipsoid); outside of China's
// rectangle it is WGS-84. The kit's Python does the same (codecs/geo), and a test compares them.
const A = 6378245;
const EE = 0.00669342162296594323;

export const inChina = (lon, lat) => lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271;

function waves(x) {
  return (20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * 2 / 3;
}

function shift(lon, lat) {
  const x = lon - 105;
  const y = lat - 35;
  let north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + waves(x);
  north += (20 * Math.sin(y * Math.PI) + 40 * Math.sin(y / 3 * Math.PI)) * 2 / 3;
  north += (160 * Math.sin(y / 12 * Math.PI) + 320 * Math.sin(y * Math.PI / 30)) * 2 / 3;
  let east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + waves(x);
  east += (20 * Math.sin(x * Math.PI) + 40 * Math.sin(x / 3 * Math.PI)) * 2 / 3;
  east += (150 * Math.sin(x / 12 * Math.PI) + 300 * Math.sin(x / 30 * Math.PI)) * 2 / 3;
  const s = Math.sin(lat * RAD);
  const magic = 1 - EE * s * s;
  const root = Math.sqrt(magic);
  return [east * 180 / (A / root * Math.cos(lat * RAD) * Math.PI), north * 180 / (A * (1 - EE) / (magic * root) * Math.PI)];
}

export function gcjFromWgs(lon, lat) {
  if (!inChina(lon, lat)) return [lon, lat];
  const [east, north] = shift(lon, lat);
  return [lon + east, lat + north];
}

// By iteration, to well below a millimetre.
export function wgsFromGcj(lon, lat) {
  if (!inChina(lon, lat)) return [lon, lat];
  let at = [lon, lat];
  for (let round = 0; round < 6; round += 1) {
    const [east, north] = shift(at[0], at[1]);
    at = [lon - east, lat - north];
  }
  return at;
}

// Where a WGS-84 position is drawn on a map of a datum, and which one lies below a place of it.
export function projection(datum) {
  if (datum !== "gcj02") return { to: toWorld, from: fromWorld };
  return { to: (lon, lat) => toWorld(...gcjFromWgs(lon, lat)), from: (x, y) => wgsFromGcj(...fromWorld(x, y)) };
}

export function distanceM(a, b) {
  const north = (b.lat - a.lat) * RAD;
  const east = (b.lon - a.lon) * RAD;
  const h = Math.sin(north / 2) ** 2 + Math.cos(a.lat * RAD) * Math.cos(b.lat * RAD) * Math.sin(east / 2) ** 2;
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

// Where one is after `metres` on the great circle that sets out at `degrees` from north.
export function destination(lat, lon, degrees, metres) {
  const phi = lat * RAD;
  const heading = degrees * RAD;
  const arc = metres / RADIUS_M;
  const up = Math.sin(phi) * Math.cos(arc) + Math.cos(phi) * Math.sin(arc) * Math.cos(heading);
  const turn = Math.atan2(Math.sin(heading) * Math.sin(arc) * Math.cos(phi), Math.cos(arc) - Math.sin(phi) * up);
  return [Math.asin(Math.max(-1, Math.min(1, up))) / RAD, (((lon + turn / RAD + 180) % 360) + 360) % 360 - 180];
}

export function bearing(a, b) {
  const east = (b.lon - a.lon) * RAD;
  const y = Math.sin(east) * Math.cos(b.lat * RAD);
  const x = Math.cos(a.lat * RAD) * Math.sin(b.lat * RAD) - Math.sin(a.lat * RAD) * Math.cos(b.lat * RAD) * Math.cos(east);
  return (Math.atan2(y, x) / RAD + 360) % 360;
}

// The largest of 1, 2, 5 times a power of ten that is at most `most`.
export function niceBelow(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  const head = most / power;
  return (head >= 5 ? 5 : head >= 2 ? 2 : 1) * power;
}

const hemisphere = (value, plus, minus, digits) => `${Math.abs(value).toFixed(digits)}°${value < 0 ? minus : plus}`;
export const latText = (lat, digits = 5) => hemisphere(lat, "N", "S", digits);
export const lonText = (lon, digits = 5) => hemisphere(lon, "E", "W", digits);
export const placeText = (lat, lon, digits = 5) => `${latText(lat, digits)} ${lonText(lon, digits)}`;
export const metresText = (m) => (m >= 1000 ? `${Number((m / 1000).toPrecision(3))} km` : `${Number(m.toPrecision(m >= 100 ? 3 : 2))} m`);
