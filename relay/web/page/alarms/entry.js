// One alarm as people see it, in the banner and in the list: what, who, where, when, and what they
// can do about it. The element stays while the alarm does, so that nobody's note is lost.

import { post } from "../api.js";
import { el, setText } from "../dom.js";
import { placeText } from "../map/geo.js";
import { columnText, unitText } from "../map/units.js";
import { has, t } from "../text.js";
import { age, dayAndTime, nowUs } from "../time.js";
import { kindText } from "../wall.js";
import { toSee } from "./book.js";
import { alarmIcon } from "./icons.js";

const NOTE_CHARS = 256;

export const alarmText = (alarm) => (has(`alarm.kind.${alarm.kind}`) ? t(`alarm.kind.${alarm.kind}`) : String(alarm.kind));

const subjectText = (subject) => {
  const [stream, column] = subject.split(".");
  return column ? columnText(stream, column) : subject;
};

// What was measured: "CO 62 ppm, limit 35 ppm", and the person's or the device's own words.
export function whatText(alarm) {
  const unit = alarm.unit ? ` ${unitText(alarm.unit)}` : "";
  const full = (value) => (alarm.unit === "s" ? t("unit.seconds", { n: value }) : `${value}${unit}`);
  const measured = alarm.value ? `${alarm.subject ? `${subjectText(alarm.subject)} ` : ""}${full(alarm.value)}` : "";
  const limit = alarm.limit ? t("alarm.limit", { limit: full(alarm.limit) }) : "";
  return [measured, limit, alarm.text ? `“${alarm.text}”` : ""].filter(Boolean).join(" · ");
}

export class AlarmEntry {
  constructor(alarm, { locate, placeOf, done, compact }) {
    Object.assign(this, { locate, placeOf, done, alarm });
    this.acting = null;
    this.kind = el("b", { class: "alarm-kind" });
    this.who = el("span", { class: "alarm-who" });
    this.what = el("span", { class: "alarm-what" });
    this.where = el("span", { class: "alarm-where" });
    this.when = el("span", { class: "alarm-when" });
    this.since = el("b", { class: "alarm-since" });
    this.seen = el("span", { class: "alarm-seen" });
    this.tag = el("span", { class: "alarm-tag" });
    this.icon = el("span", { class: "alarm-icon" });
    this.note = el("input", { class: "alarm-note", maxlength: String(NOTE_CHARS) });
    this.fault = el("p", { class: "fault", role: "alert" });
    this.map = this.#button("map", () => locate(this.alarm));
    this.ack = this.#button("acknowledge", () => this.#begin("acknowledge"));
    this.clear = this.#button("clear", () => this.#begin("clear"));
    this.confirm = el("button", { type: "submit", class: "small primary" });
    this.cancel = el("button", { type: "button", class: "small", on: { click: () => this.#end() } });
    this.form = el("form", { class: "alarm-form", hidden: true, on: { submit: (event) => { event.preventDefault(); this.#send(); } } },
      this.note, this.confirm, this.cancel, this.fault);
    this.note.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); this.#end(); } });
    this.node = el("article", { class: compact ? "alarm alarm-row" : "alarm alarm-banner" }, this.icon,
      el("div", { class: "alarm-main" }, el("div", { class: "alarm-line" }, this.kind, this.tag, this.who), this.what,
        el("div", { class: "alarm-line dimmer" }, this.where, this.when, this.seen)),
      this.since, el("div", { class: "alarm-acts" }, this.map, this.ack, this.clear), this.form);
  }

  #button(act, run) {
    return el("button", { type: "button", class: "small", data: { act }, on: { click: run } });
  }

  draw(alarm) {
    this.alarm = alarm;
    const { node } = this;
    node.dataset.state = alarm.state;
    node.dataset.alarm = `${alarm.kit}/${alarm.id}`;
    if (this.drawnKind !== alarm.kind) { this.drawnKind = alarm.kind; this.icon.replaceChildren(alarmIcon(alarm.kind)); }
    setText(this.kind, alarmText(alarm));
    setText(this.tag, alarm.exercise ? t("alarm.exercise") : "");
    setText(this.who, `${alarm.device} · ${kindText(alarm.device_kind)} · ${alarm.kit}`);
    setText(this.what, whatText(alarm));
    const place = this.placeOf(alarm);
    setText(this.where, place ? `${placeText(place.lat, place.lon)}${place.old ? ` (${t("alarm.where.old", { age: age(place.old) })})` : ""}` : t("alarm.where.unknown"));
    setText(this.when, t("alarm.when", { time: dayAndTime(alarm.raised_us) }));
    setText(this.seen, this.#seenText(alarm));
    this.map.hidden = !place;
    this.ack.hidden = !toSee(alarm) || this.acting !== null;
    this.clear.hidden = alarm.state === "cleared" || this.acting !== null;
    for (const [button, key] of [[this.map, "alarm.map"], [this.ack, "alarm.acknowledge"], [this.clear, "alarm.clear"], [this.cancel, "alarm.cancel"]]) setText(button, t(key));
    if (this.acting) {
      setText(this.confirm, t(`alarm.confirm.${this.acting}`));
      this.note.placeholder = t("alarm.note");
      this.note.setAttribute("aria-label", t("alarm.note"));
    }
    this.tick();
  }

  #seenText(alarm) {
    const time = (us) => (us ? dayAndTime(us) : "–");
    const over = alarm.state !== "cleared" ? "" : alarm.cleared_on_site ? t("alarm.cleared.site", { time: time(alarm.cleared_us) })
      : t("alarm.cleared", { who: alarm.cleared_by || "–", time: time(alarm.cleared_us) });
    const seen = alarm.acknowledged_us ? t("alarm.acknowledged", { who: alarm.acknowledged_by || "–", time: time(alarm.acknowledged_us) })
      : over && toSee(alarm) ? t("alarm.unseen") : "";
    return [over, seen, alarm.note ? `“${alarm.note}”` : ""].filter(Boolean).join(" · ");
  }

  tick() {
    const until = this.alarm.state === "cleared" ? this.alarm.cleared_us ?? this.alarm.raised_us : nowUs();
    setText(this.since, age(until - this.alarm.raised_us));
  }

  #begin(act) {
    this.acting = act;
    this.form.hidden = false;
    setText(this.fault, "");
    this.draw(this.alarm);
    this.note.focus();
  }

  #end() {
    const { acting } = this;
    this.acting = null;
    this.form.hidden = true;
    this.note.value = "";
    this.draw(this.alarm);
    (acting === "acknowledge" ? this.ack : this.clear).focus();
  }

  async #send() {
    const { acting, alarm } = this;
    this.confirm.disabled = true;
    try {
      const path = `/api/alarms/${encodeURIComponent(alarm.kit)}/${encodeURIComponent(alarm.id)}/${acting}`;
      const answer = await post(path, { note: this.note.value.trim() });
      this.#end();
      this.done(answer);
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      setText(this.fault, t("alarm.failed", { reason: fault.message }));
    } finally {
      this.confirm.disabled = false;
    }
  }
}
