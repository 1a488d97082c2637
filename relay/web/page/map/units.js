// What devices measure, in plain words: names of columns, units as people read them, states as words.

import { has, t } from "../text.js";
import { age, number, span } from "../time.js";

// UCUM as it is read; what is not here is shown as it came.
const UNITS = { Cel: "°C", "[ppm]": "ppm", "%{LEL}": "% LEL", "m/s2": "m/s²", deg: "°", "/min": null, s: null, MiBy: "MiB" };
const STATES = {
  "vitals.posture": ["upright", "bent", "lying", "falling"], "battery.charging": ["no", "yes"], "vehicle.ignition": ["off", "on"],
  "flight.armed": ["no", "yes"], "camera.recording": ["no", "yes"], "camera.taking": ["no", "yes"], "dock.drone_in": ["no", "yes"],
  "dock.cover": ["closed", "open", "half", "wrong"], "dock.rain": ["none", "light", "moderate", "heavy"],
  "position.fix": ["none", "gnss", "differential", "pps", "rtk", "float"],
};
// Texts of a few known words, and what they are called by.
const WORDS = { "flight.landed": "air.landed", "flight.state": "air.state", "flight.mission": "air.mission", "camera.storage": "air.storage", "camera.mode": "air.shooting" };
const SPANS = new Set(["air.remaining", "vitals.still_for", "dji.remaining", "camera.recording_s"]);
const ORDER = ["vitals", "air", "battery"];

export function columnText(stream, column) {
  for (const key of [`tel.${stream}.${column}`, `tel.${column}`]) if (has(key)) return t(key);
  return column;
}

export const streamText = (stream) => (has(`tel.stream.${stream}`) ? t(`tel.stream.${stream}`) : stream);

export function unitText(unit) {
  if (unit === "/min") return t("unit.perMinute");
  return (Object.hasOwn(UNITS, unit ?? "") ? UNITS[unit] : unit) ?? "";
}

const digitsOf = (value) => (Number.isInteger(value) ? 0 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);

// {text, unit} of a value; "–" when it is not known.
export function valueText(stream, column, value, unit) {
  if (value === null || value === undefined) return { text: "–", unit: "" };
  if (typeof value === "string") return { text: wordText(WORDS[`${stream}.${column}`], value), unit: "" };
  const name = STATES[`${stream}.${column}`]?.[value];
  if (name) return { text: t(`tel.${stream}.${column}.${name}`), unit: "" };
  if (SPANS.has(`${stream}.${column}`)) return { text: span(value * 1e6), unit: "" };
  return { text: number(value, digitsOf(value)), unit: unitText(unit) };
}

// Streams in the order in which they matter; positions have a place of their own.
export function orderedStreams(streams) {
  return Object.entries(streams).filter(([name]) => name !== "position")
    .sort(([a], [b]) => ((ORDER.indexOf(a) + 1 || 9) - (ORDER.indexOf(b) + 1 || 9)) || a.localeCompare(b, "en"));
}

// A known word in the language of the page; another one as it came.
export const wordText = (group, said) => (group && has(`${group}.${said}`) ? t(`${group}.${said}`) : said);

export const markText = (mark) => (has(`mark.${mark}`) ? t(`mark.${mark}`) : mark);
export const agoText = (us) => t("map.ago", { age: age(us) });
