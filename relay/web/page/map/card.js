// Everything that is known of one device, beside the map.

import { get } from "../api.js";
import { byId, el, setText } from "../dom.js";
import { isPressed } from "../press.js";
import { has, t } from "../text.js";
import { dayAndTime, nowUs, number } from "../time.js";
import { kindText } from "../wall.js";
import { isAircraft } from "./aircraft.js";
import { aircraftPart, LinkHistory, stillPart } from "./aircraft_card.js";
import { ageUs, stateOf } from "./fleet.js";
import { metresText, placeText } from "./geo.js";
import { kindIcon } from "./shapes.js";
import { sparklines } from "./spark.js";
import { agoText, columnText, markText, orderedStreams, streamText, valueText } from "./units.js";

const SPAN_US = 1800e6;
const EVERY_MS = 10000;
const POINTS = 150;
const STREAM_LATE_US = 120e6;
const OFFSET_WORTH_US = 1e6;

const fact = (label, value, note = "", state = "") => el("div", { class: "fact", data: { state } },
  el("dt", { text: label }), el("dd", {}, el("b", { text: value }), note ? el("span", { class: "dim", text: note }) : null));

// A camera by its own name where that is not its carrier's.
function cameraText({ device, stream }, carrier) {
  const name = [device === carrier.device ? "" : device, stream === "video" ? "" : stream].filter(Boolean).join(" · ");
  return name ? t("card.camera.named", { name }) : t("card.camera");
}

export class DeviceCard {
  constructor({ closed, located, followed, streamsOf, openStream, alarmsOf, stillOf }) {
    Object.assign(this, { closed, located, followed, streamsOf, openStream, alarmsOf, stillOf });
    this.link = new LinkHistory();
    this.node = byId("map-card");
    this.device = null;
    this.sparks = new Map();
    this.following = false;
  }

  open(device) {
    if (this.device?.key !== device?.key) {
      this.sparks = new Map();
      this.readMs = 0;
    }
    this.device = device;
    this.node.hidden = !device;
    if (device) { this.draw(); this.#read(); this.node.scrollTop = 0; }
  }

  tick() {
    if (!this.device) return;
    if (!isPressed(this.node)) this.draw();
    if (performance.now() - this.readMs > EVERY_MS) this.#read();
  }

  changed() {
    if (this.device && !isPressed(this.node)) this.draw();
  }

  redraw() {
    this.link.redraw();
    if (this.device) this.draw();
  }

  async #read() {
    const { device } = this;
    this.readMs = performance.now();
    if (isAircraft(device) && await this.link.look(device) && this.device?.key === device.key && !isPressed(this.node)) this.draw();
    if (this.device?.key !== device.key) return;
    const to = Math.round(nowUs());
    const from = to - SPAN_US;
    const ask = `from_us=${from}&to_us=${to}&every_us=${Math.round(SPAN_US / POINTS)}`;
    for (const [stream] of orderedStreams(device.streams)) {
      try {
        const history = await get(`/api/telemetry/history?kit=${device.kit}&device=${device.device}&stream=${stream}&${ask}`);
        if (this.device?.key !== device.key) return;
        this.sparks.set(stream, sparklines(stream, history, from, to));
      } catch (fault) {
        if (fault.status === undefined) throw fault;
        return; // the page says itself when the centre is gone; the next reading comes
      }
    }
    this.changed();
  }

  draw() {
    const { device } = this;
    const state = stateOf(device);
    this.node.dataset.state = state;
    const aircraft = isAircraft(device) ? [stillPart(this.stillOf(device), this.openStream), aircraftPart(device), this.link.key === device.key ? this.link.node : null] : [];
    const parts = [this.#head(device, state), this.#actions(device), this.#alarms(device), ...aircraft, this.#position(device, state),
      ...orderedStreams(device.streams).map(([name, stream]) => this.#stream(name, stream)), this.#clock(device)];
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const at = this.node.scrollTop;
    this.node.replaceChildren(...parts.filter(Boolean));
    this.node.scrollTop = at;
    if (focused) this.node.querySelector(`[data-act="${focused}"]`)?.focus();
  }

  #head(device, state) {
    const old = ageUs(device);
    return el("header", { class: "card-head" }, kindIcon(device.kind, state),
      el("div", { class: "card-name" }, el("h2", { text: device.device }), el("span", { class: "dim", text: `${kindText(device.kind)} · ${device.kit}` })),
      el("span", { class: "card-age", data: { state }, text: old === null ? t("map.state.none") : `${t(`map.state.${state}`)} · ${agoText(old)}` }),
      el("button", { type: "button", class: "quiet card-close", "aria-label": t("card.close"), title: t("card.close"), text: "×", data: { act: "close" }, on: { click: this.closed } }));
  }

  #actions(device) {
    const button = (act, text, run, pressed) => el("button", { type: "button", class: "small", text, data: { act },
      "aria-pressed": pressed === undefined ? null : String(pressed), on: { click: run } });
    const cameras = this.streamsOf(device).map((stream, at) => button(`camera-${at}`,
      cameraText(stream, device), () => this.openStream(stream)));
    if (!device.position && !cameras.length) return null;
    return el("div", { class: "card-acts" },
      device.position ? button("locate", t("card.locate"), () => this.located(device)) : null,
      device.position ? button("follow", t("card.follow"), () => this.followed(!this.following), this.following) : null, ...cameras);
  }

  #alarms(device) {
    const alarms = this.alarmsOf(device.key);
    if (!alarms.length) return null;
    return el("div", { class: "card-alarms" }, ...alarms.map((alarm) => el("p", { data: { state: alarm.state } },
      el("b", { text: has(`alarm.kind.${alarm.kind}`) ? t(`alarm.kind.${alarm.kind}`) : alarm.kind }),
      el("span", { text: agoText(nowUs() - alarm.raised_us) }),
      el("span", { class: "dim", text: t(`alarm.state.${alarm.state}`) }))));
  }

  #position(device, state) {
    const { position } = device;
    if (!position) return el("section", { class: "card-part" }, el("h3", { text: t("tel.stream.position") }), el("p", { class: "dim", text: t("card.noPosition") }));
    const known = (value) => value !== null && value !== undefined;
    const error = known(position.accuracy) ? t("card.accuracy", { m: metresText(position.accuracy) }) : t("card.accuracy.unknown");
    const rows = [fact(t("card.where"), placeText(position.lat, position.lon, 6), error)];
    if (known(position.alt)) rows.push(fact(t("tel.alt"), `${number(position.alt, 0)} m`));
    if (known(position.speed)) rows.push(fact(t("tel.speed"), `${number(position.speed * 3.6, 1)} km/h`, known(position.heading) ? t("card.heading", { deg: number(position.heading, 0) }) : ""));
    if (known(position.satellites) || known(position.fix)) {
      const fix = known(position.fix) ? valueText("position", "fix", position.fix, "").text : "";
      rows.push(fact(t("tel.fix"), fix || "–", known(position.satellites) ? t("card.satellites", { n: position.satellites }) : ""));
    }
    const error_us = position.error_us;
    rows.push(fact(t("card.when"), dayAndTime(position.time_us), known(error_us) ? t("card.timeError", { s: number(error_us / 1e6, error_us < 1e6 ? 3 : 1) }) : t("card.timeError.unknown")));
    const marks = (position.marks ?? []).map((mark) => el("li", { text: markText(mark) }));
    if (device.fix_lost_us) marks.unshift(el("li", { class: "bad", text: t("card.fixLost", { age: agoText(nowUs() - device.fix_lost_us) }) }));
    return el("section", { class: "card-part", data: { state } }, el("h3", { text: t("tel.stream.position") }), el("dl", {}, ...rows),
      marks.length ? el("ul", { class: "marks" }, ...marks) : null);
  }

  #stream(name, stream) {
    const sparks = this.sparks.get(name);
    const old = nowUs() - stream.time_us;
    const rows = Object.entries(stream.values ?? {}).filter(([column, value]) => value !== null || sparks?.has(column)).map(([column, value]) => {
      const said = valueText(name, column, value, stream.units?.[column]);
      const spark = sparks?.get(column);
      const words = typeof value === "string";
      return el("div", { class: words ? "measure words" : "measure" }, el("dt", { text: columnText(name, column) }),
        el("dd", {}, el("b", { text: said.text }), said.unit ? el("span", { class: "unit", text: said.unit }) : null),
        spark ? el("div", { class: "spark-box", title: spark.label }, spark.svg.cloneNode(true), el("span", { class: "spark-range", text: spark.range })) : words ? null : el("div"));
    });
    if (!rows.length) return null;
    const marks = (stream.marks ?? []).map((mark) => el("li", { text: markText(mark) }));
    return el("section", { class: "card-part", data: { late: String(old > STREAM_LATE_US) } },
      el("h3", {}, el("span", { text: streamText(name) }), el("span", { class: "amount", text: agoText(old) })),
      el("dl", {}, ...rows), marks.length ? el("ul", { class: "marks" }, ...marks) : null);
  }

  #clock(device) {
    const offset = device.offset_us;
    if (offset === null || offset === undefined || Math.abs(offset) < OFFSET_WORTH_US) return null;
    return el("p", { class: "dim card-clock", text: t(offset > 0 ? "card.clock.ahead" : "card.clock.behind", { s: number(Math.abs(offset) / 1e6, 1) }) });
  }

  setFollowing(yes) {
    this.following = yes;
    const button = this.node.querySelector('[data-act="follow"]');
    if (button) { button.setAttribute("aria-pressed", String(yes)); setText(button, t("card.follow")); }
  }
}
