// The devices beside the map: sought by name, filtered by kind, those with alarms first.

import { arrange, byId, el, setText } from "../dom.js";
import { isPressed } from "../press.js";
import { has, t } from "../text.js";
import { age, number } from "../time.js";
import { kindText } from "../wall.js";
import { ageUs, stateOf } from "./fleet.js";
import { kindIcon, KINDS, kindOf } from "./shapes.js";

const MOST = 200;
const LOW_PERCENT = 20;

export class DeviceList {
  constructor(fleet, { chosen, filtered }) {
    this.fleet = fleet;
    this.chosen = chosen; // chosen(key)
    this.filtered = filtered; // filtered(): another filter holds
    this.node = byId("map-list");
    this.kinds = new Set();
    this.words = "";
    this.only = null; // keys of a group that was clicked
    this.rows = new Map();
    byId("map-search").addEventListener("input", (event) => {
      this.words = event.target.value.trim().toLowerCase().slice(0, 64);
      this.only = null;
      this.filtered();
    });
    byId("map-search").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const [first] = this.#sorted();
      if (first) this.chosen(first.key);
    });
    this.node.addEventListener("click", (event) => {
      const row = event.target.closest("[data-key]");
      if (row) this.chosen(row.dataset.key);
    });
  }

  passes(device) {
    if (this.only && !this.only.has(device.key)) return false;
    if (this.kinds.size && !this.kinds.has(kindOf(device.kind))) return false;
    return !this.words || `${device.device} ${device.kit} ${kindText(device.kind)}`.toLowerCase().includes(this.words);
  }

  group(keys) {
    this.only = keys;
    this.filtered();
  }

  #sorted() {
    return this.fleet.list().filter((device) => this.passes(device)).sort((a, b) => Number(Boolean(b.alarm)) - Number(Boolean(a.alarm))
      || a.device.localeCompare(b.device, "en", { numeric: true }) || a.kit.localeCompare(b.kit, "en", { numeric: true }));
  }

  #chips() {
    const counts = new Map();
    for (const device of this.fleet.devices.values()) counts.set(kindOf(device.kind), (counts.get(kindOf(device.kind)) ?? 0) + 1);
    const told = JSON.stringify([...counts, [...this.kinds], t("title"), this.only?.size ?? 0]);
    const node = byId("map-kinds");
    if (node.dataset.told === told) return;
    node.dataset.told = told;
    const focused = document.activeElement?.dataset?.kind;
    const chips = KINDS.filter((kind) => counts.has(kind)).map((kind) => el("button", {
      type: "button", class: "chip", data: { kind }, "aria-pressed": String(this.kinds.has(kind)), title: kindText(kind),
      on: { click: () => { if (!this.kinds.delete(kind)) this.kinds.add(kind); this.only = null; this.filtered(); } } },
    kindIcon(kind), el("span", { text: kindText(kind) }), el("b", { text: counts.get(kind) })));
    if (this.only) chips.unshift(el("button", { type: "button", class: "chip group", "aria-pressed": "true", data: { kind: "*" },
      on: { click: () => this.group(null) } }, el("span", { text: t("map.group", { n: this.only.size }) }), el("b", { text: "×" })));
    node.replaceChildren(...chips);
    if (focused) node.querySelector(`[data-kind="${focused}"]`)?.focus();
  }

  draw(chosen) {
    this.#chips();
    const all = this.#sorted();
    const shown = all.slice(0, MOST);
    for (const device of shown) {
      if (!this.rows.has(device.key)) this.rows.set(device.key, new Row(device.key));
      this.rows.get(device.key).draw(device, device.key === chosen);
    }
    if (!isPressed(this.node)) this.#arrange(shown); // else when the next second is drawn
    const more = all.length - shown.length;
    setText(byId("map-more"), more > 0 ? t("map.more", { n: number(more, 0) }) : all.length ? "" : this.fleet.devices.size ? t("map.nobody") : t("map.empty"));
    const states = { fresh: 0, late: 0, stale: 0, none: 0 };
    for (const device of this.fleet.devices.values()) states[stateOf(device)] += 1;
    setText(byId("map-count"), t("map.count", { n: number(this.fleet.devices.size, 0), fresh: number(states.fresh, 0) }));
  }

  #arrange(shown) {
    const wanted = new Set(shown.map((device) => device.key));
    for (const key of this.rows.keys()) if (!wanted.has(key)) this.rows.delete(key);
    arrange(this.node, shown.map((device) => this.rows.get(device.key).node));
  }
}

class Row {
  constructor(key) {
    this.name = el("b");
    this.note = el("span", { class: "dim" });
    this.age = el("span", { class: "row-age" });
    this.tag = el("span", { class: "row-tag" });
    this.icon = el("span", { class: "row-icon" });
    this.node = el("button", { type: "button", class: "device-row", data: { key } }, this.icon,
      el("span", { class: "row-names" }, this.name, this.note), this.tag, this.age);
  }

  draw(device, chosen) {
    const state = stateOf(device);
    const old = ageUs(device);
    const look = `${device.kind}/${state}`;
    if (this.look !== look) { this.look = look; this.icon.replaceChildren(kindIcon(device.kind, state)); }
    this.node.dataset.state = state;
    this.node.setAttribute("aria-current", String(chosen));
    setText(this.name, device.device);
    const simulated = device.position?.marks?.includes("exercise") ? ` · ${t("alarm.exercise")}` : "";
    setText(this.note, `${kindText(device.kind)} · ${device.kit}${simulated}`);
    setText(this.age, old === null ? t("map.state.none") : age(old));
    const level = device.streams.battery?.values?.level;
    const alarm = device.alarm;
    const tag = alarm ? (has(`alarm.kind.${alarm.kind}`) ? t(`alarm.kind.${alarm.kind}`) : alarm.kind)
      : Number.isFinite(level) && level < LOW_PERCENT ? t("map.battery", { percent: number(level, 0) }) : "";
    this.tag.dataset.tag = alarm ? (alarm.calm ? "calm" : "alarm") : "low";
    setText(this.tag, tag);
  }
}
