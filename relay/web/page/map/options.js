// What somebody chose to see on the map; the browser keeps it.

import { byId, el } from "../dom.js";
import { t } from "../text.js";

const KEPT = "fieldlink.map";
const SWITCHES = ["rings", "names", "bright"];
const TRACKS = [["none", 0], ["chosen", 30], ["chosen", 120], ["all", 10], ["all", 30], ["all", 120]];
const DEFAULTS = { tracks: "chosen", minutes: 30, rings: true, names: true, bright: false };

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

// Whether the operator's tiles are to be bright.
export const isBright = () => kept().bright === true;

export class MapOptions {
  constructor(changed) {
    this.changed = changed; // changed(what): "tracks" or the name of a switch
    Object.assign(this, DEFAULTS);
    for (const [name, value] of Object.entries(kept())) if (typeof value === typeof DEFAULTS[name]) this[name] = value;
    for (const name of SWITCHES) {
      byId(`map-${name}`).addEventListener("click", () => { this[name] = !this[name]; this.#now(name); });
    }
    byId("map-track").addEventListener("change", (event) => {
      const [tracks, minutes] = event.target.value.split(":");
      Object.assign(this, { tracks, minutes: Number(minutes) || this.minutes });
      this.#now("tracks");
    });
    this.#press();
  }

  #press() {
    for (const name of SWITCHES) byId(`map-${name}`).setAttribute("aria-pressed", String(this[name]));
  }

  #now(what) {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, this[name]]))));
    this.#press();
    this.changed(what);
  }

  // In the language of now.
  draw() {
    byId("map-track").replaceChildren(...TRACKS.map(([what, minutes]) => el("option", {
      value: `${what}:${minutes}`, text: t(`map.tracks.${what}`, { minutes }) })));
    byId("map-track").value = this.tracks === "none" ? "none:0" : `${this.tracks}:${this.minutes}`;
  }
}
