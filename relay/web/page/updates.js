// The centre's news by server-sent events. News says what changed; the page reads it anew.

export function follow(told, lost) {
  const source = new EventSource("/api/updates");
  let broken = false;
  source.addEventListener("open", () => { if (broken) told("missed", {}); broken = false; });
  source.addEventListener("message", (event) => {
    const news = JSON.parse(event.data);
    told(news.kind, news.data);
  });
  source.addEventListener("error", () => {
    broken = true;
    lost();
  });
  return source;
}
