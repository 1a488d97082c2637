// Asking the centre. A refusal is an ApiError with its status; a dead link is one with status 0.

export class ApiError extends Error {
  constructor(status, detail, retryAfterS = 0) {
    super(detail);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (fault) {
    throw new ApiError(0, String(fault));
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : answer.statusText;
  throw new ApiError(answer.status, detail, Number(answer.headers.get("retry-after") ?? 0));
}

// A connection that died without a word holds up nothing else for longer than this.
const PATIENCE_MS = 30000;

export async function get(path) {
  const answer = await ask(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
  try {
    return await answer.json();
  } catch (fault) {
    throw new ApiError(0, String(fault));
  }
}

const send = (method) => async (path, body) => (await ask(path, {
  method, headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}),
})).json();

export const post = send("POST");

export const patch = send("PATCH");

export const remove = async (path) => (await ask(path, { method: "DELETE" })).json();

export const content = async (bundle, signal) => (
  await ask(`/api/bundles/${bundle}/content`, { signal })).arrayBuffer();

export const contentUrl = (bundle) => `/api/bundles/${bundle}/content`;

export const streamPath = (s) => `/api/streams/${s.kit}/${s.device}/${s.stream}`;
