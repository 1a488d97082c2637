// Plays pieces one after another on one time line: each is fetched, moved to its capture time and
// appended; what lies between them is jumped over. A piece is {id, start_us, end_us, media_type}.

import { content } from "./api.js";
import { baseTimeS } from "./mp4.js";

const AHEAD_S = 24;
const BEHIND_S = 60;
const TOUCH_S = 0.25;
const EDGE_S = 14;
const LEAD_US = 3600e6;

const codecCount = (type) => (/codecs="?([^"]*)"?/.exec(type)?.[1] ?? "").split(",").length;

export const playable = (type) => typeof MediaSource !== "undefined" && MediaSource.isTypeSupported(type);

export class PiecePlayer {
  constructor(video, told) {
    this.video = video;
    this.told = told; // told(what, detail): "unsupported" | "failed" | "jumped" | "playing" | "waiting"
    this.pieces = [];
    this.following = true;
    this.generation = 0;
    this.tick = setInterval(() => this.#step(), 250);
    this.handlers = { waiting: () => told("waiting"), playing: () => told("playing"), seeking: () => this.#step() };
    for (const [type, act] of Object.entries(this.handlers)) video.addEventListener(type, act);
  }

  // Pieces in order of capture. The first call chooses where to begin.
  show(pieces) {
    const known = new Set(this.pieces.map((piece) => piece.id));
    const fresh = pieces.filter((piece) => !known.has(piece.id));
    if (!fresh.length) return;
    const first = this.pieces.length === 0;
    this.pieces = [...this.pieces, ...fresh].sort((a, b) => a.start_us - b.start_us);
    if (first) {
      this.originUs = this.pieces[0].start_us - LEAD_US;
      this.seek(this.pieces[Math.max(0, this.pieces.length - 2)].start_us, true);
    } else if (this.following && this.#edgeS() - this.video.currentTime > EDGE_S) {
      this.seek(this.pieces[Math.max(0, this.pieces.length - 2)].start_us, true);
    }
    this.#step();
  }

  get positionUs() {
    return this.originUs === undefined ? null : this.originUs + this.video.currentTime * 1e6;
  }

  seek(us, following = false) {
    this.following = following;
    if (!this.pieces.length) return;
    const piece = this.pieces.find((each) => each.end_us > us) ?? this.pieces.at(-1);
    const at = this.#toS(Math.max(us, piece.start_us)) + 0.01;
    if (!this.source || this.#breaks(piece)) this.#begin(piece, at);
    else this.video.currentTime = at;
    this.#step();
  }

  followLive() {
    if (this.pieces.length) this.seek(this.pieces[Math.max(0, this.pieces.length - 2)].start_us, true);
    this.video.play().catch(() => {});
  }

  close() {
    this.generation += 1;
    clearInterval(this.tick);
    for (const [type, act] of Object.entries(this.handlers)) this.video.removeEventListener(type, act);
    this.#release();
  }

  #toS(us) { return (us - this.originUs) / 1e6; }

  #edgeS() { return this.#toS(this.pieces.at(-1).end_us); }

  // A piece with more or fewer tracks than the ones before cannot join their buffer.
  #breaks(piece) { return codecCount(piece.media_type) !== this.tracks; }

  #release() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.video.removeAttribute("src");
    this.video.load();
    this.source = null;
    this.buffer = null;
    this.url = null;
  }

  #begin(piece, atS) {
    this.#release();
    this.generation += 1;
    this.held = new Set();
    this.bad = this.bad ?? new Set();
    this.busy = false;
    if (!playable(piece.media_type)) { this.told("unsupported", piece.media_type); return; }
    const generation = this.generation;
    this.tracks = codecCount(piece.media_type);
    this.type = piece.media_type;
    this.source = new MediaSource();
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", () => {
      if (generation !== this.generation) return;
      this.source.duration = Infinity;
      this.buffer = this.source.addSourceBuffer(piece.media_type);
      this.video.currentTime = atS;
      this.#step();
    }, { once: true });
    this.video.src = this.url;
    this.video.play().catch(() => {});
  }

  #step() {
    if (!this.buffer || this.busy || this.buffer.updating || this.source.readyState !== "open") return;
    const now = this.video.currentTime;
    if (this.#evict(now)) return;
    this.#jump(now);
    const next = this.#next(this.video.currentTime);
    if (next && this.#breaks(next)) {
      if (this.#toS(next.start_us) - now < TOUCH_S) this.#begin(next, this.#toS(next.start_us) + 0.01);
    } else if (next) {
      this.#append(next);
    }
  }

  #next(now) {
    const usable = (piece) => !this.held.has(piece.id) && !this.bad.has(piece.id)
      && this.#toS(piece.end_us) > now;
    const piece = this.pieces.find(usable);
    if (!piece) return null;
    const gap = this.#toS(piece.start_us) - now;
    return gap < AHEAD_S || !this.#bufferedAt(now) ? piece : null;
  }

  #bufferedAt(now) {
    const spans = this.video.buffered;
    for (let i = 0; i < spans.length; i += 1) {
      if (spans.start(i) - 0.05 <= now && now < spans.end(i) - 0.05) return true;
    }
    return false;
  }

  // Nothing here but something buffered later: go there.
  #jump(now) {
    if (this.video.seeking && this.pieces.some((piece) => this.#toS(piece.start_us) <= now + TOUCH_S
      && now < this.#toS(piece.end_us) && !this.held.has(piece.id) && !this.bad.has(piece.id))) return;
    if (this.#bufferedAt(now)) return;
    const spans = this.video.buffered;
    for (let i = 0; i < spans.length; i += 1) {
      const start = spans.start(i);
      if (start > now && !this.#pending(now, start)) {
        if (start - now > 1) this.told("jumped", (start - now) * 1e6);
        this.video.currentTime = start + 0.01;
        return;
      }
    }
  }

  // Whether a piece that is not fetched yet lies between `now` and `start`.
  #pending(now, start) {
    return this.pieces.some((piece) => !this.held.has(piece.id) && !this.bad.has(piece.id)
      && this.#toS(piece.end_us) > now + TOUCH_S && this.#toS(piece.start_us) < start - TOUCH_S);
  }

  #evict(now) {
    const spans = this.buffer.buffered;
    if (!spans.length || spans.start(0) > now - BEHIND_S) return false;
    const until = now - BEHIND_S / 2;
    for (const piece of this.pieces) if (this.#toS(piece.start_us) < until) this.held.delete(piece.id);
    this.buffer.remove(0, until);
    return true;
  }

  async #append(piece) {
    const generation = this.generation;
    this.busy = true;
    try {
      const bytes = await content(piece.id);
      if (generation !== this.generation) return;
      if (piece.media_type !== this.type) {
        this.buffer.changeType(piece.media_type);
        this.type = piece.media_type;
      }
      this.buffer.timestampOffset = this.#toS(piece.start_us) - baseTimeS(bytes);
      await this.#appended(bytes);
      if (generation === this.generation) this.held.add(piece.id);
    } catch (fault) {
      if (generation === this.generation) this.#failed(piece, fault);
    } finally {
      if (generation === this.generation) { this.busy = false; queueMicrotask(() => this.#step()); }
    }
  }

  #appended(bytes) {
    return new Promise((done, failed) => {
      const buffer = this.buffer;
      const clear = () => { buffer.removeEventListener("updateend", good); buffer.removeEventListener("error", wrong); };
      const good = () => { clear(); done(); };
      const wrong = () => { clear(); failed(new Error("the browser refused it")); };
      buffer.addEventListener("updateend", good);
      buffer.addEventListener("error", wrong);
      buffer.appendBuffer(bytes);
    });
  }

  #failed(piece, fault) {
    if (fault.status === 0) return; // the link is down: the next tick tries again
    this.bad.add(piece.id);
    this.told("failed", fault.message);
    const next = this.pieces.find((each) => each.start_us >= piece.start_us && !this.bad.has(each.id));
    if (this.source?.readyState !== "open" && next) this.#begin(next, this.#toS(next.start_us) + 0.01);
  }
}
