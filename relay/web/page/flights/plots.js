// What stands below a replay on one line of time: what is here and what is not, texts and alarms as
// marks, and values as curves, each with what it says at the cursor.

import { alarmText } from "../alarms/entry.js";
import { curveBox, gapNodes, rangeOf } from "../curves.js";
import { byId, el, setText } from "../dom.js";
import { t } from "../text.js";
import { number, timeOfDay } from "../time.js";
import { place } from "../timeline.js";

const TOUCH_US = 0.5e6; // pieces that are closer are one span of video
const NEAR_SHARE = 0.012; // of the width: marks that are closer are one
const MOST_TOLD = 6;
const GRAVE = 3; // MAV_SEVERITY: emergency, alert, critical, error
const MODE_HUES = 6;

const CURVES = [
  { name: "height", of: ["height"], least: 10, from: 0 },
  { name: "groundspeed", of: ["groundspeed"], least: 4, from: 0 },
  { name: "battery", of: ["battery"], low: 0, high: 100 },
  { name: "link", of: ["loss", "rssi"] },
];
const known = (value) => Number.isFinite(value);
const say = (value, digits, unit) => (known(value) ? `${number(value, digits)} ${unit}` : "–");
const TEXTS = {
  height: (now) => say(now.height, 0, "m"),
  groundspeed: (now) => `${say(now.groundspeed, 1, "m/s")}${known(now.climb) ? ` · ${now.climb < 0 ? "▼" : "▲"} ${number(Math.abs(now.climb), 1)}` : ""}`,
  battery: (now) => say(now.battery, 0, "%"),
  link: (now) => [known(now.loss) ? t("air.loss", { percent: number(now.loss, 1) }) : "", known(now.rssi) ? `RSSI ${number(now.rssi, 0)}` : ""].filter(Boolean).join(" · ") || "–",
};

export const gapText = (start, end, why) => `${t("flight.gap", { from: timeOfDay(start), to: timeOfDay(end) })}${why ? `: ${why}` : ""}`;

export class Plots {
  constructor(sought) {
    this.sought = sought; // sought(us, text): a mark was pressed
    this.said = new Map();
  }

  draw(track, replay, flight, from, to) {
    Object.assign(this, { track, from, to });
    this.said.clear();
    const gaps = replay.gaps;
    byId("replay-bars").replaceChildren(this.#bar("flown", [[from, to]], gaps), this.#bar("video", flight.video.map((each) => [each.from_us, each.to_us]), []));
    byId("replay-marks").replaceChildren(...this.#marks(replay));
    const rows = CURVES.map((curve) => this.#curve(curve, gaps)).filter(Boolean);
    byId("replay-curves").replaceChildren(...rows, this.#modes(gaps));
  }

  // The pieces of the camera that is shown, once they are known.
  video(pieces) {
    if (!this.track) return;
    const spans = [];
    for (const { from_us, to_us } of pieces) {
      const last = spans.at(-1);
      if (last && from_us - last[1] < TOUCH_US) last[1] = Math.max(last[1], to_us);
      else spans.push([from_us, to_us]);
    }
    byId("replay-bars").lastChild?.replaceWith(this.#bar("video", spans, []));
  }

  #bar(name, spans, gaps) {
    const node = el("div", { class: `bar bar-${name}`, title: t(`replay.bar.${name}`) });
    for (const [start, end] of spans) if (end > this.from && start < this.to) node.append(place(el("i", { class: "held" }), this.from, this.to, start, end));
    node.append(...gapNodes(gaps, this.from, this.to, gapText));
    return node;
  }

  #label(name, title) {
    const value = el("b");
    this.said.set(name, value);
    return el("span", { class: "plot-label" }, el("span", { text: title }), value);
  }

  #curve({ name, of, least, low, high, from }, gaps) {
    const lines = [];
    for (const column of of) {
      const values = this.track.column(column);
      const range = rangeOf(values, least ?? 10);
      if (!range) continue;
      const loss = column === "loss";
      lines.push({ values, name: column, low: loss ? 0 : low ?? Math.min(from ?? Infinity, range.low), high: loss ? Math.max(10, range.high) : high ?? range.high });
    }
    if (!lines.length) return null;
    const title = t(`replay.curve.${name}`);
    return el("div", { class: "plot", data: { curve: name } }, curveBox({ lines, from: this.from, to: this.to, breakUs: this.track.breakUs, gaps, textOf: gapText, label: title }), this.#label(name, title));
  }

  // The mode as a strip: each its shade and its name where there is room.
  #modes(gaps) {
    const strip = el("div", { class: "curve modes" });
    let began = null;
    const end = (us) => {
      if (began === null || began.mode === null) return;
      const name = this.track.mode(began.mode);
      strip.append(place(el("i", { class: "mode", title: name, text: name, data: { hue: began.mode % MODE_HUES } }), this.from, this.to, began.us, us));
    };
    let last = null;
    for (const [us, mode] of this.track.column("mode")) {
      if (last !== null && us - last > this.track.breakUs) { end(last); began = null; }
      if (began === null || began.mode !== mode) { end(us); began = { us, mode }; }
      last = us;
    }
    if (last !== null) end(last);
    strip.append(...gapNodes(gaps, this.from, this.to, gapText));
    return el("div", { class: "plot plot-modes", data: { curve: "mode" } }, strip, this.#label("mode", t("air.mode")));
  }

  #marks(replay) {
    const alarms = replay.alarms.map((alarm) => ({ us: alarm.raised_us, kind: "alarm", text: alarmText(alarm) + (alarm.text ? ` · ${alarm.text}` : "") }));
    const texts = replay.texts.map(([us, severity, text]) => ({ us, kind: severity !== null && severity <= GRAVE ? "grave" : "text", text }));
    const all = [...alarms, ...texts].filter(({ us }) => us >= this.from && us <= this.to).sort((a, b) => a.us - b.us);
    const groups = [];
    for (const mark of all) {
      const last = groups.at(-1);
      if (last && (mark.us - last[0].us) / (this.to - this.from) < NEAR_SHARE) last.push(mark);
      else groups.push([mark]);
    }
    return groups.map((group) => this.#mark(group));
  }

  #mark(group) {
    const kind = ["alarm", "grave", "text"].find((name) => group.some((mark) => mark.kind === name));
    const told = group.slice(0, MOST_TOLD).map(({ us, text }) => `${timeOfDay(us)} ${text}`);
    if (group.length > MOST_TOLD) told.push(t("alarm.more", { n: group.length - MOST_TOLD }));
    const text = told.join(" · ");
    const node = el("button", { type: "button", class: "replay-mark", title: told.join("\n"), "aria-label": text, data: { kind, us: group[0].us },
      text: SIGNS[kind], on: { click: () => this.sought(group[0].us, text) } });
    node.style.left = `${((group[0].us - this.from) / (this.to - this.from)) * 100}%`;
    return node;
  }

  // The cursor's values.
  say(now) {
    for (const [name, node] of this.said) {
      setText(node, !now.known ? t("replay.unknown") : name === "mode" ? this.track.mode(now.mode) || "–" : TEXTS[name](now));
    }
  }
}

const SIGNS = { alarm: "▲", grave: "!", text: "●" };
