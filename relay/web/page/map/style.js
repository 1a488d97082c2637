// MapLibre's style: a dark ground that keeps below what lies on it. No glyphs and no sprites are
// fetched: MapLibre draws letters with the browser's own fonts when a style names no glyphs.
// Borders are left out: which ones a map may show is for its publisher to say.

export const GROUND = {
  night: { "raster-brightness-max": 0.62, "raster-saturation": -0.45, "raster-contrast": 0.05 },
  day: { "raster-brightness-max": 1, "raster-saturation": 0, "raster-contrast": 0 },
  colour: "#0b1118",
};

const NAME = ["coalesce", ["get", "name:zh"], ["get", "name:zh-Hans"], ["get", "name"], ["get", "name:latin"]];
const width = (thin, thick) => ["interpolate", ["exponential", 1.5], ["zoom"], 7, thin, 18, thick];

const area = (id, layer, colour, filter) => ({ id, type: "fill", source: "tiles", "source-layer": layer,
  ...(filter ? { filter } : {}), paint: { "fill-color": colour } });
const line = (id, layer, colour, thin, thick, filter) => ({ id, type: "line", source: "tiles", "source-layer": layer,
  ...(filter ? { filter } : {}), layout: { "line-cap": "round", "line-join": "round" },
  paint: { "line-color": colour, "line-width": width(thin, thick) } });
const words = (id, layer, colour, size, filter) => ({ id, type: "symbol", source: "tiles", "source-layer": layer,
  ...(filter ? { filter } : {}),
  layout: { "text-field": NAME, "text-size": size, "text-font": ["Noto Sans CJK SC", "sans-serif"], "text-max-width": 8 },
  paint: { "text-color": colour, "text-halo-color": GROUND.colour, "text-halo-width": 1.4 } });

const inClass = (key, ...values) => ["in", ["get", key], ["literal", values]];

// The two schemas that free maps come in: Protomaps (version 4) and OpenMapTiles.
function protomaps() {
  return [
    area("earth", "earth", "#0f161e"),
    area("green", "landuse", "#101d19", inClass("kind", "forest", "wood", "park", "nature_reserve", "grass", "farmland")),
    area("built", "landuse", "#141c26", inClass("kind", "residential", "industrial", "commercial", "school", "hospital")),
    area("water", "water", "#0d2236", ["==", ["geometry-type"], "Polygon"]),
    line("rivers", "water", "#14334e", 0.6, 5, ["==", ["geometry-type"], "LineString"]),
    line("paths", "roads", "#1b2530", 0.3, 4, inClass("kind", "path", "other")),
    line("streets", "roads", "#222e3b", 0.4, 12, inClass("kind", "minor_road")),
    line("roads", "roads", "#2c3b4b", 0.6, 16, inClass("kind", "major_road")),
    line("ways", "roads", "#3d5064", 1, 20, inClass("kind", "highway")),
    line("rails", "roads", "#263442", 0.5, 3, inClass("kind", "rail")),
    area("houses", "buildings", "#17212c"),
    words("towns", "places", "#8fa1b5", 13, inClass("kind", "locality", "neighbourhood", "village", "town", "city")),
  ];
}

function openMapTiles() {
  return [
    area("green", "landcover", "#101d19", inClass("class", "wood", "grass", "farmland", "wetland")),
    area("built", "landuse", "#141c26", inClass("class", "residential", "industrial", "commercial", "school", "hospital")),
    area("water", "water", "#0d2236"),
    line("rivers", "waterway", "#14334e", 0.6, 5),
    line("paths", "transportation", "#1b2530", 0.3, 4, inClass("class", "path", "track", "service")),
    line("streets", "transportation", "#222e3b", 0.4, 12, inClass("class", "minor", "tertiary")),
    line("roads", "transportation", "#2c3b4b", 0.6, 16, inClass("class", "primary", "secondary", "trunk")),
    line("ways", "transportation", "#3d5064", 1, 20, inClass("class", "motorway")),
    line("rails", "transportation", "#263442", 0.5, 3, inClass("class", "rail")),
    area("houses", "building", "#17212c"),
    words("peaks", "mountain_peak", "#6f8295", 11),
    words("towns", "place", "#8fa1b5", 13, inClass("class", "city", "town", "village", "suburb", "hamlet")),
  ];
}

// A file of another schema: every layer as thin lines, so that something is seen of it.
const other = (layers) => layers.slice(0, 24).map((layer, at) => line(`layer-${at}`, layer, "#2c3b4b", 0.5, 3));

function vectorStyle(layers) {
  const known = new Set(layers);
  const made = known.has("earth") && known.has("roads") ? protomaps() : known.has("transportation") ? openMapTiles() : other(layers);
  return made.filter((layer) => known.has(layer["source-layer"]));
}

// `tiles` as in /api/map/config; `found` what the map file says: {url, layers}.
export function styleFor(tiles, found) {
  const style = { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": GROUND.colour } }] };
  if (!tiles) return style;
  const bounds = tiles.bounds ? { bounds: tiles.bounds } : {};
  const common = { minzoom: tiles.min_zoom, maxzoom: tiles.max_zoom, ...bounds };
  const from = found ? { url: found.url } : { tiles: [tiles.url.startsWith("/") ? location.origin + tiles.url : tiles.url] };
  if (tiles.vector) {
    style.sources.tiles = { type: "vector", ...from, ...(found ? {} : common) };
    style.layers.push(...vectorStyle(found.layers));
  } else {
    style.sources.tiles = { type: "raster", ...from, ...(found ? {} : common), tileSize: 256 };
    style.layers.push({ id: "pictures", type: "raster", source: "tiles", paint: GROUND.night });
  }
  return style;
}
