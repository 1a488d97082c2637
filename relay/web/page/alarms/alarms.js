// Alarms that cannot be overlooked: a banner above whatever is looked at, a tone, the title, and the
// list of all of them. The banner goes along into the player, which lies above everything else.

import { get } from "../api.js";
import { arrange, byId, el, icon, setText } from "../dom.js";
import { t } from "../text.js";
import { nowUs } from "../time.js";
import { AlarmBook, idOf, isGrave, isUnseen } from "./book.js";
import { AlarmEntry, alarmText } from "./entry.js";
import { AlarmSound } from "./sound.js";

const BELL = "M8 1a1 1 0 0 1 1 1v.6a4.500 4.500 0 0 1 3.500 4.400v3.200l1.500 2V13H2v-.8l1.500-2V7A4.500 4.500 0 0 1 7 2.600V2a1 1 0 0 1 1-1zM6.300 13.900h3.400a1.700 1.700 0 0 1-3.400 0z";
const SPEAKER = "M2 5.500h3L9 2v12l-4-3.500H2zm8.800-1 1-1.200a6.200 6.200 0 0 1 0 9.400l-1-1.200a4.600 4.600 0 0 0 0-7z";
const SILENT = "M2 5.500h3L9 2v12l-4-3.500H2zm8.300.9 1-1 1.500 1.500 1.500-1.500 1 1L13.800 7.900l1.500 1.500-1 1-1.500-1.500-1.500 1.500-1-1 1.500-1.500z";
const LINE_PX = 330; // of the screen's height for each alarm in the banner: the rest is for the site
const HISTORY = 100;

export class Alarms {
  // `locate(alarm)`: show where it is; `placeOf(alarm)`: {lat, lon, old} or null.
  constructor({ locate, placeOf }) {
    this.book = new AlarmBook();
    this.entries = { banner: new Map(), list: new Map() };
    this.hooks = { locate: (alarm) => { this.#showPanel(false); locate(alarm); }, placeOf, done: (alarm) => this.book.hear(alarm) };
    this.sound = new AlarmSound(() => this.#drawButtons());
    this.history = [];
    this.tab = "open";
    addEventListener("resize", () => this.draw());
    this.book.changed.add((fresh) => { this.#say(fresh); this.draw(); });
    byId("alarm-bell").addEventListener("click", () => this.#showPanel(byId("alarm-panel").hidden));
    byId("alarm-close").addEventListener("click", () => this.#showPanel(false));
    byId("alarm-more").addEventListener("click", () => this.#showPanel(true));
    byId("alarm-sound").addEventListener("click", () => { this.sound.unlock(); this.sound.toggle(); });
    for (const tab of ["open", "history"]) byId(`alarm-tab-${tab}`).addEventListener("click", () => this.#choose(tab));
    byId("alarm-panel").addEventListener("keydown", (event) => { if (event.key === "Escape") this.#showPanel(false); });
    // A dialog makes everything outside it deaf: the banner moves in.
    new MutationObserver(() => this.#settle()).observe(byId("player"), { attributes: true, attributeFilter: ["open"] });
    setInterval(() => this.#blink(), 1000);
  }

  async read() {
    const { mark } = this.book;
    this.book.take(await get("/api/alarms?state=active&limit=500"), mark);
    if (!byId("alarm-panel").hidden && this.tab === "history") await this.#readHistory();
  }

  hear(alarm) {
    this.book.hear(alarm);
  }

  // Logged out: nobody is to be called.
  silence() {
    this.book.take({ alarms: [] });
    this.#showPanel(false);
  }

  #settle() {
    const player = byId("player");
    const banner = byId("alarm-banner");
    if (player.open) player.prepend(banner);
    else byId("duty").prepend(banner);
  }

  #showPanel(yes) {
    const panel = byId("alarm-panel");
    if (panel.hidden === !yes) return;
    panel.hidden = !yes;
    byId("alarm-bell").setAttribute("aria-expanded", String(yes));
    if (yes) { this.draw(); byId("alarm-close").focus(); if (this.tab === "history") this.#readHistory(); } else byId("alarm-bell").focus();
  }

  #choose(tab) {
    this.tab = tab;
    this.draw();
    if (tab === "history") this.#readHistory();
  }

  async #readHistory() {
    try {
      this.history = (await get(`/api/alarms?state=all&limit=${HISTORY}`)).alarms;
    } catch (fault) {
      if (fault.status === undefined) throw fault;
    }
    this.draw();
  }

  #say(fresh) {
    if (!fresh.length) return;
    const [first] = fresh;
    const said = t("alarm.say", { kind: alarmText(first), device: first.device, kit: first.kit });
    setText(byId("alarm-live"), fresh.length > 1 ? `${said} ${t("alarm.more", { n: fresh.length - 1 })}` : said);
  }

  draw() {
    const ringing = this.book.ringing();
    const calm = this.book.calm();
    const most = innerWidth <= 760 ? 1 : Math.max(1, Math.min(3, Math.floor(innerHeight / LINE_PX)));
    this.#fill("banner", byId("alarm-rows"), ringing.slice(0, most));
    const banner = byId("alarm-banner");
    banner.hidden = ringing.length === 0;
    const grave = ringing.some((alarm) => isGrave(alarm) && !isUnseen(alarm));
    banner.dataset.grave = String(grave);
    const more = ringing.length - most;
    byId("alarm-more").hidden = more <= 0;
    setText(byId("alarm-more"), more > 0 ? t("alarm.more", { n: more }) : "");
    this.sound.ring(!ringing.length ? null : grave ? "grave" : "other");
    this.#drawButtons();
    if (!byId("alarm-panel").hidden) this.#drawPanel([...ringing, ...calm]);
  }

  #drawPanel(open) {
    for (const tab of ["open", "history"]) byId(`alarm-tab-${tab}`).setAttribute("aria-pressed", String(tab === this.tab));
    const known = (alarm) => this.book.alarms.get(idOf(alarm)) ?? alarm;
    const shown = this.tab === "open" ? open : this.history.map(known);
    this.#fill("list", byId("alarm-list"), shown);
    setText(byId("alarm-none"), shown.length ? "" : t(this.tab === "open" ? "alarm.none" : "alarm.none.ever"));
  }

  #fill(where, node, alarms) {
    const entries = this.entries[where];
    const wanted = new Set(alarms.map(idOf));
    for (const id of entries.keys()) if (!wanted.has(id)) entries.delete(id);
    for (const alarm of alarms) {
      const id = idOf(alarm);
      if (!entries.has(id)) entries.set(id, new AlarmEntry(alarm, { ...this.hooks, compact: where === "list" }));
      entries.get(id).draw(alarm);
    }
    arrange(node, alarms.map((alarm) => entries.get(idOf(alarm)).node));
  }

  #drawButtons() {
    const ringing = this.book.ringing().length;
    const calm = this.book.calm().length;
    const bell = byId("alarm-bell");
    bell.dataset.state = ringing ? "ringing" : calm ? "calm" : "none";
    const label = ringing || calm ? t("alarm.bell", { active: ringing, calm }) : t("alarm.none");
    bell.setAttribute("aria-label", label);
    bell.title = label;
    bell.replaceChildren(icon(BELL), el("b", { text: ringing + calm ? String(ringing + calm) : "" }));
    const { state } = this.sound;
    const button = byId("alarm-sound");
    button.dataset.state = state;
    const said = t(`alarm.sound.${state}`);
    button.setAttribute("aria-label", said);
    button.setAttribute("aria-pressed", String(state === "on"));
    button.title = said;
    button.replaceChildren(icon(state === "on" ? SPEAKER : SILENT), el("span", { text: state === "on" ? "" : t(`alarm.sound.short.${state}`) }));
  }

  tick() {
    for (const entries of Object.values(this.entries)) for (const entry of entries.values()) entry.tick();
  }

  redraw() {
    for (const entries of Object.values(this.entries)) for (const entry of entries.values()) entry.draw(entry.alarm);
    this.draw();
  }

  #blink() {
    const [worst] = this.book.ringing();
    const odd = Math.floor(nowUs() / 1e6) % 2 === 1;
    const title = worst && odd ? `▲ ${alarmText(worst)} · ${worst.device}` : t("title");
    if (document.title !== title) document.title = title;
  }
}
