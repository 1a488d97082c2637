// What a commander asks of an aircraft first: battery, height, mode, link, and what its camera saw last.

import { get } from "../api.js";
import { curveBox, rangeOf } from "../curves.js";
import { el } from "../dom.js";
import { t } from "../text.js";
import { minuteOfDay, nowUs, number } from "../time.js";
import { batteryOf, batteryState } from "./aircraft.js";
import { noseOf } from "./footprint.js";
import { agoText, wordText } from "./units.js";

const SPAN_US = 3600e6;
const STEP_US = 20e6;
const EVERY_MS = 20000;
const MOST_LOSS = 10; // percent: the curve of loss reaches at least so far up

const known = (value) => Number.isFinite(value);

export function batteryGauge(level) {
  const state = batteryState(level);
  const bar = el("i");
  bar.style.width = `${level ?? 0}%`;
  return el("span", { class: "gauge", data: { battery: state }, role: "img", "aria-label": level === null ? t("air.battery.unknown") : t("air.battery.level", { percent: number(level, 0) }) },
    el("span", { class: "gauge-shell" }, bar), el("b", { text: level === null ? "–" : `${number(level, 0)} %` }),
    state === "low" ? el("span", { class: "gauge-word", text: `▲ ${t("air.battery.low")}` }) : null);
}

const fact = (label, value, note = "") => el("div", { class: "air-fact" }, el("dt", { text: label }),
  el("dd", {}, el("b", { text: value }), note ? el("span", { class: "dim", text: note }) : null));

export function aircraftPart(device) {
  const flight = device.streams.flight?.values ?? {};
  const link = device.streams.link?.values ?? {};
  const alt = device.position?.alt;
  const nose = noseOf(device) ?? device.position?.heading;
  const armed = flight.armed === 1 ? "armed" : flight.armed === 0 ? "disarmed" : null;
  const facts = [];
  if (known(flight.height)) facts.push(fact(t("air.height"), `${number(flight.height, 0)} m`, known(flight.climb) && Math.abs(flight.climb) >= 0.3 ? `${flight.climb > 0 ? "▲" : "▼"} ${number(Math.abs(flight.climb), 1)} m/s` : ""));
  if (known(alt)) facts.push(fact(t("air.amsl"), `${number(alt, 0)} m`));
  if (known(flight.groundspeed)) facts.push(fact(t("tel.speed"), `${number(flight.groundspeed, 1)} m/s`));
  if (known(nose)) facts.push(fact(t("air.nose"), `${number(((nose % 360) + 360) % 360, 0)}°`));
  if (known(flight.home_distance)) facts.push(fact(t("tel.home_distance"), `${number(flight.home_distance, 0)} m`));
  if (known(link.loss) || known(link.rssi)) facts.push(fact(t("tel.stream.link"), known(link.loss) ? t("air.loss", { percent: number(link.loss, 1) }) : "–", known(link.rssi) ? `RSSI ${number(link.rssi, 0)}` : ""));
  return el("section", { class: "card-part air" },
    el("div", { class: "air-top" }, batteryGauge(batteryOf(device)),
      flight.mode ? el("b", { class: "air-mode", text: flight.mode, title: t("air.mode") }) : null,
      armed ? el("span", { class: "air-armed", data: { armed }, text: `${armed === "armed" ? "●" : "○"} ${t(`air.${armed}`)}` }) : null,
      flight.landed ? el("span", { class: "dim", text: wordText("air.landed", flight.landed) }) : null),
    facts.length ? el("dl", { class: "air-facts" }, ...facts) : null);
}

// The newest still, small; a press opens the player.
export function stillPart(shown, open) {
  if (!shown) return null;
  const old = nowUs() - shown.start_us;
  return el("button", { type: "button", class: "air-still", data: { act: "still" }, "aria-label": t("card.camera"), on: { click: () => open(shown.stream) } },
    shown.image, el("span", { class: "air-still-age", text: agoText(old) }),
    shown.corners ? null : el("span", { class: "air-still-note", text: t("air.still.nowhere") }));
}

// Loss and signal strength of the last hour, read now and then while the card is open.
export class LinkHistory {
  constructor() {
    this.key = null;
    this.last = null; // what was read: the history, from when, to when
    this.node = null;
  }

  // Reads when it is due; true when there is something new to draw.
  async look(device) {
    if (this.key !== device.key) Object.assign(this, { key: device.key, node: null, last: null, readMs: -1e9 });
    if (performance.now() - this.readMs < EVERY_MS || !device.streams.link) return false;
    this.readMs = performance.now();
    const to = Math.round(nowUs());
    const from = to - SPAN_US;
    let history;
    try {
      history = await get(`/api/telemetry/history?kit=${device.kit}&device=${device.device}&stream=link&columns=loss,rssi&from_us=${from}&to_us=${to}&every_us=${STEP_US}`);
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      return false; // the page says itself when the centre is gone
    }
    if (this.key !== device.key) return false;
    this.last = [history, from, to];
    this.redraw();
    return true;
  }

  // In the language of now.
  redraw() {
    this.node = this.last && this.#drawn(...this.last);
  }

  #drawn(history, from, to) {
    if (!history.samples.length) return null;
    const names = history.columns.map((column) => column.name);
    const of = (name) => history.samples.map((row) => [row[0], names.includes(name) ? row[4 + names.indexOf(name)] : null]);
    const loss = of("loss");
    const rssi = of("rssi");
    const worst = rangeOf(loss);
    const strength = rangeOf(rssi, 10);
    if (!worst && !strength) return null;
    const lines = [];
    if (worst) lines.push({ values: loss, low: 0, high: Math.max(MOST_LOSS, worst.high), name: "loss" });
    if (strength) lines.push({ values: rssi, ...strength, name: "rssi" });
    const label = t("air.link.hour", { from: minuteOfDay(from), to: minuteOfDay(to) });
    // Before the first sample it was not there yet.
    const first = history.samples[0][0];
    const gaps = history.gaps.filter((gap) => gap.to_us > first).map((gap) => [Math.max(first, gap.from_us), gap.to_us, ""]);
    const textOf = (start, end) => t("flight.gap", { from: minuteOfDay(start), to: minuteOfDay(end) });
    return el("section", { class: "card-part air-link" }, el("h3", {}, el("span", { text: label })),
      curveBox({ lines, from, to, breakUs: 4 * STEP_US, gaps, textOf, label }),
      el("p", { class: "curve-keys" }, worst ? el("span", { class: "curve-key key-loss", text: t("air.link.loss", { worst: number(Math.max(0, ...loss.map(([, value]) => value ?? 0)), 1) }) }) : null,
        strength ? el("span", { class: "curve-key key-rssi", text: t("air.link.rssi", { low: number(Math.min(...rssi.map(([, value]) => value ?? Infinity)), 0), high: number(Math.max(...rssi.map(([, value]) => value ?? -Infinity)), 0) }) }) : null));
  }
}
