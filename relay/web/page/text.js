// Words in 中文 and English. Elements carry their key in data-t (text), data-t-label (aria-label).

const KEY = "fieldlink.language";
const LANGUAGES = ["zh", "en"];
const dictionaries = {};
const listeners = new Set();
let language = "en";

function preferred() {
  const kept = localStorage.getItem(KEY);
  if (LANGUAGES.includes(kept)) return kept;
  return (navigator.language || "").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export async function loadText() {
  await Promise.all(LANGUAGES.map(async (name) => {
    const answer = await fetch(`/page/strings.${name}.json`);
    dictionaries[name] = await answer.json();
  }));
  setLanguage(preferred(), false);
}

export function t(key, values = {}) {
  const text = dictionaries[language]?.[key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export function has(key) {
  return dictionaries[language]?.[key] !== undefined;
}

export function currentLanguage() {
  return language;
}

export function setLanguage(name, remember = true) {
  language = name;
  if (remember) localStorage.setItem(KEY, name);
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  translate(document);
  listeners.forEach((listener) => listener());
}

export function toggleLanguage() {
  setLanguage(language === "zh" ? "en" : "zh");
}

export function onLanguage(listener) {
  listeners.add(listener);
}

export function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-hint]")) node.placeholder = t(node.dataset.tHint);
  for (const node of root.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
    node.title = t(node.dataset.tLabel);
  }
}
