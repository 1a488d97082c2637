// The bundles of a layer, newest first, and the journey of each.

import { contentUrl } from "./api.js";
import { byId, el } from "./dom.js";
import { bytes, number, span, timeOfDay } from "./time.js";
import { t } from "./text.js";

const MOST = 120;

function after(us, fromUs) {
  if (us === null) return t("journey.unknown");
  return t("journey.after", { seconds: number((us - fromUs) / 1e6, 1) });
}

function step(label, text) {
  return el("div", { class: "step" }, el("dt", { text: t(label) }), el("dd", { text }));
}

function row(bundle) {
  const trip = bundle.journey;
  return el("details", { class: "bundle", data: { bundle: bundle.id } },
    el("summary", {}, el("time", { text: timeOfDay(bundle.start_us) }),
      el("span", { class: "dim", text: bundle.end_us > bundle.start_us ? span(bundle.end_us - bundle.start_us) : "" }),
      el("span", { text: bytes(bundle.size_bytes) }),
      el("span", { class: "custody", text: after(trip.custody_us, trip.captured_us) })),
    el("dl", {},
      step("journey.captured", timeOfDay(trip.captured_us)),
      step("journey.sent", after(trip.first_sent_us, trip.captured_us)),
      step("journey.received", after(trip.last_received_us, trip.captured_us)),
      step("journey.custody", after(trip.custody_us, trip.captured_us)),
      step("journey.bearer", trip.bearers.join(", ") || t("journey.unknown"))),
    el("p", { class: "dim path", text: bundle.path }),
    el("a", { href: contentUrl(bundle.id), download: "", class: "download", text: t("player.download") }));
}

export function drawBundles(pieces) {
  const node = byId("player-bundles");
  const open = new Set([...node.querySelectorAll("details[open]")].map((each) => each.dataset.bundle));
  const rows = pieces.slice(-MOST).reverse().map(row);
  for (const each of rows) each.open = open.has(each.dataset.bundle);
  node.replaceChildren(el("div", { class: "bundle-head" }, el("span", { text: t("journey.time") }), el("span"),
    el("span", { text: t("journey.size") }), el("span", { text: t("journey.custody") })), ...rows);
}
