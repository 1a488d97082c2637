// The centre's news by server-sent events. News says what changed; the page reads it anew.

const LOOK_MS = 5000;
const SILENT_TIMES = 3; // as long as the centre ever is silent
const FIRST_MS = 90000; // until it has said how long that is, a minute at most

export function follow(told, lost) {
  let source = null;
  let broken = false;
  let heardMs = 0;
  let silentMs = FIRST_MS;

  function open() {
    heardMs = performance.now();
    source = new EventSource("/api/updates");
    source.addEventListener("open", () => { heardMs = performance.now(); if (broken) told("missed", {}); broken = false; });
    source.addEventListener("message", (event) => {
      heardMs = performance.now();
      const news = JSON.parse(event.data);
      if (news.kind === "alive") silentMs = news.data.every_s * 1000 * SILENT_TIMES;
      else told(news.kind, news.data);
    });
    source.addEventListener("error", () => {
      broken = true;
      lost();
      // Refused for good, which the browser does not try again.
      if (source.readyState === EventSource.CLOSED) heardMs = Math.min(heardMs, performance.now() - silentMs + LOOK_MS);
    });
  }

  // A connection may die without a word, and the browser waits for ever: alarms would come by the
  // page's slow reading alone.
  const timer = setInterval(() => {
    if (performance.now() - heardMs < silentMs) return;
    broken = true;
    source.close();
    open();
  }, LOOK_MS);
  open();
  return { close: () => { clearInterval(timer); source.close(); } };
}
