// A flight played again: one clock for the map, the video and the curves.

import { get } from "../api.js";
import { byId, el, icon, setText } from "../dom.js";
import { t } from "../text.js";
import { PAUSE, PLAY, SILENT, SOUND } from "../player.js";
import { dayAndTime, timeOfDay } from "../time.js";
import { downloads } from "./flights.js";
import { Plots } from "./plots.js";
import { ReplayMap } from "./replaymap.js";
import { ReplayVideo } from "./replayvideo.js";
import { Track } from "./track.js";
import { clockSpan, farText, goesOn, heightText, keyOf, lengthText, pathOf, wholeness } from "./words.js";

const STEP_US = 10e6;
const SPEEDS = [1, 2, 4, 8];
const LONGEST_FRAME_MS = 250; // a page that was hidden does not leap
const SAY_MS = 100;
const AGAIN_MS = 5000; // of a flight that goes on
const LEAST_US = 1e6;
const GONE = 404;

export class Replay {
  constructor({ closed }) {
    this.node = byId("replay");
    this.key = null;
    this.speed = 1;
    this.map = new ReplayMap();
    this.video = new ReplayVideo((pieces) => this.plots.video(pieces));
    this.plots = new Plots((us, text) => { this.seek(us); this.#tell(text); });
    byId("replay-close").addEventListener("click", closed);
    byId("replay-fit").addEventListener("click", () => this.map.fit());
    byId("replay-play").addEventListener("click", () => this.#toggle());
    byId("replay-back").addEventListener("click", () => this.seek(this.us - STEP_US));
    byId("replay-forward").addEventListener("click", () => this.seek(this.us + STEP_US));
    byId("replay-mute").addEventListener("click", () => { this.video.video.muted = !this.video.video.muted; this.#sound(); });
    // Space and arrows are for the replay again after the mouse pressed a button of it.
    for (const id of ["replay-controls", "replay-plots"]) byId(id).addEventListener("click", (event) => {
      if (event.detail > 0) byId("replay-scrub").focus({ preventScroll: true });
    });
    const plots = byId("replay-plots");
    plots.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".replay-mark")) return;
      this.dragging = true;
      plots.setPointerCapture(event.pointerId);
      this.#point(event);
    });
    plots.addEventListener("pointermove", (event) => { if (this.dragging) this.#point(event); });
    for (const name of ["pointerup", "pointercancel"]) plots.addEventListener(name, () => { this.dragging = false; });
    byId("flights").addEventListener("keydown", (event) => this.#pressed(event));
  }

  shown(yes) {
    if (this.visible === yes) return;
    this.visible = yes;
    if (!yes) { this.#stop(); return; }
    if (!this.key) return;
    if (!this.track || this.stale) { this.#read(); return; }
    this.video.show(this.flight, this.us);
    this.#frames();
  }

  async open(flight) {
    const key = flight ? keyOf(flight) : null;
    if (key === this.key) return;
    this.#stop();
    this.video.close();
    Object.assign(this, { key, flight, track: null, replay: null, us: null, playing: false });
    this.node.hidden = !flight;
    if (!flight) return;
    this.#head();
    this.#tell("");
    await this.#read();
    if (key === this.key && this.visible) byId("replay-scrub").focus({ preventScroll: true });
  }

  // News: of the flight that is looked at, read what came since.
  hear(flight) {
    if (keyOf(flight) !== this.key) return;
    const grown = flight.end_us !== this.flight.end_us || flight.pieces_here !== this.flight.pieces_here || JSON.stringify(flight.video) !== JSON.stringify(this.flight.video);
    this.flight = flight;
    this.#head();
    if (grown) this.stale = true;
    if (this.stale && this.visible) this.#later();
  }

  #later() {
    this.again ??= setTimeout(() => { this.again = null; this.#read(); }, AGAIN_MS);
  }

  async #read() {
    const { key } = this;
    const first = !this.track;
    setText(byId("replay-fault"), first ? t("player.loading") : "");
    this.stale = false;
    let replay;
    try {
      replay = await get(`${pathOf(this.flight)}/replay`);
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      if (key !== this.key) return;
      this.stale = true;
      if (first) setText(byId("replay-fault"), t("replay.failed", { reason: fault.message }));
      if (this.visible && fault.status !== GONE) this.#later();
      return;
    }
    if (key !== this.key) return;
    if (!this.visible) { this.stale = true; return; } // it is read when it is shown again
    const atEnd = this.us !== null && this.us >= (this.to ?? 0) - LEAST_US;
    this.replay = replay;
    this.track = new Track(replay);
    this.#lacks();
    this.from = Math.min(this.flight.start_us, this.track.fromUs ?? Infinity);
    this.to = Math.max(this.from + LEAST_US, this.flight.end_us ?? 0, this.track.toUs ?? 0);
    if (this.us === null) this.us = this.from;
    if (atEnd && this.playing) this.us = this.to;
    this.plots.draw(this.track, replay, this.flight, this.from, this.to);
    this.video.show(this.flight, this.us);
    this.#frames();
    await this.map.show(this.track, first);
    this.#draw();
  }

  // What the map does not show because it is not known.
  #lacks() {
    const { rows, at } = this.track;
    const placed = rows.some((row) => Number.isFinite(row[at.lat]) && Number.isFinite(row[at.lon]));
    setText(byId("replay-fault"), !rows.length ? t("replay.nothing") : placed ? "" : t("replay.nowhere"));
  }

  #head() {
    const { flight } = this;
    const [state, words] = wholeness(flight);
    setText(byId("replay-title"), flight.device);
    setText(byId("replay-sub"), [flight.kit, dayAndTime(flight.start_us), lengthText(flight), heightText(flight.max_height), farText(flight.distance_m)].join(" · "));
    const whole = byId("replay-whole");
    whole.dataset.state = state;
    setText(whole, [flight.exercise ? t("alarm.exercise") : "", words, goesOn(flight) ? "" : t(`flight.ended.${ENDS.has(flight.ended) ? flight.ended : "stopped"}`)].filter(Boolean).join(" · "));
    this.#sound();
    byId("replay-downloads").replaceChildren(...downloads(flight));
    byId("replay-speeds").replaceChildren(...SPEEDS.map((speed) => el("button", { type: "button", "aria-pressed": String(speed === this.speed), text: `${speed}×`, data: { speed },
      on: { click: () => this.#fast(speed) } })));
  }

  #sound() {
    const { muted } = this.video.video;
    const button = byId("replay-mute");
    button.replaceChildren(icon(muted ? SILENT : SOUND));
    button.setAttribute("aria-label", t(muted ? "player.unmute" : "player.mute"));
    button.title = t(muted ? "player.unmute" : "player.mute");
  }

  #fast(speed) {
    this.speed = speed;
    for (const button of byId("replay-speeds").children) button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === speed));
  }

  seek(us) {
    if (this.us === null || !Number.isFinite(us)) return;
    this.us = Math.max(this.from, Math.min(this.to, us));
    this.#tell("");
    this.#draw();
  }

  #toggle() {
    if (this.us === null) return;
    if (!this.playing && this.us >= this.to) this.us = this.from;
    this.playing = !this.playing;
    this.#draw();
  }

  #stop() {
    cancelAnimationFrame(this.framing);
    clearTimeout(this.again);
    Object.assign(this, { framing: null, playing: false, again: null });
    this.video.leave();
  }

  #frames() {
    cancelAnimationFrame(this.framing);
    if (!this.visible || !this.key) return;
    this.lastMs = performance.now();
    const frame = (now) => {
      this.framing = requestAnimationFrame(frame);
      const ms = Math.max(0, Math.min(LONGEST_FRAME_MS, now - this.lastMs));
      this.lastMs = now;
      if (this.us !== null) this.#step(ms);
    };
    this.framing = requestAnimationFrame(frame);
  }

  #step(ms) {
    if (!this.playing || this.dragging) { this.video.stand(this.us); return; }
    this.us = Math.min(this.to, this.video.step(this.us, ms, this.speed));
    if (this.us >= this.to && !goesOn(this.flight)) this.playing = false;
    this.#draw();
  }

  #draw() {
    if (!this.track) return;
    this.map.draw(this.us);
    const share = (this.us - this.from) / (this.to - this.from);
    byId("replay-head").style.left = `${(share * 100).toFixed(3)}%`;
    const now = performance.now();
    if (this.playing && now - (this.saidMs ?? -1e9) < SAY_MS) return;
    this.saidMs = now;
    this.plots.say(this.track.values(this.us));
    setText(byId("replay-time"), `${timeOfDay(this.us)}`);
    setText(byId("replay-part"), `${clockSpan(this.us - this.from)} / ${clockSpan(this.to - this.from)}`);
    const scrub = byId("replay-scrub");
    scrub.setAttribute("aria-valuemin", "0");
    scrub.setAttribute("aria-valuemax", String(Math.round((this.to - this.from) / 1e6)));
    scrub.setAttribute("aria-valuenow", String(Math.round((this.us - this.from) / 1e6)));
    scrub.setAttribute("aria-valuetext", timeOfDay(this.us));
    const play = byId("replay-play");
    if (play.dataset.playing === String(this.playing) && play.dataset.said === t("player.play")) return;
    play.dataset.playing = String(this.playing);
    play.dataset.said = t("player.play");
    play.replaceChildren(icon(this.playing ? PAUSE : PLAY));
    play.setAttribute("aria-label", t(this.playing ? "player.pause" : "player.play"));
  }

  #tell(text) { setText(byId("replay-tip"), text); }

  #point(event) {
    const box = byId("replay-plots").getBoundingClientRect();
    const gap = event.target.classList?.contains("curve-gap") ? event.target.title : "";
    this.seek(this.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (this.to - this.from));
    this.#tell(gap);
  }

  #pressed(event) {
    const { key, target } = event;
    if (!this.key || event.altKey || event.ctrlKey || event.metaKey || target.closest("select, input")) return;
    if (target.closest(".map-ground") && key !== " ") return; // moves the map
    const speed = SPEEDS[SPEEDS.indexOf(this.speed) + (key === "ArrowUp" ? 1 : -1)];
    const steps = { ArrowLeft: -STEP_US, ArrowRight: STEP_US, PageDown: -60e6, PageUp: 60e6 };
    if (key === " " && target.closest("button, a")) return; // presses what has the keyboard
    if (key === " ") this.#toggle();
    else if (steps[key]) this.seek(this.us + (event.shiftKey ? steps[key] / 10 : steps[key]));
    else if (key === "Home") this.seek(this.from);
    else if (key === "End") this.seek(this.to);
    else if ((key === "ArrowUp" || key === "ArrowDown") && !target.closest(".flights-side")) { if (speed) this.#fast(speed); } else return;
    event.preventDefault();
  }

  redraw() {
    if (!this.key) return;
    this.#head();
    if (this.track) {
      this.#lacks();
      this.plots.draw(this.track, this.replay, this.flight, this.from, this.to);
      this.plots.video(this.video.pieces);
    }
    this.#draw();
  }
}

const ENDS = new Set(["disarmed", "armed", "lost", "stopped", "imported"]);
