// The window's clock, big: what is left of it, or by how much it is over.

import { byId, setText } from "./dom.js";
import { dayAndTime, hms, nowUs } from "./time.js";
import { t } from "./text.js";

const WARN_US = 30 * 60e6;

export function drawClock(incident) {
  const clock = byId("clock");
  const now = incident?.closed_us ?? nowUs();
  const windowed = incident && incident.due_us !== null;
  const left = windowed ? incident.due_us - now : 0;
  const closed = Boolean(incident?.closed_us);
  const over = windowed && left < 0;
  clock.dataset.state = closed ? "closed" : !windowed ? "none" : over ? "over" : left < WARN_US ? "warn" : "good";
  const label = !windowed ? "clock.none" : closed ? "clock.closed" : over ? "clock.overdue" : "clock.remaining";
  setText(byId("clock-label"), t(label));
  setText(byId("clock-value"), windowed ? `${over ? "+" : ""}${hms(left)}` : "--:--:--");
  const elapsed = windowed ? now - incident.start_us : 0;
  setText(byId("clock-elapsed"), windowed ? `${elapsed < 0 ? "-" : ""}${hms(elapsed)}` : "--:--:--");
  setText(byId("clock-t0"), !windowed ? "" : `${t("clock.t0", { time: dayAndTime(incident.start_us) })} · ${
    t("clock.until", { time: dayAndTime(incident.due_us) })}`);
  const part = windowed ? Math.min(1, Math.max(0, (now - incident.start_us) / incident.window_us)) : 0;
  byId("progress").style.width = `${(part * 100).toFixed(3)}%`;
}
