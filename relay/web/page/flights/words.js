// A flight in words: how long, how high, how far, and whether all of it is here.

import { t } from "../text.js";
import { nowUs, number } from "../time.js";

export const keyOf = (flight) => `${flight.kit}/${flight.device}/${flight.flight}`;
export const pathOf = (flight) => `/api/flights/${flight.kit}/${flight.device}/${flight.flight}`;
export const goesOn = (flight) => flight.ended === null;
export const endOf = (flight) => (goesOn(flight) && flight.end_us === null ? nowUs() : flight.end_us ?? flight.start_us);

const two = (value) => String(value).padStart(2, "0");

// 7:12, 1:04:09.
export function clockSpan(us) {
  const s = Math.max(0, Math.round(us / 1e6));
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

export const lengthText = (flight) => clockSpan(endOf(flight) - flight.start_us);
export const heightText = (metres) => (Number.isFinite(metres) ? `${number(metres, 0)} m` : "–");
export const farText = (metres) => (!Number.isFinite(metres) ? "–" : metres >= 1000 ? `${number(metres / 1000, 1)} km` : `${number(metres, 0)} m`);

// Whether all of it is here: [state, words]; "whole", "holes", "coming", "unknown".
export function wholeness(flight) {
  const { gaps, pieces_here: here, pieces_known: all } = flight;
  const holes = gaps.length + (flight.gaps_more ?? 0);
  if (goesOn(flight)) return ["flying", t(`flight.on.${flight.armed ? "air" : "ground"}`)];
  if (all !== null && here < all) return ["coming", t("flight.pieces", { here, all })];
  if (holes) return ["holes", t("flight.holes", { n: holes })];
  return all === null ? ["unknown", t("flight.unknown")] : ["whole", t("flight.whole")];
}
