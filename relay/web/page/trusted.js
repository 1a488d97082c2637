// The one Trusted Types policy of the page: which programs it may load beside its modules. All other
// text stays text; the Content-Security-Policy names this policy and no other may be made.

const PROGRAMS = new Set([
  "/page/vendor/maplibre-gl-6.17.0/maplibre-gl-worker.mjs",
  "/page/vendor/pmtiles-4.5.0/pmtiles.js",
]);

function checked(text) {
  const url = new URL(text, location.href);
  if (url.origin !== location.origin || !PROGRAMS.has(url.pathname)) throw new TypeError(`${text} is no program of this page`);
  return text;
}

// The workers and classic scripts of libraries come through the policy called "default".
globalThis.trustedTypes?.createPolicy("default", { createScriptURL: checked });

const loading = new Map();

// A classic script, loaded once.
export function loadScript(path) {
  if (!loading.has(path)) {
    loading.set(path, new Promise((done, failed) => {
      const node = document.createElement("script");
      node.src = path;
      node.addEventListener("load", done);
      node.addEventListener("error", () => { loading.delete(path); failed(new Error(`${path} did not load`)); });
      document.head.append(node);
    }));
  }
  return loading.get(path);
}
