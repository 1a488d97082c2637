// The flights of the centre: listed, chosen by time, kit and aircraft, and each played again.

import { get } from "../api.js";
import { arrange, byId, el, setText } from "../dom.js";
import { t } from "../text.js";
import { dayAndTime, nowUs } from "../time.js";
import { Replay } from "./replay.js";
import { farText, heightText, keyOf, lengthText, pathOf, wholeness } from "./words.js";

const MOST = 500;
const READ_MS = 30000;
const SPANS = { day: 86400e6, week: 7 * 86400e6, month: 31 * 86400e6, all: null };
export const FORMS = ["tlog", "kml", "gpx"];

export class FlightsView {
  constructor({ aircraft, asked }) {
    this.aircraft = aircraft; // aircraft(): [{kit, device}] that are known of elsewhere
    this.flights = new Map();
    this.rows = new Map();
    this.span = "week";
    this.kit = "";
    this.device = "";
    this.ground = false; // also what was recorded while nothing flew
    this.readMs = -1e9;
    this.replay = new Replay({ closed: () => this.open(null) });
    for (const name of ["span", "kit", "device"]) byId(`flights-${name}`).addEventListener("change", (event) => {
      this[name] = event.target.value;
      if (name === "kit") this.device = "";
      this.flights.clear();
      this.readMs = -1e9;
      asked(); // read it anew
      this.draw();
    });
    byId("flights-ground").addEventListener("click", () => { this.ground = !this.ground; this.readMs = -1e9; asked(); this.draw(); });
    this.node = byId("flights-list");
    byId("flights").flightsView = this; // for whoever measures it
  }

  show() {
    this.shown = true;
    this.draw();
    this.replay.shown(true);
  }

  hide() {
    this.shown = false;
    this.replay.shown(false);
  }

  due() { return this.shown && performance.now() - this.readMs >= READ_MS; }

  async read() {
    this.readMs = performance.now();
    const length = SPANS[this.span];
    const ask = new URLSearchParams({ limit: MOST });
    if (length) ask.set("from_us", Math.round(nowUs() - length));
    if (this.kit) ask.set("kit", this.kit);
    if (this.device) ask.set("device", this.device);
    if (!this.ground) ask.set("armed", "true");
    const asked = ask.toString();
    this.asked = asked;
    const page = await get(`/api/flights?${asked}`);
    if (this.asked !== asked) return;
    this.flights = new Map(page.flights.map((flight) => [keyOf(flight), flight]));
    this.more = page.flights.length >= MOST;
    this.draw();
  }

  // News of one flight, whole.
  hear(flight) {
    const key = keyOf(flight);
    const length = SPANS[this.span];
    const wanted = (!this.kit || flight.kit === this.kit) && (!this.device || flight.device === this.device)
      && (this.ground || flight.armed) && (!length || flight.start_us >= nowUs() - length);
    if (wanted) this.flights.set(key, flight);
    this.replay.hear(flight);
    if (this.shown) this.draw();
  }

  open(key) {
    const flight = key === null ? null : this.flights.get(key) ?? null;
    byId("flights").dataset.open = flight ? "yes" : "no";
    this.replay.open(flight);
    this.draw();
  }

  draw() {
    this.#filters();
    byId("flights-ground").setAttribute("aria-pressed", String(this.ground));
    const flights = [...this.flights.values()].sort((a, b) => b.start_us - a.start_us);
    const wanted = new Set(flights.map(keyOf));
    for (const key of this.rows.keys()) if (!wanted.has(key)) this.rows.delete(key);
    for (const flight of flights) {
      const key = keyOf(flight);
      if (!this.rows.has(key)) this.rows.set(key, new Row(key, () => this.open(key)));
      this.rows.get(key).draw(flight, this.replay.key === key);
    }
    arrange(this.node, flights.map((flight) => this.rows.get(keyOf(flight)).node));
    setText(byId("flights-count"), t("flights.count", { n: flights.length }));
    setText(byId("flights-none"), flights.length ? (this.more ? t("flights.more", { n: MOST }) : "") : t("flights.none"));
    byId("flights-pick").hidden = this.replay.key !== null;
    setText(byId("flights-pick"), t(flights.length ? "flights.pick" : "flights.none.hint"));
  }

  #filters() {
    const known = [...this.aircraft(), ...this.flights.values()];
    const kits = [...new Set([...known.map((each) => each.kit), this.kit].filter(Boolean))].sort();
    const mine = known.filter((each) => !this.kit || each.kit === this.kit);
    const devices = [...new Set([...mine.map((each) => each.device), this.device].filter(Boolean))].sort();
    options("flights-span", Object.keys(SPANS).map((name) => [name, t(`flights.span.${name}`)]), this.span);
    options("flights-kit", [["", t("flights.kit.all")], ...kits.map((kit) => [kit, kit])], this.kit);
    options("flights-device", [["", t("flights.device.all")], ...devices.map((device) => [device, device])], this.device);
  }

  redraw() {
    for (const row of this.rows.values()) row.told = "";
    this.draw();
    this.replay.redraw();
  }
}

function options(id, pairs, value) {
  const node = byId(id);
  const told = JSON.stringify(pairs);
  if (node.dataset.told !== told) {
    node.dataset.told = told;
    node.replaceChildren(...pairs.map(([name, text]) => el("option", { value: name, text })));
  }
  if (node.value !== value) node.value = value;
}

class Row {
  constructor(key, open) {
    this.node = el("button", { type: "button", class: "flight-row", data: { key }, on: { click: open } });
    this.told = "";
  }

  draw(flight, chosen) {
    this.node.setAttribute("aria-current", String(chosen));
    const told = JSON.stringify([flight, flight.end_us ?? Math.floor(nowUs() / 1e6), dayAndTime(flight.start_us)]);
    if (this.told === told) return;
    this.told = told;
    const [state, words] = wholeness(flight);
    this.node.dataset.state = state;
    this.node.replaceChildren(
      el("span", { class: "flight-who" }, el("b", { text: flight.device }), el("span", { class: "dim", text: flight.kit }),
        flight.exercise ? el("em", { class: "flight-tag", text: t("alarm.exercise") }) : null,
        flight.armed ? null : el("em", { class: "flight-tag", text: t("flight.ground") })),
      el("time", { class: "flight-when", text: dayAndTime(flight.start_us) }),
      el("span", { class: "flight-facts" }, fact("flight.length", lengthText(flight)), fact("flight.height", heightText(flight.max_height)), fact("flight.far", farText(flight.distance_m))),
      el("span", { class: "flight-marks" }, el("span", { class: "flight-whole", data: { state }, text: `${SIGNS[state]} ${words}` }),
        el("span", { class: "flight-video", data: { video: flight.video.length ? "yes" : "no" }, text: flight.video.length ? `▶ ${t("flight.video")}` : t("flight.video.none") })));
  }
}

// A shape beside the colour.
const SIGNS = { whole: "✓", holes: "▨", coming: "…", unknown: "?", flying: "●" };

const fact = (key, value) => el("span", { class: "flight-fact" }, el("span", { class: "dim", text: t(key) }), el("b", { text: value }));

// What has no recording has no .tlog: DJI's.
export const downloads = (flight) => FORMS.filter((form) => form !== "tlog" || flight.pieces_here > 0).map((form) => el("a", { class: "button small", href: `${pathOf(flight)}/flight.${form}`, download: "", data: { form }, text: form.toUpperCase() }));
