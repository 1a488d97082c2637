// Which ground the map stands on: MapLibre's where there are tiles and something to draw them with,
// the plain one everywhere else.

import { t } from "../text.js";
import { FlatGround } from "./ground_flat.js";
import { GlGround } from "./ground_gl.js";
import { machine } from "./machine.js";

const MOST_REASON = 200;

// `note(text)` tells people what is not as the operator meant it.
export async function openGround(node, config, events, note) {
  const flat = new URLSearchParams(location.search).get("ground") === "flat";
  const reasonOf = (fault) => String(fault?.message ?? fault).slice(0, MOST_REASON);
  if (config.fault) note(t("map.tiles.fault", { reason: reasonOf(config.fault) }));
  if (config.tiles && !machine().webgl) note(t("map.gl.none"));
  else if (config.tiles && !flat) {
    try {
      const failed = (fault) => note(t("map.tiles.failed", { reason: reasonOf(fault) }));
      return await GlGround.open(node, config, { ...events, failed });
    } catch (fault) {
      node.replaceChildren();
      note(t("map.gl.failed", { reason: reasonOf(fault) }));
    }
  }
  return new FlatGround(node, events);
}
