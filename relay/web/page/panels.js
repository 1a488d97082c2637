// The panels beside the wall: gaps, events, kits.

import { byId, el, mark, setText } from "./dom.js";
import { age, bytes, dayAndTime, nowUs, number, rate, span } from "./time.js";
import { kindText } from "./wall.js";
import { has, t } from "./text.js";

const MOST = 100;
const ALARMS = /refused|revoked|put-out|content|digest|identity|malformed|topic|disk|overload|conflict/;

const none = (key) => el("p", { class: "none", text: t(key) });

export function drawGaps(gaps) {
  setText(byId("badge-gaps"), gaps.length ? String(gaps.length) : "");
  const rows = gaps.slice(-MOST).reverse().map((gap) => el("article", { class: "row gap-row" },
    el("div", { class: "row-head" }, el("b", { text: gap.device }), el("span", { class: "dim", text: gap.kit }),
      el("span", { class: "amount", text: span(gap.end_us - gap.start_us) })),
    el("div", { class: "dim", text: `${dayAndTime(gap.start_us)} – ${dayAndTime(gap.end_us)} · ${
      gap.layer ? t(`layer.${gap.layer}`) : t("layer.any")}` }),
    el("div", { class: "reason", text: gap.reason })));
  byId("gaps").replaceChildren(...(rows.length ? rows : [none("gaps.none")]));
}

export function drawEvents(events) {
  setText(byId("badge-events"), events.length ? String(events.length) : "");
  const rows = events.slice(-MOST).reverse().map((event) => el("article", {
    class: "row", data: { alarm: ALARMS.test(event.kind) ? "yes" : "no" },
  },
  el("div", { class: "row-head" }, el("b", { text: has(`event.${event.kind}`) ? t(`event.${event.kind}`) : event.kind }), el("span", { class: "dim", text: event.kit ?? "" }),
    event.count > 1 ? el("span", { class: "times", text: `×${event.count}` }) : null,
    el("time", { class: "amount", text: dayAndTime(event.at_us) })),
  el("div", { class: "reason", text: event.text })));
  byId("events").replaceChildren(...(rows.length ? rows : [none("events.none")]));
}

function kitWord(kit) {
  if (kit.state === "revoked") return t("kits.revoked");
  if (kit.last_heard_us !== null) return t("kits.seen", { age: age(nowUs() - kit.last_heard_us) });
  return kit.state === "admitted" ? t("kits.admitted") : t("kits.never");
}

function kitDevices(kit) {
  return el("ul", { class: "devices" }, ...kit.devices.map((device) => el("li", {},
    el("b", { text: device.device }), el("span", { class: "dim", text: ` ${kindText(device.kind)}` }),
    device.state ? el("span", { class: "device-state", data: { word: device.state },
      text: ` ${has(`device.${device.state}`) ? t(`device.${device.state}`) : device.state}${device.reason ? `: ${device.reason}` : ""}` }) : null)));
}

function kitBearers(kit) {
  return el("ul", { class: "bearers" }, ...kit.bearers.map((bearer) => {
    const state = bearer.held ? "late" : bearer.up === null ? "closed" : bearer.up ? "live" : "down";
    const word = bearer.held ? "held" : bearer.up === null ? "unknown" : bearer.up ? "up" : "down";
    const facts = [t(`kits.bearer.${word}`),
      bearer.rate_bps === null ? "" : rate(bearer.rate_bps),
      bearer.rtt_ms === null ? "" : t("kits.bearer.rtt", { ms: number(bearer.rtt_ms, 0) }),
      bearer.loss === null ? "" : t("kits.bearer.loss", { percent: number(bearer.loss * 100, 1) }),
      bearer.in_flight_bytes ? t("kits.bearer.flight", { bytes: bytes(bearer.in_flight_bytes) }) : "",
      bearer.heard_us === null ? "" : t("kits.bearer.heard", { age: age(nowUs() - bearer.heard_us) })];
    return el("li", { data: { state, bearer: bearer.name } }, el("span", { class: "mark" }, mark(state)),
      el("b", { text: bearer.name }), el("span", { class: "dim", text: facts.filter(Boolean).join(" · ") }));
  }));
}

export function drawKits(kits) {
  const rows = kits.map((kit) => {
    const state = kit.state === "revoked" ? "closed" : kit.connected ? "live" : "down";
    return el("article", { class: "row", data: { state } },
      el("div", { class: "row-head" }, el("span", { class: "mark" }, mark(state)), el("b", { text: kit.kit }),
        el("span", { class: "amount", text: kitWord(kit) })),
      el("div", { class: "dim", text: [kit.software, kit.bearer].filter(Boolean).join(" · ") }),
      kit.pending ? el("div", { text: t("kits.pending", {
        bundles: kit.pending.bundles ?? "?", bytes: kit.pending.size_bytes === null ? "?" : bytes(kit.pending.size_bytes) }) }) : null,
      kitBearers(kit), kitDevices(kit));
  });
  byId("kits").replaceChildren(...(rows.length ? rows : [none("kits.none")]));
}
