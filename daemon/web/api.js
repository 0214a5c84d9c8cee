// What the daemon is asked for: the paths of api/v1/openapi.json, relative to the page, so that a proxy may serve it
// under any path.

const timeout_ms = 120_000; // a probe takes up to a minute

/** An answer that says no. `message` is the daemon's own; `status` 0: there was no answer. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Called whenever a request is refused for want of a session. */
let on_unauthorized = () => {};
export function tell_unauthorized_to(callback) {
  on_unauthorized = callback;
}

/** get("products", { site: "A", after: null }): empty values are left out. `signal` cancels it. */
export async function get(path, query = {}, signal = undefined) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = kept.length > 0 ? `?${new URLSearchParams(kept)}` : "";
  return ask(path + search, { method: "GET" }, signal);
}

/** Sends JSON, or a FormData as it is. */
export async function post(path, body = undefined, signal = undefined) {
  if (body instanceof FormData) return ask(path, { method: "POST", body }, signal);
  if (body === undefined) return ask(path, { method: "POST" }, signal);
  return ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }, signal);
}

/** The path of one thing: thing("sites", name, "run"). */
export function thing(...words) {
  return words.map((word) => encodeURIComponent(word)).join("/");
}

/** Exchanges the token for a session. */
export async function log_in(token) {
  await send("login", {
    method: "POST",
    body: JSON.stringify({ token }),
    headers: { "Content-Type": "application/json" },
  });
}

export async function log_out() {
  await send("logout", { method: "POST" });
}

async function ask(path, request, signal) {
  try {
    return await send(path, request, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) on_unauthorized();
    throw error;
  }
}

async function send(path, request, signal) {
  const limit = AbortSignal.timeout(timeout_ms);
  let answer;
  let text;
  try {
    answer = await fetch(`api/v1/${path}`, {
      ...request,
      credentials: "same-origin",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "catwalk does not answer. It may be restarting; try again in a moment.");
  }
  const body = as_json(text);
  if (!answer.ok) throw refusal(answer, body, text);
  return body;
}

function as_json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A proxy in between may answer with a page of its own: that is not shown. */
function refusal(answer, body, text) {
  const said = body?.error;
  if (typeof said?.message === "string") return new ApiError(answer.status, said.code ?? "", said.message);
  const plain = answer.headers.get("Content-Type")?.startsWith("text/plain") && text.trim();
  return new ApiError(answer.status, "", plain || `The server answered ${answer.status} ${answer.statusText}`.trim());
}

/** True for a request that was cancelled because its page was left: nothing to tell anybody. */
export function was_cancelled(error) {
  return error?.name === "AbortError";
}
