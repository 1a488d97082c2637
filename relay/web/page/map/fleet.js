// What is known of every device: where it was last, how old that is, and what it measures. Fed by
// reading `latest` and by the news in between.

import { nowUs } from "../time.js";

const LATE_US = 30e6;
const STALE_US = 300e6;
// The bits of a sample's flags, in their order (codecs/telemetry/samples.py).
const FLAGS = ["no_fix", "zero", "jump", "clock", "backfill", "range", "converted", "frozen", "exercise", "alarm"];
const GLIDE_MS = 480;

export const keyOf = (kit, device) => `${kit}/${device}`;
export const flagNames = (bits) => FLAGS.filter((_, at) => bits & (1 << at));
const SURVEYED = 7; // GGA's quality of a position that was typed in (NMEA 0183)
// Where a station stands does not grow old while the station speaks; it says it once an hour.
// No position is younger than its arrival, whatever its device's clock says: who falls silent in the
// year 2099 grows old all the same.
const knownUs = ({ position, heard_us }) => (position.fix === SURVEYED ? Math.max(position.time_us, heard_us ?? 0)
  : Math.min(position.time_us, position.arrived_us ?? Infinity));
export const ageUs = (device) => (device.position ? Math.max(0, nowUs() - knownUs(device)) : null);

export function stateOf(device, now = nowUs()) {
  if (!device.position) return "none";
  const old = now - knownUs(device);
  return old > STALE_US ? "stale" : old > LATE_US ? "late" : "fresh";
}

const sound = (lat, lon) => Number.isFinite(lat) && Number.isFinite(lon) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;

export class Fleet {
  constructor() {
    this.devices = new Map();
    this.carriers = new Map();
    this.revision = 0;
    this.to = null; // to(lon, lat): the map's projection, once it is known
    this.changed = 0; // counts changes, so that whoever draws sees whether there is anything new
    this.moved = []; // called with (device, position) for each new position
  }

  project(to) {
    this.to = to;
    for (const device of this.devices.values()) this.#place(device, false);
    this.changed += 1;
  }

  // The answer of /api/telemetry/latest; `whole` when it was asked for everything.
  take(page, whole) {
    if (whole) {
      const known = new Set(page.devices.map((each) => keyOf(each.kit, each.device)));
      for (const key of this.devices.keys()) if (!known.has(key)) this.devices.delete(key);
    }
    for (const told of page.devices) this.#learn(told, page.revision, whole);
    this.revision = Math.max(whole ? 0 : this.revision, page.revision);
    this.changed += 1;
  }

  #learn(told, revision, whole) {
    const key = keyOf(told.kit, told.device);
    const known = this.devices.get(key);
    const position = told.position && sound(told.position.lat, told.position.lon) ? told.position : null;
    // News may have been faster than the answer. The centre knows what is the latest: a clock that
    // was wrong and is set has later positions with earlier times.
    const faster = !whole && known?.position && known.movedAt > revision;
    const device = Object.assign(known ?? { key, x: 0, y: 0, glide: null, alarm: null }, told,
      { position: faster ? known.position : position, movedAt: faster ? known.movedAt : revision, streams: told.streams ?? {} });
    this.devices.set(key, device);
    this.#place(device, Boolean(known?.position));
  }

  // The news "positions" of `revision`: [kit, device, kind, time_us, lon, lat, heading, speed, marks].
  move(rows, revision) {
    for (const [kit, name, kind, time_us, lon, lat, heading, speed, marks] of rows) {
      if (!sound(lat, lon)) continue;
      const key = keyOf(kit, name);
      let device = this.devices.get(key);
      if (!device) {
        device = { key, kit, device: name, kind, position: null, streams: {}, heard_us: time_us, alarms: 0, x: 0, y: 0, glide: null, alarm: null };
        this.devices.set(key, device);
      }
      const before = device.position;
      if (device.movedAt > revision) continue; // an answer was faster
      // Told for something else that it measures: where it is has not changed.
      if (before && before.time_us === time_us && before.lat === lat && before.lon === lon) continue;
      device.movedAt = revision;
      device.position = { ...before, time_us, lat, lon, heading, speed, marks: flagNames(marks ?? 0), arrived_us: nowUs() };
      device.heard_us = nowUs();
      device.fix_lost_us = null;
      this.#place(device, Boolean(before));
      for (const tell of this.moved) tell(device, device.position);
    }
    this.changed += 1;
  }

  #place(device, glide) {
    if (!this.to || !device.position) return;
    const [x, y] = this.to(device.position.lon, device.position.lat);
    if (device.toX === x && device.toY === y) return;
    device.glide = glide && device.toX !== undefined ? { x: device.x, y: device.y, since: performance.now() } : null;
    device.toX = x;
    device.toY = y;
    if (!device.glide) [device.x, device.y] = [x, y];
  }

  // Carry every device on towards where it is; true while any is still on its way.
  glide(smooth, nowMs, farthest) {
    let going = false;
    for (const device of this.devices.values()) {
      const { glide } = device;
      if (!glide) continue;
      const part = (nowMs - glide.since) / GLIDE_MS;
      const far = Math.abs(device.toX - glide.x) + Math.abs(device.toY - glide.y) > farthest;
      if (!smooth || part >= 1 || far) {
        device.glide = null;
        [device.x, device.y] = [device.toX, device.toY];
      } else {
        going = true;
        device.x = glide.x + (device.toX - glide.x) * part;
        device.y = glide.y + (device.toY - glide.y) * part;
      }
    }
    return going;
  }

  // Which devices have an alarm that nobody has cleared: key to the worst of them.
  alarmed(byKey) {
    for (const device of this.devices.values()) device.alarm = byKey.get(device.key) ?? null;
    this.changed += 1;
  }

  // What each camera is carried by, as the kits say.
  carry(kits) {
    this.carriers = new Map(kits.flatMap(({ kit, devices }) => devices.filter(({ carrier }) => carrier).map(({ device, carrier }) => [keyOf(kit, device), carrier])));
  }

  // The streams of a device's own cameras: what has its name, and what its kit says that it carries;
  // of what its kit does not say it, its name with a number that is no other device's.
  cameras({ kit, device }, streams) {
    const further = (name) => name.startsWith(`${device}-`) && /^\d{1,2}$/.test(name.slice(device.length + 1)) && !this.devices.has(keyOf(kit, name));
    const carried = (name) => (this.carriers.get(keyOf(kit, name)) ?? (further(name) ? device : "")) === device;
    return streams.filter((each) => each.kit === kit && (each.device === device || carried(each.device)));
  }

  list() {
    return [...this.devices.values()];
  }
}
