// The map: the ground, what lies on it, and what stands beside it.

import { get } from "../api.js";
import { byId, setText } from "../dom.js";
import { t } from "../text.js";
import { isAircraft } from "./aircraft.js";
import { DeviceCard } from "./card.js";
import { Fleet } from "./fleet.js";
import { placeText, projection } from "./geo.js";
import { scaleBar } from "./grid.js";
import { openGround } from "./ground.js";
import { DeviceLayer } from "./layer.js";
import { DeviceList } from "./list.js";
import { LiveStill } from "./livestill.js";
import { MapOptions } from "./options.js";
import { Pulses } from "./pulses.js";
import { TrackCanvas } from "./trackcanvas.js";
import { fitting, View } from "./view.js";

const CHINA = { lat: 35.5, lon: 104, zoom: 3.7 };
const ARRANGE_MS = 500; // groups and names follow what moves at most so often
const SLOW_FRAME_MS = 45; // a machine whose frames take longer shows steps instead of gliding
const TRY_AGAIN_MS = 20000;
const FAR = 4e-4; // of the world: who is that much elsewhere is not carried there
const READ_TRACKS_MS = 60000;

export class MapView {
  constructor({ streams, openStream, alarmsOf }) {
    this.fleet = new Fleet();
    this.projection = projection("wgs84");
    this.view = new View();
    this.layer = new DeviceLayer(byId("map-devices"), this.fleet);
    this.pulses = new Pulses(byId("map-pulses"));
    this.tracks = new TrackCanvas(byId("map-tracks"), this.fleet);
    this.list = new DeviceList(this.fleet, { chosen: (key) => this.choose(key, true), filtered: () => this.#filtered() });
    this.still = new LiveStill(() => { this.arrangeSoon = true; this.card.changed(); });
    this.streamsOf = (device) => this.fleet.cameras(device, streams());
    this.card = new DeviceCard({
      closed: () => this.choose(null), located: (device) => this.#goTo(device), followed: (yes) => this.follow(yes),
      streamsOf: this.streamsOf, openStream, alarmsOf, stillOf: (device) => (this.still.shown?.key === device.key ? this.still.shown : null),
    });
    this.layer.show = (device) => this.list.passes(device);
    Object.assign(this, { paceMs: 0, frameMs: 0, stepsUntilMs: 0 });
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.options = new MapOptions((what) => { this.#optioned(); if (what === "tracks") this.readTracks(); });
    this.#optioned();
    const on = (id, act) => byId(id).addEventListener("click", act);
    on("map-in", () => this.ground?.zoomBy(1));
    on("map-out", () => this.ground?.zoomBy(-1));
    on("map-fit", () => this.fitAll());
    on("map-sheet", () => { byId("map").dataset.sheet = byId("map").dataset.sheet === "open" ? "" : "open"; });
    byId("map").mapView = this; // for whoever measures it
  }

  // Shown: the ground is made when it is looked at for the first time.
  async show() {
    this.shown = true;
    this.list.draw(this.layer.chosen);
    if (this.ground || this.making) { this.ground?.resize(); this.#resized(); return; }
    this.making = true;
    try {
      await this.#make();
    } catch (fault) {
      if (fault.status === undefined) throw fault; // else the centre is gone: tried again each second
    } finally {
      this.making = false;
    }
  }

  hide() { this.shown = false; }

  async #make() {
    const config = await get("/api/map/config");
    this.projection = projection(config.tiles?.datum ?? "wgs84");
    const node = byId("map-ground");
    const events = { moved: () => this.#moved(), settled: () => this.#settled(),
      clicked: (x, y) => this.#clicked(x, y), hovered: (x, y) => this.#hovered(x, y) };
    this.ground = await openGround(node, config, events, (text) => this.#note(text));
    this.view = this.ground.view;
    byId("map").dataset.ground = this.ground.kind;
    byId("map").dataset.tiles = config.tiles ? "yes" : "no";
    setText(byId("map-credit"), config.tiles?.attribution ?? "");
    byId("map-bright").hidden = !config.tiles || config.tiles.vector || this.ground.kind !== "gl";
    this.ground.bright(this.options.bright);
    this.fleet.project(this.projection.to);
    new ResizeObserver(() => { if (this.shown) { this.ground.resize(); this.#resized(); } }).observe(node);
    this.#resized();
    this.#begin(config.start ?? CHINA);
    this.#goTo(this.fleet.devices.get(this.layer.chosen)); // in the list, before there was a map
    requestAnimationFrame((now) => this.#frame(now));
  }

  #begin(start) {
    if (this.fitAll(true)) return;
    const [x, y] = this.projection.to(start.lon, start.lat);
    this.ground.go({ x, y, zoom: start.zoom }, true);
    this.unfit = true; // the first positions are fitted when they come
  }

  #resized() {
    const { clientWidth, clientHeight } = byId("map-ground");
    if (!clientWidth) return;
    this.layer.resize(clientWidth, clientHeight);
    this.tracks.resize(clientWidth, clientHeight);
    this.#settled();
  }

  // --- what comes from the centre

  take(page, whole) {
    this.fleet.take(page, whole);
    this.#news();
  }

  move(rows, revision) {
    this.fleet.move(rows, revision);
    this.#news();
  }

  alarmed(byKey) {
    this.fleet.alarmed(byKey);
    const places = new Map();
    for (const device of this.fleet.devices.values()) {
      if (device.alarm && device.position) places.set(device.key, { at: device, calm: device.alarm.calm });
    }
    for (const [key, alarm] of byKey) {
      if (places.has(key) || !Number.isFinite(alarm.lat) || !Number.isFinite(alarm.lon) || this.fleet.devices.get(key)?.position) continue;
      const [x, y] = this.projection.to(alarm.lon, alarm.lat);
      places.set(key, { x, y, calm: alarm.calm });
    }
    this.pulses.set(places);
    this.arrangeSoon = true;
  }

  #news() {
    this.arrangeSoon = true;
    if (this.shown && !this.list.rows.size) this.list.draw(this.layer.chosen);
    if (this.unfit && this.ground && this.fitAll(true)) this.unfit = false;
  }

  // --- drawing

  #frame(now) {
    requestAnimationFrame((next) => this.#frame(next));
    if (!this.shown || document.hidden) return;
    const smooth = !this.calm.matches && this.#keepsPace(now);
    const gliding = this.fleet.glide(smooth, now, FAR);
    if (this.arrangeSoon && now - (this.arrangedMs ?? -1e9) >= ARRANGE_MS) this.#arrange(now);
    if (gliding || this.wasGliding || this.drawn !== this.fleet.changed) this.#draw();
    this.wasGliding = gliding;
    if (this.following && gliding) this.#keepUp();
  }

  // Whether frames come fast enough for gliding; measured while something glides.
  #keepsPace(now) {
    if (this.wasGliding) this.paceMs = this.paceMs * 0.9 + Math.min(200, now - this.frameMs) * 0.1;
    this.frameMs = now;
    if (this.paceMs > SLOW_FRAME_MS) {
      this.stepsUntilMs = now + TRY_AGAIN_MS;
      this.paceMs = 0;
    }
    return now >= this.stepsUntilMs;
  }

  #arrange(now = performance.now()) {
    this.arrangeSoon = false;
    this.arrangedMs = now;
    this.layer.arrange(this);
    this.tracks.draw(this.view, this.#trackShown(), this.layer.chosen, (c, density) => this.still.draw(c, this, density));
    this.drawn = -1;
  }

  #draw() {
    this.drawn = this.fleet.changed;
    this.layer.draw(this);
    this.pulses.draw(this.view);
  }

  #moved() {
    if (!this.ground) return;
    this.tracks.carry(this.view);
    this.#draw();
  }

  #settled() {
    if (!this.ground || !this.shown) return;
    this.#arrange();
    this.#draw();
    const bar = scaleBar(this);
    byId("map-bar").style.width = `${bar.px.toFixed(1)}px`;
    setText(byId("map-scale"), bar.text);
  }

  #trackShown() {
    if (this.options.tracks === "none") return () => false;
    if (this.options.tracks === "chosen") return (key) => key === this.layer.chosen;
    return (key) => { const device = this.fleet.devices.get(key); return Boolean(device) && this.list.passes(device); };
  }

  // --- what people do

  #clicked(px, py) {
    const item = this.layer.hit(px, py);
    if (!item) { this.choose(null); return; }
    if (item.device) { this.choose(item.device.key); return; }
    const box = boxOf(item.devices);
    const tight = Math.max(box[2] - box[0], box[3] - box[1]) * 512 * 2 ** 17 < 60;
    if (tight) this.list.group(new Set(item.devices.map((device) => device.key)));
    else this.ground.go(fitting(box, this.view.width, this.view.height, this.#pad(), 18));
  }

  #hovered(px, py) {
    const [lon, lat] = this.projection.from(...this.view.world(px, py));
    setText(byId("map-where"), placeText(lat, lon));
    byId("map-ground").dataset.over = this.layer.hit(px, py) ? "device" : "";
  }

  choose(key, go = false) {
    const device = key === null ? null : this.fleet.devices.get(key) ?? null;
    if (device?.key !== this.layer.chosen) this.follow(false);
    this.layer.chosen = device?.key ?? null;
    byId("map").dataset.chosen = device ? "yes" : "no";
    this.card.open(device);
    this.#lookAtStill();
    if (device && go && device.position && this.ground) this.#goTo(device);
    if (device && this.options.tracks === "chosen") this.readTracks();
    this.list.draw(this.layer.chosen);
    if (this.ground) { this.#arrange(); this.#draw(); }
  }

  // Where an alarm is, with its device chosen when it is known.
  async locate(key, place) {
    await this.show();
    if (this.fleet.devices.get(key)?.position) { this.choose(key, true); return; }
    this.choose(this.fleet.devices.has(key) ? key : null);
    if (!place || !this.ground) return;
    const [x, y] = this.projection.to(place.lon, place.lat);
    this.ground.go({ x, y, zoom: 16 });
  }

  #goTo(device) {
    if (!device?.position || !this.ground) return;
    const zoom = Math.max(15, Math.min(17, this.view.zoom));
    const pad = this.#pad();
    const px = 512 * 2 ** zoom;
    this.ground.go({ x: device.toX - (pad.left - pad.right) / 2 / px, y: device.toY - (pad.top - pad.bottom) / 2 / px, zoom });
  }

  follow(yes) {
    this.following = yes;
    this.card.setFollowing(yes);
    if (yes) this.#keepUp();
  }

  #keepUp() {
    const device = this.fleet.devices.get(this.layer.chosen);
    if (!device?.position || !this.ground) return;
    this.ground.go({ x: device.x, y: device.y, zoom: this.view.zoom }, true);
  }

  // True when there was something to fit.
  fitAll(still = false) {
    const placed = this.fleet.list().filter((device) => device.position && this.list.passes(device));
    if (!placed.length || !this.ground || !this.view.width) return false;
    this.ground.go(fitting(boxOf(placed), this.view.width, this.view.height, this.#pad()), still);
    return true;
  }

  // The map's margins for what is fitted; on a phone the sheet covers its lower part.
  #pad() {
    const sheet = byId("map-side").offsetParent ? getComputedStyle(byId("map-side")).position === "absolute" : false;
    const margin = this.view.width < 700 ? 46 : 90;
    return { top: margin + 10, right: margin, bottom: sheet ? Math.min(this.view.height * 0.6, byId("map-side").offsetHeight + 30) : margin, left: margin };
  }

  #optioned() {
    const { rings, names, minutes, bright } = this.options;
    Object.assign(this.layer.options, { rings, names });
    this.tracks.minutes = minutes;
    this.ground?.bright(bright);
    if (this.ground) { this.#arrange(); this.#draw(); }
  }

  #filtered() {
    this.list.draw(this.layer.chosen);
    if (this.ground) { this.#arrange(); this.#draw(); }
  }

  // --- the page's rhythm

  // Of everybody, or of the one that is chosen: a thousand tracks are asked for when they are shown.
  async readTracks() {
    const { tracks } = this.options;
    const chosen = tracks === "chosen" ? this.fleet.devices.get(this.layer.chosen) : null;
    if (!this.ground || tracks === "none" || (tracks === "chosen" && !chosen)) return;
    this.tracksMs = performance.now();
    try {
      await this.tracks.read(chosen);
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      this.tracksMs = undefined; // the page says itself that the centre is gone
    }
    this.arrangeSoon = true;
  }

  tracksDue() {
    return this.shown && this.ground && performance.now() - (this.tracksMs ?? -1e9) > READ_TRACKS_MS;
  }

  // Once a second while it is shown: ages count on, and so do the states that follow from them.
  tick() {
    if (!this.shown) return;
    if (!this.ground && !this.making) this.show();
    this.list.draw(this.layer.chosen);
    this.card.tick();
    this.#lookAtStill();
    this.arrangeSoon = true;
  }

  // Of aircraft only: where a camera on a pole looks does not change.
  #lookAtStill() {
    const device = this.fleet.devices.get(this.layer.chosen);
    if (device && isAircraft(device)) this.still.look(device.key, this.streamsOf(device));
    else this.still.look(null, []);
  }

  redraw() {
    this.options.draw();
    this.list.draw(this.layer.chosen);
    this.card.redraw();
  }

  #note(text) {
    setText(byId("map-note"), text);
    clearTimeout(this.forgetNote);
    this.forgetNote = setTimeout(() => setText(byId("map-note"), ""), 15000);
  }
}

function boxOf(devices) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { toX, toY } of devices) {
    box[0] = Math.min(box[0], toX);
    box[1] = Math.min(box[1], toY);
    box[2] = Math.max(box[2], toX);
    box[3] = Math.max(box[3], toY);
  }
  return box;
}
