// The window view: each stream's verdict with its reason, what came minute by minute and by layer,
// what its kit promises for when, and the centre's own forecast.

import { byId, el, setText, verdictMark } from "./dom.js";
import { age, bytes, dayAndTime, hms, minuteOfDay, nowUs, number, rate, timeOfDay } from "./time.js";
import { kindText } from "./wall.js";
import { has, t } from "./text.js";

const MINUTE_US = 60e6;
const LAYERS = ["original", "proxy", "thin", "still"];
const WORST_FIRST = ["will_miss", "at_risk", "unknown", "kept"];
const MINUTES = { o: "o", p: "p", t: "t", s: "s", l: "l", g: "g", ".": "none", ">": "coming", "-": "before" };

export function verdictText(verdict, over) {
  const key = `window.verdict.over.${verdict}`;
  return t(over && has(key) ? key : `window.verdict.${verdict}`);
}

export function reasonText(reason) {
  return t(`window.reason.${reason.code}`, {
    text: reason.text || "–", minutes: reason.minutes, late: reason.late ?? 0,
    time: reason.at_us === null ? "–" : dayAndTime(reason.at_us),
    bytes: reason.size_bytes === null ? "?" : bytes(reason.size_bytes),
    rate: reason.rate_bps === null ? "?" : rate(reason.rate_bps) });
}

const key = (each) => `${each.kit}/${each.device}/${each.stream}`;

function* runs(minutes) {
  let first = 0;
  for (let at = 1; at <= minutes.length; at += 1) {
    if (at === minutes.length || minutes[at] !== minutes[first]) { yield [first, at, minutes[first]]; first = at; }
  }
}

export class WindowPanel {
  constructor(open) {
    this.open = open; // open(stream): its pictures
    this.rows = new Map();
  }

  draw(view) {
    this.view = view;
    const node = byId("window");
    if (!view) { node.replaceChildren(); this.rows.clear(); return; }
    this.endUs = Math.max(view.due_us ?? 0, view.start_us + view.elapsed_us, view.from_us + MINUTE_US);
    const streams = [...view.streams].sort((a, b) => WORST_FIRST.indexOf(a.verdict) - WORST_FIRST.indexOf(b.verdict)
      || key(a).localeCompare(key(b), "en", { numeric: true }));
    const wanted = new Set(streams.map(key));
    for (const name of this.rows.keys()) if (!wanted.has(name)) this.rows.delete(name);
    const rows = streams.map((stream) => this.#row(stream));
    const head = this.#head();
    const kits = el("section", { class: "window-kits" }, ...view.kits.map((kit) => this.#kit(kit)));
    const empty = rows.length ? [] : [el("p", { class: "none", text: t("window.empty") })];
    const at = node.scrollTop;
    node.replaceChildren(head, el("section", { class: "window-rows" }, ...rows, ...empty), kits);
    node.scrollTop = at;
  }

  forget() {
    this.rows.clear();
  }

  // What has not changed keeps its element: a hundred streams are drawn every few seconds.
  #row(stream) {
    const told = JSON.stringify([stream, this.view.from_us, this.endUs, this.view.over]);
    const known = this.rows.get(key(stream));
    if (known?.told === told) return known.node;
    const node = this.#made(stream);
    this.rows.set(key(stream), { told, node });
    return node;
  }

  #head() {
    const { view } = this;
    const counts = WORST_FIRST.filter((verdict) => view.counts[verdict]).map((verdict) => el("span", {
      class: "verdict", data: { verdict } }, verdictMark(verdict), el("b", { text: view.counts[verdict] }),
    el("span", { text: verdictText(verdict, view.over) })));
    const legend = Object.values(MINUTES).map((name) => el("span", { class: "minute-key" },
      el("i", { class: `minute minute-${name}` }), t(`window.minute.${name}`)));
    return el("header", { class: "window-head" },
      el("div", { class: "window-sum" }, el("h2", { text: t("window.title") }), ...counts,
        el("span", { class: "dim", text: t("window.updated", { time: timeOfDay(view.now_us) }) })),
      el("div", { class: "window-legend" }, ...legend));
  }

  #made(stream) {
    const { view } = this;
    const share = stream.wanted ? t("window.share", { present: stream.present, wanted: stream.wanted }) : t("window.share.none");
    const first = stream.first_picture_s === null ? t("window.first.none")
      : `${t("window.first")} ${t("window.first.after", { time: hms(stream.first_picture_s * 1e6) })}`;
    return el("article", { class: "window-row", data: { verdict: stream.verdict, key: key(stream) } },
      el("button", { type: "button", class: "window-name", on: { click: () => this.open(stream) } },
        el("b", { text: stream.device }), el("span", { class: "dim", text: [kindText(stream.kind), stream.kit, stream.stream === "video" ? "" : stream.stream].filter(Boolean).join(" · ") }),
        el("span", { class: "verdict", data: { verdict: stream.verdict } }, verdictMark(stream.verdict),
          el("span", { text: verdictText(stream.verdict, view.over) }))),
      el("div", { class: "window-what" }, this.#bar(stream),
        el("p", { class: "window-reason", text: reasonText(stream.reason) }),
        el("p", { class: "window-layers" }, el("span", { text: share }), el("span", { text: first }),
          ...stream.layers.map((layer) => this.#layer(layer)))));
  }

  #place(node, fromUs, toUs) {
    const whole = this.endUs - this.view.from_us;
    const left = Math.min(100, Math.max(0, ((fromUs - this.view.from_us) / whole) * 100));
    const right = Math.min(100, Math.max(0, ((toUs - this.view.from_us) / whole) * 100));
    node.style.left = `${left.toFixed(3)}%`;
    node.style.width = `${Math.max(0.12, right - left).toFixed(3)}%`;
    return node;
  }

  #bar(stream) {
    const { view } = this;
    const strip = el("div", { class: "minutes" });
    for (const [first, last, code] of runs(stream.minutes)) {
      const fromUs = view.from_us + first * MINUTE_US;
      const toUs = Math.min(view.from_us + last * MINUTE_US, view.start_us + view.elapsed_us);
      const name = MINUTES[code];
      const title = `${minuteOfDay(fromUs)}–${minuteOfDay(toUs)} ${t(`window.minute.${name}`)}`;
      strip.append(this.#place(el("i", { class: `minute minute-${name}`, title }), fromUs, toUs));
    }
    const layers = LAYERS.map((name) => stream.layers.find((each) => each.layer === name)).filter(Boolean).map((layer) => {
      const row = el("div", { class: `line line-${layer.layer}` });
      for (const [from, to] of layer.spans) row.append(this.#place(el("i", {}), from, to));
      return row;
    });
    const axis = el("div", { class: "window-axis" }, el("span", { text: `${t("window.t0")} ${minuteOfDay(view.start_us)}` }),
      el("span", { text: view.due_us === null ? "" : `${t("window.due")} ${minuteOfDay(view.due_us)}` }));
    const now = view.over ? null : this.#place(el("i", { class: "window-now", title: t("window.now") }), view.start_us + view.elapsed_us, view.start_us + view.elapsed_us);
    return el("div", { class: "window-bar", role: "img", "aria-label": `${verdictText(stream.verdict, view.over)}: ${reasonText(stream.reason)}` },
      strip, ...layers, now, axis);
  }

  #layer(layer) {
    const share = layer.share === null ? "–" : `${number(layer.share * 100, 0)} %`;
    const text = [`${t(`layer.${layer.layer}`)} ${share}`];
    if (layer.pending_bytes) text.push(t("window.layer.pending", { bytes: bytes(layer.pending_bytes) }));
    if (layer.pending_bytes && layer.done_us !== null) {
      text.push(t("window.layer.done", { time: dayAndTime(layer.done_us) }));
      if (this.view.due_us !== null && layer.done_us > this.view.due_us) text.push(t("window.layer.later"));
    }
    return el("span", { class: `key key-${layer.layer}`, text: text.join(" · "), title: layer.reason });
  }

  #kit(kit) {
    const { view } = this;
    const heard = kit.last_heard_us === null ? t("kits.never") : t("window.heard", { age: age(nowUs() - kit.last_heard_us) });
    const plan = [kit.plan_us === null ? t("window.plan.none") : t("window.plan.age", { age: age(nowUs() - kit.plan_us) }),
      kit.fit ? t("window.plan.fit", { level: kit.fit }) : "", kit.rate_bps === null ? "" : rate(kit.rate_bps),
      kit.pending_all_bytes ? t("window.layer.pending", { bytes: bytes(kit.pending_all_bytes) }) : ""];
    const own = [kit.arrival_bps ? t("window.own.rate", { rate: rate(kit.arrival_bps) }) : t("window.own.nothing"), reasonText(kit.reason)];
    const first = kit.first_picture_s === null ? t("window.first.none")
      : t("window.first.after", { time: hms(kit.first_picture_s * 1e6) });
    return el("article", { class: "window-kit", data: { verdict: kit.verdict } },
      el("div", { class: "row-head" }, el("span", { class: "verdict", data: { verdict: kit.verdict } }, verdictMark(kit.verdict)),
        el("b", { text: kit.kit }), el("span", { class: "amount", text: heard })),
      el("dl", {}, el("dt", { text: t("window.plan") }), el("dd", { text: plan.filter(Boolean).join(" · ") }),
        el("dt", { text: t("window.own") }), el("dd", { text: `${verdictText(kit.verdict, view.over)} · ${own.join(" · ")}` }),
        el("dt", { text: t("window.first") }), el("dd", { text: first })));
  }
}

// The button that opens the view says how the window stands.
export function drawVerdict(view) {
  for (const node of [byId("view-window"), byId("tab-window")]) {
    const known = view && view.streams.length && view.due_us !== null;
    const verdict = known ? view.verdict : "";
    node.dataset.verdict = verdict;
    const parts = [el("span", { text: t("view.window") })];
    if (known) parts.unshift(verdictMark(verdict));
    if (known) parts.push(el("em", { text: verdictText(verdict, view.over) }));
    node.replaceChildren(...parts);
  }
  setText(byId("view-wall"), t("view.wall"));
}
