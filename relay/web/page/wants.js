// What is asked of kits, and bookmarks: asking from the player, and how far each has come.

import { patch, post, remove } from "./api.js";
import { byId, el, setText } from "./dom.js";
import { number, timeOfDay } from "./time.js";
import { t } from "./text.js";

const AROUND_US = 30e6;
const DAY_US = 86400e6;
const MOST = 40;

export const concerns = (want, stream) => want.kit === stream.kit
  && (!want.device || want.device === stream.device) && (!want.stream || want.stream === stream.stream);

// A time of day near `nearUs`, in microseconds; null when it is none.
function near(text, nearUs) {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (!match) return null;
  const at = new Date(nearUs / 1000);
  at.setHours(Number(match[1]), Number(match[2]), Number(match[3] ?? 0), 0);
  const us = at.getTime() * 1000;
  if (us - nearUs > DAY_US / 2) return us - DAY_US;
  return nearUs - us > DAY_US / 2 ? us + DAY_US : us;
}

export class Requests {
  constructor(stream, positionUs, changed) {
    this.stream = stream; // stream(): the one that the player shows
    this.positionUs = positionUs; // positionUs(): where it stands
    this.changed = changed; // changed(): read the list again
    this.wants = [];
    byId("want-form").addEventListener("submit", (event) => { event.preventDefault(); this.#ask(); });
    byId("mark-form").addEventListener("submit", (event) => { event.preventDefault(); this.#mark(); });
    for (const id of ["want-from", "want-to"]) byId(id).addEventListener("input", () => { this.edited = true; });
  }

  opened() {
    this.edited = false;
    setText(byId("want-fault"), "");
    byId("mark-note").value = "";
    this.draw([]);
  }

  // The times to ask for follow the picture until somebody writes others.
  follow() {
    const at = this.positionUs();
    if (this.edited || at === null) return;
    byId("want-from").value = timeOfDay(at - AROUND_US);
    byId("want-to").value = timeOfDay(at + AROUND_US);
  }

  of(stream) {
    return this.wants.filter((want) => concerns(want, stream));
  }

  draw(wants) {
    this.wants = wants;
    const stream = this.stream();
    if (!stream) return;
    const mine = this.of(stream).filter((want) => want.state !== "cancelled").slice(0, MOST);
    const told = JSON.stringify([mine, t("want.none")]);
    const list = byId("wants-list");
    if (list.dataset.told === told) return;
    list.dataset.told = told;
    list.replaceChildren(...(mine.length ? mine.map((want) => this.#row(want)) : [el("p", { class: "none", text: t("want.none") })]));
  }

  #row(want) {
    const open = want.state === "open";
    const percent = number(Math.floor(want.share * 100), 0);
    const kind = want.purpose === "keep" ? t("want.kind.keep") : `${t(`layer.${want.layer || "any"}`)} ${t("want.kind.send")}`;
    const button = (key, act) => el("button", { type: "button", class: "small", text: t(key), data: { act: key }, on: { click: act } });
    return el("article", { class: "want", data: { state: want.state, want: want.id, purpose: want.purpose } },
      el("div", { class: "want-head" }, el("b", { text: `${timeOfDay(want.from_us)}–${timeOfDay(want.to_us)}` }),
        el("span", { class: "dim", text: kind }), el("span", { class: "amount", text: t(want.purpose === "keep" ? `want.state.keep.${want.state}` : `want.state.${want.state}`) })),
      want.note ? el("p", { class: "want-note", text: want.note }) : null,
      el("progress", { max: "1", value: String(want.share), "aria-label": t("want.share", { percent }) }),
      el("div", { class: "want-foot" }, el("span", { class: "dim", text: `${t("want.share", { percent })} · ${t("want.by", { who: want.who })}` }),
        open ? button("want.first", () => this.#do(() => patch(`/api/wants/${want.id}`, { first: true }))) : null,
        open ? button("want.cancel", () => this.#do(() => remove(`/api/wants/${want.id}`))) : null));
  }

  #ask() {
    const { kit, device, stream } = this.stream();
    const at = this.positionUs() ?? Date.now() * 1000;
    const from_us = near(byId("want-from").value, at);
    const to_us = near(byId("want-to").value, at);
    if (from_us === null || to_us === null || from_us >= to_us) { setText(byId("want-fault"), t("want.time")); return; }
    this.#do(() => post("/api/wants", { kit, device, stream, layer: "original", from_us, to_us }));
  }

  #mark() {
    const { kit, device, stream } = this.stream();
    const note = byId("mark-note").value.trim();
    const at = this.positionUs();
    this.#do(async () => {
      await post("/api/marks", { kit, device, stream, note, ...(at === null ? {} : { at_us: Math.round(at) }) });
      byId("mark-note").value = "";
    });
  }

  async #do(act) {
    setText(byId("want-fault"), "");
    try {
      await act();
      this.edited = false;
    } catch (fault) {
      setText(byId("want-fault"), t("want.failed", { reason: fault.message }));
    }
    this.changed();
  }
}
