// Plays pieces one after another on one time line: each is fetched, moved to its capture time and
// appended; what lies between them is jumped over. A piece is {id, key, start_us, end_us, from_us,
// to_us, media_type}: of what lies from start_us to end_us, from_us to to_us is played. One that is
// played from its middle on needs what lies before to be decoded: it begins a new source.

import { content } from "./api.js";
import { baseTimeS } from "./mp4.js";

const AHEAD_S = 24;
const BEHIND_S = 60;
const TOUCH_S = 0.25;
const EDGE_S = 14;
const LEAD_US = 3600e6;
const CUT_US = 300e3;
// Of a piece that is played up to its middle so much more is kept, for its pictures may last a
// second; the next piece takes their place.
const HEM_S = 1;
const LAST_S = 2;
const FOREVER_S = 1e9;
const REST_MS = 1000;

// The link, the session or the centre itself, none of which lasts.
const passes = ({ status }) => status === 0 || status === 401 || status === 429 || status >= 500;

const codecCount = (type) => (/codecs="?([^"]*)"?/.exec(type)?.[1] ?? "").split(",").length;

const cutIn = (piece) => piece.from_us - piece.start_us > CUT_US;

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

  // Pieces in order of capture. The first call begins at `atUs`, or near the newest and follows it.
  show(pieces, atUs = null) {
    if (!pieces.length) return;
    const known = new Map(this.pieces.map((piece) => [piece.key, piece.to_us]));
    if (pieces.length === known.size && pieces.every((piece) => known.get(piece.key) === piece.to_us)) return;
    const first = this.pieces.length === 0;
    this.pieces = pieces;
    if (first) {
      this.originUs = this.pieces[0].from_us - LEAD_US;
      this.seek(atUs ?? this.#nearEdge().from_us, atUs === null);
    } else if (this.following && this.#edgeS() - this.video.currentTime > this.#lagS()) {
      this.seek(this.#nearEdge().from_us, true);
    }
    this.#step();
  }

  get positionUs() {
    return this.originUs === undefined ? null : this.originUs + this.video.currentTime * 1e6;
  }

  seek(us, following = false) {
    this.following = following;
    if (!this.pieces.length) return;
    const piece = this.pieces.find((each) => each.to_us > us) ?? this.pieces.at(-1);
    const at = this.#toS(Math.max(us, piece.from_us)) + 0.01;
    if (!this.source || this.#breaks(piece) || this.#outdated(us)) this.#begin(piece, at);
    else this.video.currentTime = at;
    this.#step();
  }

  followLive() {
    if (this.pieces.length) this.seek(this.#nearEdge().from_us, true);
    this.video.play().catch(() => {});
  }

  close() {
    this.generation += 1;
    clearInterval(this.tick);
    for (const [type, act] of Object.entries(this.handlers)) this.video.removeEventListener(type, act);
    this.#release();
  }

  #toS(us) { return (us - this.originUs) / 1e6; }

  #edgeS() { return this.#toS(this.pieces.at(-1).to_us); }

  #nearEdge() { return this.pieces[Math.max(0, this.pieces.length - 2)]; }

  // How far behind the edge is still following it: two pieces, which thin ones make long.
  #lagS() { return Math.max(EDGE_S, (this.pieces.at(-1).to_us - this.#nearEdge().from_us) / 1e6 + 2); }

  // A piece with more or fewer tracks than the ones before cannot join their buffer, nor one that
  // is played from its middle on.
  #breaks(piece) {
    return piece.key !== this.base?.key && (codecCount(piece.media_type) !== this.tracks || cutIn(piece));
  }

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
    this.held = new Map();
    this.base = piece;
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
      // Else a browser seeks no farther than what is buffered (Media Source Extensions, 10: seekable).
      this.source.setLiveSeekableRange?.(0, FOREVER_S);
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
    if (next && performance.now() < (this.restMs ?? 0)) return;
    if (next && this.#breaks(next)) {
      const away = this.#toS(next.from_us) - now;
      if (away < TOUCH_S || !this.#bufferedAt(now) || (away < LAST_S && this.#stuck())) this.#begin(next, Math.max(now, this.#toS(next.from_us)) + 0.01);
    } else if (next) {
      this.#append(next);
    }
  }

  // Playing stops at the last picture of a source, however long that is to be shown.
  #stuck() {
    return this.held.size > 0 && !this.video.seeking && this.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  }

  #next(now) {
    const piece = this.pieces.find((each) => this.#wanted(each) && this.#toS(each.to_us) > now);
    if (!piece) return null;
    const gap = this.#toS(piece.from_us) - now;
    return gap < AHEAD_S || !this.#bufferedAt(now) ? piece : null;
  }

  // Whether what is buffered at `us` or behind it is coarser than what there is by now, or lies
  // before what was to be played of the piece that the source began with.
  #outdated(us) {
    if (cutIn(this.base) && us < this.base.from_us - CUT_US) return true;
    const current = new Map(this.pieces.map((each) => [each.key, each.to_us]));
    return [...this.held.values()].some((held) => held.to_us > us && current.get(held.key) !== held.to_us);
  }

  // Neither there nor broken; what a coarser piece shows already is not changed under the eye.
  #wanted(piece) {
    if (this.bad.has(piece.id) || this.held.has(piece.key)) return false;
    for (const held of this.held.values()) {
      if (held.from_us - CUT_US <= piece.from_us && piece.to_us <= held.to_us + CUT_US) return false;
    }
    return true;
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
    if (this.video.seeking && this.pieces.some((piece) => this.#toS(piece.from_us) <= now + TOUCH_S
      && now < this.#toS(piece.to_us) && this.#wanted(piece))) return;
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
    return this.pieces.some((piece) => this.#wanted(piece)
      && this.#toS(piece.to_us) > now + TOUCH_S && this.#toS(piece.from_us) < start - TOUCH_S);
  }

  #evict(now) {
    const spans = this.buffer.buffered;
    if (!spans.length || spans.start(0) > now - BEHIND_S) return false;
    const until = now - BEHIND_S / 2;
    for (const [key, piece] of this.held) if (this.#toS(piece.from_us) < until) this.held.delete(key);
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
      this.buffer.appendWindowEnd = piece.end_us - piece.to_us > CUT_US ? this.#toS(piece.to_us) + HEM_S : Infinity;
      await this.#appended(bytes);
      if (generation === this.generation) this.held.set(piece.key, piece);
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
    if (passes(fault)) { this.restMs = performance.now() + REST_MS; return; } // asked for again then
    this.bad.add(piece.id);
    this.told("failed", fault.message);
    const next = this.pieces.find((each) => each.from_us >= piece.from_us && !this.bad.has(each.id));
    if (this.source?.readyState !== "open" && next) this.#begin(next, this.#toS(next.from_us) + 0.01);
  }
}
