// The video of a flight in step with its replay. While there is video of an instant, it leads; where
// there is none, or it is not here in time, the replay goes on without it and says so.

import { get } from "../api.js";
import { byId, el, setText } from "../dom.js";
import { PiecePlayer, playable } from "../mse.js";
import { joined, pieceOf } from "../pieces.js";
import { t } from "../text.js";
import { keyOf } from "./words.js";

const PAGE = 1000;
const MOST_PAGES = 12;
const LAYERS = ["proxy", "original"];
const AWAY_US = 0.6e6; // a video that is farther from the replay is not in step
const TOUCH_US = 0.3e6;
const TAIL_US = 0.5e6; // before a gap a video stands still on its last picture, however long that lasts
const PATIENCE_MS = 4000; // for video that is known to be there
const SEEK_MS = 700;
const AGAIN_MS = 5000; // of a list that could not be read
const MOST_RATE = 16;

export class ReplayVideo {
  constructor(came) {
    this.came = came; // came(pieces): what there is to play
    this.video = byId("replay-video");
    this.pieces = [];
    this.cameras = [];
    byId("replay-camera").addEventListener("change", (event) => { this.camera = Number(event.target.value); this.#load(this.askedUs ?? null); });
  }

  // The cameras of `flight`, the aircraft's own first.
  show(flight, us) {
    const cameras = new Map();
    for (const { device, stream = "video" } of flight.video) cameras.set(`${device}/${stream}`, { kit: flight.kit, device, stream });
    const found = [...cameras.values()].sort((a, b) => Number(b.device === flight.device) - Number(a.device === flight.device));
    // The camera that somebody chose stays so when video of another one comes.
    const before = this.flight && keyOf(this.flight) === keyOf(flight) ? this.cameras[this.camera] : undefined;
    const kept = before ? found.findIndex((each) => each.device === before.device && each.stream === before.stream) : -1;
    const same = kept >= 0 && JSON.stringify(found) === JSON.stringify(this.cameras);
    this.flight = flight;
    this.cameras = found;
    this.camera = Math.max(0, kept);
    if (!same) this.#names();
    this.#load(us, kept >= 0);
  }

  #names() {
    const node = byId("replay-camera");
    node.hidden = this.cameras.length < 2;
    node.replaceChildren(...this.cameras.map(({ device, stream }, at) => el("option", { value: at, text: stream === "video" ? device : `${device} · ${stream}` })));
    node.value = String(this.camera);
  }

  // `more`: what came since is added to what plays.
  async #load(us, more = false) {
    const generation = this.#anew();
    if (!more) this.#release();
    const camera = this.cameras[this.camera];
    if (!camera) { this.pieces = []; this.loading = false; return; }
    this.loading = !this.engine;
    let pieces = [];
    try {
      for (const layer of LAYERS) { pieces = await this.#pages(camera, layer); if (pieces.length) break; }
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      // The page says itself that the centre is gone; that there is no video would not be true.
      if (generation === this.generation) this.again = setTimeout(() => this.#load(this.askedUs ?? us, more), AGAIN_MS);
      return;
    }
    if (generation !== this.generation) return;
    this.loading = false;
    this.pieces = pieces;
    this.came(pieces);
    if (!pieces.length) return;
    this.engine ??= new PiecePlayer(this.video, (what, detail) => { if (what === "failed") this.reason = detail; });
    this.engine.show(pieces, us ?? pieces[0].from_us);
  }

  // Whatever is read just now is not waited for any more.
  #anew() {
    clearTimeout(this.again);
    return (this.generation = (this.generation ?? 0) + 1);
  }

  async #pages({ kit, device, stream }, layer) {
    const { start_us, end_us } = this.flight;
    const found = [];
    let from = start_us;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const until = end_us === null ? "" : `&to=${end_us}`;
      const answer = await get(`/api/streams/${kit}/${device}/${stream}/bundles?layer=${layer}&best=1&limit=${PAGE}&from=${from}${until}`);
      found.push(...answer.bundles.map(pieceOf));
      if (answer.next_us === null) break;
      from = answer.next_us;
    }
    return joined(found);
  }

  #at(us) { return this.pieces.find((piece) => piece.from_us <= us && us < piece.to_us); }

  // Why a piece is not shown; empty when it can be.
  #wrong(piece) {
    if (this.engine?.bad?.has(piece.id)) return t("player.failed", { reason: this.reason });
    return playable(piece.media_type) ? "" : t("replay.unsupported", { type: piece.media_type });
  }

  // Until when there is video without a gap from `us` on.
  #lasts(us) {
    let end = us;
    for (const piece of this.pieces) if (piece.from_us <= end + TOUCH_US && piece.to_us > end) end = piece.to_us;
    return end;
  }

  // Where the replay stands after `ms` of this clock, at `speed`; `us` before it.
  step(us, ms, speed) {
    this.askedUs = us;
    const on = us + ms * 1000 * speed;
    if (!this.#shows(us)) { this.#rest(); this.heldMs = 0; return on; }
    const { video, engine } = this;
    const rate = Math.min(MOST_RATE, speed);
    if (video.playbackRate !== rate) video.playbackRate = rate;
    const at = engine.positionUs;
    const near = at !== null && Math.abs(at - us) <= AWAY_US * Math.max(1, speed);
    if (!near) this.#seek(us);
    if (near && this.#lasts(us) - us < TAIL_US * Math.max(1, speed)) {
      this.heldMs = 0;
      this.#note("");
      return Math.max(on, Math.min(at, on + AWAY_US));
    }
    if (near && !video.seeking && video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) {
      if (video.paused) video.play().catch(() => {});
      this.heldMs = at > us ? 0 : this.heldMs + ms;
      if (this.heldMs < PATIENCE_MS) { this.#note(""); return Math.max(us, at); }
    }
    this.heldMs += ms;
    if (video.paused && near) video.play().catch(() => {});
    this.#note(t(this.heldMs < PATIENCE_MS ? "replay.video.loading" : "replay.video.late"));
    return this.heldMs < PATIENCE_MS ? us : on;
  }

  // Standing still at `us`.
  stand(us) {
    this.askedUs = us;
    this.heldMs = 0;
    this.#rest();
    if (!this.#shows(us)) return;
    const at = this.engine.positionUs;
    if (at === null || Math.abs(at - us) > 60e3) this.#seek(us);
    this.#note("");
  }

  // Whether there is video of `us`; if not, it is said why. A piece that is gone or broken is no more
  // than a gap.
  #shows(us) {
    const piece = this.#at(us);
    const wrong = piece ? this.#wrong(piece) : t(this.pieces.length ? "replay.video.gap" : "replay.video.none");
    const there = Boolean(this.engine) && !wrong;
    this.video.dataset.there = String(there);
    if (!there) this.#note(this.loading ? t("replay.video.loading") : wrong);
    return there;
  }

  #rest() { if (!this.video.paused) this.video.pause(); }

  #seek(us) {
    const now = performance.now();
    if (now - (this.soughtMs ?? -1e9) < SEEK_MS && this.soughtUs === us) return;
    if (this.video.seeking && now - (this.soughtMs ?? -1e9) < SEEK_MS) return;
    this.soughtMs = now;
    this.soughtUs = us;
    this.engine.seek(us);
  }

  #note(text) {
    setText(byId("replay-note"), text);
    byId("replay-note").dataset.video = this.video.dataset.there;
  }

  #release() {
    this.engine?.close();
    this.engine = null;
    this.pieces = [];
  }

  // Nobody looks: nothing is fetched, held or played until it is shown again.
  leave() {
    this.#anew();
    this.#release();
    this.loading = false;
  }

  close() {
    this.leave();
    this.flight = null;
    this.cameras = [];
  }
}
