// Times are UTC microseconds by the centre's clock; the browser's own clock only counts on.

import { currentLanguage, t } from "./text.js";

let offsetUs = 0;

export function learnNow(nowUs) {
  offsetUs = nowUs - Date.now() * 1000;
}

export const nowUs = () => Date.now() * 1000 + offsetUs;

const two = (n) => String(n).padStart(2, "0");

export function hms(us) {
  const total = Math.floor(Math.abs(us) / 1e6);
  return `${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
}

export function timeOfDay(us) {
  const at = new Date(us / 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function minuteOfDay(us) {
  return timeOfDay(us).slice(0, 5);
}

export function dayAndTime(us) {
  const at = new Date(us / 1000);
  const now = new Date(nowUs() / 1000);
  if (at.toDateString() === now.toDateString()) return timeOfDay(us);
  const year = at.getFullYear() === now.getFullYear() ? "" : `${at.getFullYear()}-`; // a wrong clock shows
  return `${year}${two(at.getMonth() + 1)}-${two(at.getDate())} ${timeOfDay(us)}`;
}

export function span(us) {
  const s = Math.max(0, us) / 1e6;
  if (s < 10) return t("unit.seconds", { n: number(s, 1) });
  if (s < 120) return t("unit.seconds", { n: number(s, 0) });
  if (s < 7200) return t("unit.minutes", { n: number(s / 60, 0) });
  if (s < 172800) return t("unit.hours", { n: number(s / 3600, 0) });
  return t("unit.days", { n: number(s / 86400, 0) });
}

// The age of a picture, counting up: 42 s, 3:07, 1:05:12; days beyond that.
export function age(us) {
  const s = Math.max(0, Math.floor(us / 1e6));
  if (s < 100) return t("unit.seconds", { n: s });
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86400) return hms(us);
  return t("unit.days", { n: Math.floor(s / 86400) });
}

export function number(value, digits) {
  return value.toLocaleString(currentLanguage() === "zh" ? "zh-CN" : "en", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

export function rate(bps) {
  if (bps >= 1e6) return `${number(bps / 1e6, 1)} Mbit/s`;
  return bps >= 1e3 ? `${number(bps / 1e3, 0)} kbit/s` : `${number(bps, 0)} bit/s`;
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let value = count;
  while (value >= 1000 && at < units.length - 1) { value /= 1000; at += 1; }
  return `${number(value, at === 0 || value >= 100 ? 0 : 1)} ${units[at]}`;
}
