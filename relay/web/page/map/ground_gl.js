// The ground drawn by MapLibre: tiles of pictures or vectors. It is loaded when there are tiles and a
// map is first looked at. No rotating and no pitch: north is up on a command centre's wall.

import { loadScript } from "../trusted.js";
import { fromWorld, toWorld } from "./geo.js";
import { GROUND, styleFor } from "./style.js";
import { LEAST_ZOOM, MOST_ZOOM, View } from "./view.js";

const LIBRARY = "/page/vendor/maplibre-gl-6.17.0/maplibre-gl.mjs";
const PMTILES = "/page/vendor/pmtiles-4.5.0/pmtiles.js";

let protocol = null;

async function vectorLayers(library, tiles) {
  await loadScript(PMTILES);
  const { PMTiles, Protocol } = globalThis.pmtiles;
  if (!protocol) {
    protocol = new Protocol();
    library.addProtocol("pmtiles", protocol.tile);
  }
  const url = new URL(tiles.url, location.href).href;
  const archive = new PMTiles(url);
  protocol.add(archive);
  const about = tiles.vector ? await archive.getMetadata() : null;
  return { url: `pmtiles://${url}`, layers: (about?.vector_layers ?? []).map((each) => String(each.id)) };
}

export class GlGround {
  static async open(node, config, events) {
    const library = await import(LIBRARY);
    const found = config.tiles?.source === "pmtiles" ? await vectorLayers(library, config.tiles) : null;
    return new GlGround(library, node, styleFor(config.tiles, found), events);
  }

  constructor(library, node, style, { moved, settled, clicked, hovered, failed }) {
    this.kind = "gl";
    this.view = new View();
    this.node = node;
    const map = new library.Map({
      container: node, style, attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false,
      maxPitch: 0, minZoom: LEAST_ZOOM, maxZoom: MOST_ZOOM, renderWorldCopies: false, fadeDuration: 0, center: [105, 35], zoom: 3.6,
      refreshExpiredTiles: false,
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    this.map = map;
    const follow = () => { this.#look(); moved(); };
    // Drawn in the same frame as the ground: what lies on it never swims.
    map.on("render", follow);
    map.on("load", () => this.bright(this.brightly ?? false));
    map.on("moveend", () => { this.#look(); settled(); });
    map.on("resize", () => { this.#look(); settled(); });
    map.on("click", (event) => clicked(event.point.x, event.point.y));
    map.on("mousemove", (event) => hovered(event.point.x, event.point.y));
    map.on("error", (event) => failed(event.error ?? ""));
    map.getCanvas().setAttribute("aria-hidden", "true");
    this.#look();
  }

  #look() {
    const middle = this.map.getCenter();
    [this.view.x, this.view.y] = toWorld(middle.lng, middle.lat);
    this.view.zoom = this.map.getZoom();
    this.view.width = this.node.clientWidth;
    this.view.height = this.node.clientHeight;
  }

  resize() { this.map.resize(); }

  zoomBy(levels) { this.map.zoomTo(this.map.getZoom() + levels, { duration: 220 }); }

  go({ x, y, zoom }, still = false) {
    const there = { center: fromWorld(x, y), zoom };
    if (still) this.map.jumpTo(there);
    else this.map.easeTo({ ...there, duration: 450 });
  }

  bright(yes) {
    this.brightly = yes; // also once the style is there
    if (!this.map.getLayer("pictures")) return;
    const paint = yes ? GROUND.day : GROUND.night;
    for (const [name, value] of Object.entries(paint)) this.map.setPaintProperty("pictures", name, value);
  }
}
