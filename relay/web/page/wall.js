// The wall: one tile for each stream, its newest still, how old it is, and what is wrong with it.

import { contentUrl } from "./api.js";
import { byId, el, mark, setText } from "./dom.js";
import { age, bytes, nowUs, number, timeOfDay } from "./time.js";
import { drawTimeline, EMPTY } from "./timeline.js";
import { has, t } from "./text.js";

const LATE_US = 30e6;
const DOWN_US = 300e6;
const LEAST_SPAN_US = 120e6;
const LEAST_TILE_PX = 300;

export const keyOf = (s) => `${s.kit}/${s.device}/${s.stream}`;
export const kindText = (kind) => t(has(`kind.${kind}`) ? `kind.${kind}` : "kind.unknown");

// Telemetry and alarms travel as streams too; what only reports has no pictures to wait for.
const REPORTS = new Set(["telemetry", "alarm"]);
export const hasPictures = (stream) => !REPORTS.has(stream.stream)
  && (stream.gaps > 0 || Object.keys(stream.layers).some((layer) => layer !== "report"));

// Ages go on between two answers of the centre, and so does the state that follows from them.
export function stateOf(stream, closed) {
  if (closed) return "closed";
  if (stream.down_reason !== null || stream.latest_us === null) return "down";
  const old = nowUs() - stream.latest_us;
  return old > DOWN_US ? "down" : old > LATE_US ? "late" : stream.state === "down" ? "down" : "live";
}

export class Wall {
  constructor(open) {
    this.node = byId("wall");
    this.open = open;
    this.tiles = new Map();
    new ResizeObserver(() => this.arrange()).observe(this.node);
  }

  draw(streams, coverage, incident) {
    this.incident = incident;
    const wanted = new Map(streams.map((stream) => [keyOf(stream), stream]));
    for (const [key, tile] of this.tiles) if (!wanted.has(key)) { tile.node.remove(); this.tiles.delete(key); }
    for (const [key, stream] of wanted) {
      if (!this.tiles.has(key)) this.tiles.set(key, new Tile(this.open));
      const tile = this.tiles.get(key);
      tile.draw(stream, coverage.get(key) ?? EMPTY, incident);
    }
    const nodes = streams.map((stream) => this.tiles.get(keyOf(stream)).node);
    if (nodes.some((node, at) => this.node.children[at] !== node) || this.node.children.length !== nodes.length) {
      this.node.replaceChildren(...nodes);
    }
    if (!streams.length) this.node.replaceChildren(el("div", { class: "empty" },
      el("p", { text: t("wall.empty") }), el("p", { class: "hint", text: t("wall.empty.hint") })));
    this.arrange();
  }

  tick() {
    for (const tile of this.tiles.values()) tile.tick();
  }

  // As many columns as make the tiles largest while all of them fit; small screens scroll.
  arrange() {
    const count = this.tiles.size;
    const width = this.node.clientWidth;
    const height = this.node.clientHeight;
    let best = { columns: 1, size: 0 };
    for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
      const rows = Math.ceil(count / columns);
      const tall = (height / rows - 84) * (16 / 9);
      const size = Math.min(width / columns, tall);
      if (size > best.size) best = { columns, size };
    }
    const columns = best.size >= LEAST_TILE_PX ? best.columns : Math.max(1, Math.min(count, Math.floor(width / LEAST_TILE_PX)));
    this.node.style.setProperty("--columns", String(columns));
    this.node.dataset.fit = best.size >= LEAST_TILE_PX ? "all" : "scroll";
  }
}

class Tile {
  constructor(open) {
    this.image = el("img", { alt: "", decoding: "async", hidden: true });
    this.blank = el("span", { class: "blank" });
    this.age = el("b", { class: "age" });
    this.ageLabel = el("span", { class: "age-label" });
    this.mark = el("span", { class: "mark" });
    this.state = el("span", { class: "state" }, this.mark);
    this.stateText = el("span");
    this.state.append(this.stateText);
    this.button = el("button", { class: "picture", type: "button", on: { click: () => open(this.stream) } },
      this.image, this.blank, this.state, el("span", { class: "age-box" }, this.age, this.ageLabel));
    this.name = el("h3");
    this.kit = el("span", { class: "kit" });
    this.backlog = el("span", { class: "backlog" });
    this.gaps = el("span", { class: "gap-mark" });
    this.bars = el("div", { class: "bars" });
    this.tip = el("p", { class: "tip", role: "status" });
    this.node = el("article", { class: "tile" }, this.button,
      el("div", { class: "facts" }, el("div", { class: "names" }, this.name, this.kit),
        el("div", { class: "numbers" }, this.backlog, this.gaps)), this.bars, this.tip);
  }

  draw(stream, coverage, incident) {
    this.stream = stream;
    this.closed = incident.state === "closed";
    this.node.dataset.key = keyOf(stream);
    setText(this.name, stream.device);
    setText(this.kit, `${kindText(stream.kind)} · ${stream.kit}${stream.stream === "video" ? "" : ` · ${stream.stream}`}`);
    this.button.setAttribute("aria-label", t("tile.open", stream));
    this.#picture(stream.latest_still);
    this.#numbers(stream);
    const from = incident.state === "standing" ? firstOf(coverage) ?? incident.start_us : incident.start_us;
    const to = Math.max(this.closed ? incident.closed_us : nowUs(), from + LEAST_SPAN_US);
    drawTimeline(this.bars, coverage, from, to, (text) => this.#tell(text));
    this.tick();
  }

  #picture(still) {
    setText(this.blank, t("tile.noPicture"));
    this.blank.hidden = Boolean(still);
    if (!still || this.image.dataset.bundle === still.bundle) return;
    // The old picture stays until the new one is decoded: a wall must not blink.
    const fresh = new Image();
    fresh.src = contentUrl(still.bundle);
    this.wanted = still.bundle;
    fresh.decode().then(() => {
      if (this.wanted !== still.bundle) return;
      this.image.src = fresh.src;
      this.image.hidden = false;
      this.image.dataset.bundle = still.bundle;
      this.node.dataset.bundle = still.bundle;
    }).catch(() => { this.blank.hidden = !this.image.hidden; });
  }

  #numbers(stream) {
    const pending = stream.pending;
    const known = pending && (pending.size_bytes !== null || pending.bundles !== null);
    const amount = known && (pending.size_bytes !== null ? bytes(pending.size_bytes) : `${pending.bundles}`);
    const none = known && !pending.size_bytes && !pending.bundles;
    const some = pending?.scope === "kit" ? "tile.pending.kit" : "tile.pending";
    setText(this.backlog, !known ? t("tile.pending.unknown") : none ? t("tile.pending.none") : t(some, { bytes: amount }));
    this.backlog.dataset.state = !known ? "unknown" : none ? "none" : "some";
    this.backlog.title = pending ? `${t("tile.age")} ${age(nowUs() - pending.reported_us)}` : "";
    setText(this.gaps, stream.gaps ? t("tile.gaps", { count: stream.gaps }) : t("tile.gaps.none"));
    this.gaps.dataset.state = stream.gaps ? "some" : "none";
    this.name.title = stream.first_picture_s === null ? "" : t("tile.first", { seconds: number(stream.first_picture_s, 1) });
  }

  #tell(text) {
    setText(this.tip, text);
    clearTimeout(this.forget);
    this.forget = setTimeout(() => setText(this.tip, ""), 12000);
  }

  tick() {
    const state = stateOf(this.stream, this.closed);
    const still = this.stream.latest_still;
    if (this.node.dataset.state !== state || !this.mark.firstChild) {
      this.node.dataset.state = state;
      this.mark.replaceChildren(mark(state));
    }
    setText(this.stateText, this.stream.down_reason && state === "down" ? `${t("state.down")} · ${this.stream.down_reason}` : t(`state.${state}`));
    setText(this.age, !still ? "" : this.closed ? timeOfDay(still.start_us) : age(nowUs() - still.start_us));
    setText(this.ageLabel, still && !this.closed ? t("tile.age") : "");
  }
}

export function firstOf(coverage) {
  const starts = Object.values(coverage.layers).filter((spans) => spans.length).map((spans) => spans[0][0]);
  return starts.length ? Math.min(...starts) : null;
}
