// The player: one stream, one layer at a time, on the time line of what the centre holds.

import { contentUrl, get, streamPath } from "./api.js";
import { byId, el, icon, mark, setText } from "./dom.js";
import { drawBundles } from "./journey.js";
import { PiecePlayer } from "./mse.js";
import { bundlesOf, joined, pieceOf, renewed } from "./pieces.js";
import { dayAndTime, minuteOfDay, nowUs, span, timeOfDay } from "./time.js";
import { drawTimeline, EMPTY, LAYERS, place } from "./timeline.js";
import { firstOf, keyOf, kindText, stateOf } from "./wall.js";
import { Requests } from "./wants.js";
import { t } from "./text.js";

const PAGE = 1000;
const MOST_PAGES = 12;
const ZOOMS = { 10: 600e6, 60: 3600e6, all: null };
const LEAST_US = 120e6;
const STEP_US = 10e6;
// How often at most all of a layer is asked for again, when something older came in.
const ANEW_MS = 5000;
export const PLAY = "M4 2.5v11l9.5-5.5z";
export const PAUSE = "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z";
export const SOUND = "M2 6h3l4-3.5v11L5 10H2zM11 5.2a4 4 0 0 1 0 5.6l-.9-.9a2.7 2.7 0 0 0 0-3.8z";
export const SILENT = "M2 6h3l4-3.5v11L5 10H2zM10.6 6.3l1-1L13 6.8l1.4-1.5 1 1L13.900 8l1.500 1.700-1 1L13 9.200l-1.400 1.500-1-1L12.100 8z";

export class Player {
  constructor(state, wantsChanged) {
    this.state = state;
    this.dialog = byId("player");
    this.video = byId("player-video");
    this.still = byId("player-still");
    this.layer = "proxy";
    this.zoom = "10";
    this.pieces = [];
    this.wantsChanged = wantsChanged;
    this.requests = new Requests(() => this.stream, () => this.positionUs, wantsChanged);
    this.#wire();
  }

  get kit() {
    return this.dialog.open ? this.stream.kit : null;
  }

  // What is asked of the kit.
  ask(wants) {
    this.requests.draw(wants);
    if (this.dialog.open) this.#bars();
  }

  async open(stream, coverage) {
    this.stream = stream;
    this.requests.opened();
    this.coverage = coverage ?? EMPTY;
    this.layer = LAYERS.filter((layer) => stream.layers[layer]).includes("proxy") ? "proxy" : Object.keys(stream.layers).find((l) => LAYERS.includes(l)) ?? "proxy";
    setText(byId("player-tip"), "");
    this.dialog.showModal();
    this.wantsChanged();
    this.redraw();
    await this.#load();
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  // New state of all streams: fetch what this layer has more of.
  refresh(streams) {
    if (!this.dialog.open) return;
    const fresh = streams.find((each) => keyOf(each) === keyOf(this.stream));
    if (!fresh) return;
    const before = this.stream.layers[this.layer]?.bundles ?? 0;
    this.stream = fresh;
    this.#head();
    const count = fresh.layers[this.layer]?.bundles ?? 0;
    if (count !== before || this.behind) this.#more(count - before);
  }

  cover(coverage) {
    if (!this.dialog.open) return;
    this.coverage = coverage.get(keyOf(this.stream)) ?? EMPTY;
    this.#bars();
  }

  redraw() {
    if (!this.dialog.open) return;
    this.#head();
    this.#segments();
    this.#bars();
    this.requests.draw(this.requests.wants);
    drawBundles(bundlesOf(this.pieces));
  }

  #wire() {
    byId("player-close").addEventListener("click", () => this.close());
    this.dialog.addEventListener("close", () => this.#stop());
    byId("player-play").addEventListener("click", () => this.#toggle());
    byId("player-back").addEventListener("click", () => this.#step(-STEP_US));
    byId("player-forward").addEventListener("click", () => this.#step(STEP_US));
    byId("player-mute").addEventListener("click", () => { this.video.muted = !this.video.muted; this.#buttons(); });
    byId("player-live").addEventListener("click", () => this.#live());
    const scrub = byId("player-scrub");
    scrub.addEventListener("pointerdown", (event) => { this.dragging = true; scrub.setPointerCapture(event.pointerId); this.#point(event); });
    scrub.addEventListener("pointermove", (event) => { if (this.dragging) this.#point(event); });
    scrub.addEventListener("pointerup", () => { this.dragging = false; });
    scrub.addEventListener("keydown", (event) => this.#key(event));
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); this.#toggle(); }
    });
    setInterval(() => { if (this.dialog.open) this.#tick(); }, 250);
  }

  async #load() {
    this.#stop();
    this.pieces = [];
    const generation = (this.generation = (this.generation ?? 0) + 1);
    this.#note(t("player.loading"));
    const wanted = this.layer;
    this.behind = false;
    this.anewMs = Date.now();
    const pieces = await this.#pages(0);
    if (generation !== this.generation || wanted !== this.layer || !this.dialog.open) return;
    this.pieces = pieces;
    this.#note(pieces.length ? "" : t("player.nothing"));
    this.#screen();
    if (wanted === "still") this.#showStill(pieces.at(-1)?.start_us ?? null, true);
    else {
      this.engine = new PiecePlayer(this.video, (what, detail) => this.#told(what, detail));
      this.engine.show(pieces);
    }
    this.redraw();
  }

  // `grown`: by how many bundles. The newest minute is asked for again; all of it when the count
  // says that something older came in, not too often.
  async #more(grown) {
    const generation = this.generation;
    const newest = this.pieces.at(-1)?.from_us;
    const fromUs = newest ? Math.max(0, newest - 60e6) : 0;
    const fresh = await this.#pages(fromUs);
    if (generation !== this.generation) return;
    const known = new Set(this.pieces.map((piece) => piece.id));
    const seen = bundlesOf(fresh).filter((piece) => !known.has(piece.id)).length;
    this.pieces = renewed(this.pieces, fresh, fromUs);
    if (seen < grown) this.behind = true;
    if (this.behind && Date.now() - this.anewMs >= ANEW_MS) {
      this.behind = false;
      this.anewMs = Date.now();
      const all = await this.#pages(0);
      if (generation !== this.generation) return;
      this.pieces = all;
    }
    if (this.pieces.length) this.#note("");
    if (this.layer === "still") { if (this.followingStill) this.#showStill(this.pieces.at(-1)?.start_us ?? null, true); }
    else this.engine?.show(this.pieces);
    drawBundles(bundlesOf(this.pieces));
  }

  // The pieces from `fromUs` on: of video the best that there is of each instant.
  async #pages(fromUs) {
    const incident = this.state().incident;
    const best = this.layer !== "still";
    const pieces = [];
    let follow = fromUs ? `&from=${fromUs}` : "";
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await get(`${streamPath(this.stream)}/bundles?incident=${incident.id}&layer=${this.layer}&limit=${PAGE}${best ? "&best=1" : ""}${follow}`);
      pieces.push(...answer.bundles.map(pieceOf));
      if (answer.next === null && answer.next_us === null) break;
      follow = best ? `&from=${answer.next_us}` : `${fromUs ? `&from=${fromUs}` : ""}&after=${answer.next}`;
    }
    return joined(pieces);
  }

  #stop() {
    this.generation = (this.generation ?? 0) + 1;
    clearInterval(this.slides);
    this.slides = null;
    this.engine?.close();
    this.engine = null;
    this.still.removeAttribute("src");
    this.stillUs = null;
  }

  #screen() {
    this.video.hidden = this.layer === "still";
    this.still.hidden = this.layer !== "still";
  }

  #showStill(us, following) {
    this.followingStill = following;
    if (us === null) return;
    const earlier = this.pieces.filter((piece) => piece.start_us <= us);
    const piece = earlier.at(-1) ?? this.pieces[0];
    if (!piece) return;
    this.stillUs = piece.start_us;
    if (this.still.dataset.bundle !== piece.id || !this.still.src) this.still.src = contentUrl(piece.id);
    this.still.dataset.bundle = piece.id;
  }

  get positionUs() {
    return this.layer === "still" ? this.stillUs : this.engine?.positionUs ?? null;
  }

  #seek(us) {
    if (this.layer === "still") this.#showStill(us, false);
    else this.engine?.seek(us);
    this.#tick();
  }

  #live() {
    if (this.layer === "still") this.#showStill(this.pieces.at(-1)?.start_us ?? null, true);
    else this.engine?.followLive();
  }

  #step(us) {
    const now = this.positionUs;
    if (now === null) return;
    if (this.layer !== "still") { this.#seek(now + us); return; }
    const at = this.pieces.findIndex((piece) => piece.start_us === this.stillUs);
    const next = this.pieces[at + Math.sign(us)];
    if (next) this.#showStill(next.start_us, false);
  }

  #toggle() {
    if (this.layer !== "still") {
      if (this.video.paused) this.video.play().catch(() => {}); else this.video.pause();
    } else if (this.slides) { clearInterval(this.slides); this.slides = null; } else {
      if (this.stillUs === this.pieces.at(-1)?.start_us) this.#showStill(this.pieces[0]?.start_us ?? null, false);
      this.slides = setInterval(() => this.#step(STEP_US), 500);
    }
    this.#buttons();
  }

  #told(what, detail) {
    if (what === "unsupported") this.#note(t("player.unsupported", { type: detail }));
    else if (what === "failed") this.#note(t("player.failed", { reason: detail }));
    else if (what === "jumped") setText(byId("player-tip"), t("player.jumped", { length: span(detail) }));
    else if (what === "playing") this.#note("");
    this.#buttons();
  }

  #note(text) {
    setText(byId("player-note"), text);
  }

  #head() {
    setText(byId("player-title"), this.stream.device);
    setText(byId("player-kit"), `${kindText(this.stream.kind)} · ${this.stream.kit} · ${this.stream.stream}`);
    const state = stateOf(this.stream, this.state().incident?.state === "closed");
    this.dialog.dataset.state = state;
    byId("player-mark").replaceChildren(mark(state));
  }

  #segments() {
    byId("player-layers").replaceChildren(...LAYERS.map((layer) => el("button", {
      type: "button", role: "radio", "aria-checked": String(layer === this.layer), text: t(`layer.${layer}`),
      disabled: !this.stream.layers[layer], data: { layer },
      on: { click: () => { this.layer = layer; this.redraw(); this.#load(); } } })));
    byId("player-zoom").replaceChildren(...Object.keys(ZOOMS).map((zoom) => el("button", {
      type: "button", "aria-pressed": String(zoom === this.zoom), text: t(`zoom.${zoom}`),
      on: { click: () => { this.zoom = zoom; this.redraw(); } } })));
    byId("player-legend").replaceChildren(...LAYERS.map((layer) => el("span", { class: `key key-${layer}`, text: t(`layer.${layer}`) })),
      el("span", { class: "key key-gap", text: t("gaps.title") }));
    this.#buttons();
  }

  #buttons() {
    const playing = this.layer === "still" ? Boolean(this.slides) : !this.video.paused;
    const play = byId("player-play");
    if (play.dataset.playing !== String(playing) || !play.firstChild) play.replaceChildren(icon(playing ? PAUSE : PLAY));
    play.dataset.playing = String(playing);
    play.setAttribute("aria-label", t(playing ? "player.pause" : "player.play"));
    const mute = byId("player-mute");
    mute.replaceChildren(icon(this.video.muted ? SILENT : SOUND));
    mute.setAttribute("aria-label", t(this.video.muted ? "player.unmute" : "player.mute"));
    const following = this.layer === "still" ? this.followingStill : this.engine?.following;
    byId("player-live").setAttribute("aria-pressed", String(Boolean(following)));
  }

  // The span of time that the bar shows; it follows the clock until the officer looks elsewhere.
  #span() {
    const incident = this.state().incident;
    const end = incident?.closed_us ?? nowUs();
    const first = Math.min(firstOf(this.coverage) ?? end, this.pieces[0]?.start_us ?? end);
    const length = ZOOMS[this.zoom];
    const at = this.positionUs ?? end;
    let to = end;
    let from = Math.min(first, end - LEAST_US);
    if (length && end - from > length) {
      to = Math.min(end, Math.max(at + length / 2, from + length));
      from = to - length;
    }
    return [from, to];
  }

  #bars() {
    const [from, to] = this.#span();
    this.from = from;
    this.to = to;
    drawTimeline(byId("player-bars"), this.coverage, from, to, (text) => setText(byId("player-tip"), text));
    this.#flags(from, to);
    setText(byId("player-from"), minuteOfDay(from));
    setText(byId("player-to"), minuteOfDay(to));
  }

  // What is asked for and what is bookmarked, above the bars.
  #flags(from, to) {
    const shown = this.requests.of(this.stream).filter((want) => want.state !== "cancelled" && want.to_us >= from && want.from_us <= to);
    byId("player-bars").prepend(el("div", { class: "flags" }, ...shown.map((want) => place(el("i", {
      class: "flag", data: { purpose: want.purpose, state: want.state },
      title: [t(`want.kind.${want.purpose}`), want.note, want.who].filter(Boolean).join(" · ") }), from, to, want.from_us, want.to_us))));
  }

  #tick() {
    this.requests.follow();
    const [from, to] = this.#span();
    if (Math.abs(from - this.from) > 2e6 || Math.abs(to - this.to) > 2e6) this.#bars();
    const at = this.positionUs;
    const head = byId("player-head");
    head.hidden = at === null;
    if (at === null) { setText(byId("player-time"), ""); return; }
    head.style.left = `${Math.min(100, Math.max(0, ((at - this.from) / (this.to - this.from)) * 100))}%`;
    setText(byId("player-time"), dayAndTime(at));
    const scrub = byId("player-scrub");
    scrub.setAttribute("aria-valuemin", "0");
    scrub.setAttribute("aria-valuemax", String(Math.round((this.to - this.from) / 1e6)));
    scrub.setAttribute("aria-valuenow", String(Math.round((at - this.from) / 1e6)));
    scrub.setAttribute("aria-valuetext", timeOfDay(at));
    this.#buttons();
  }

  #point(event) {
    const box = byId("player-scrub").getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    if (event.target.classList?.contains("gap")) setText(byId("player-tip"), event.target.title);
    this.#seek(this.from + part * (this.to - this.from));
  }

  #key(event) {
    const steps = { ArrowLeft: -STEP_US, ArrowRight: STEP_US, PageDown: -60e6, PageUp: 60e6 };
    if (event.key === "End") this.#live();
    else if (event.key === "Home") this.#seek(this.from);
    else if (steps[event.key]) this.#step(steps[event.key]);
    else return;
    event.preventDefault();
  }
}
