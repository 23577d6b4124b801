import { h } from "./dom.js";
import { text } from "./strings.js";

const BASE = new URL("./", document.baseURI);
const TIMEOUT = 30_000;

/** A response that is an error. */
export class ApiError extends Error {
  constructor(status, problem, headers) {
    super(problem.detail ?? problem.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
    this.detail = problem.detail ?? "";
    this.errors = problem.errors ?? [];
    this.retryAfter = Number(headers.get("Retry-After")) || 0;
    this.requestId = problem.request_id ?? headers.get("X-Request-Id") ?? "";
  }
}

/** A request without a response. */
export class NetworkError extends Error {
  noResponse = true;
}

// session.js sets these. Both modules would need each other otherwise.
let tokens = { user: () => null, token: async () => null, refresh: async () => null };

/** Says where access tokens come from. */
export function useTokens(source) {
  tokens = source;
}

/** Returns the URL of a path of the API. */
export function apiUrl(path, query) {
  const url = new URL(path.replace(/^\//, ""), BASE);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/** Sends a request. Throws ApiError or NetworkError, or AbortError if the user changed meanwhile. With `auth: false` it has no access
 *  token, or the `token` of a session that is not the current one. */
export async function request(method, path, options = {}) {
  const endProgress = startProgress();
  try {
    if (options.auth === false) return await send(method, path, options, options.token);
    const owner = tokens.user()?.id;
    // What one user asked for is neither sent with the token of another one, nor given to the pages of another one.
    const check = () => {
      if (tokens.user()?.id !== owner) throw new DOMException("The user has changed.", "AbortError");
    };
    const sendAs = (token) => {
      check();
      return send(method, path, options, token).finally(check);
    };
    const first = await tokens.token();
    try {
      return await sendAs(first);
    } catch (error) {
      if (error.status === 401 && error.code === "unauthorized" && first) return await sendAs(await tokens.refresh(first));
      if (error.status === 503 && method === "GET") {
        await new Promise((done) => setTimeout(done, 1000));
        return await sendAs(first);
      }
      throw error;
    }
  } finally {
    endProgress();
  }
}

async function send(method, path, { body, key, etag, query, signal, as, keepalive = false }, token) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (etag) headers["If-Match"] = etag;
  const limit = AbortSignal.timeout(TIMEOUT);
  let response, content;
  try {
    response = await fetch(apiUrl(path, query), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      cache: "no-store",
      redirect: "error",
      keepalive,
    });
    content = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NetworkError(text.noConnection, { cause: error });
  }
  const data = as === "text" && response.ok ? content : parse(content);
  if (!response.ok) {
    // A gateway without the API behind it is the same as no connection for the user.
    if (response.status === 502 || response.status === 504) throw new NetworkError(text.noConnection);
    throw new ApiError(response.status, data ?? {}, response.headers);
  }
  return { status: response.status, body: data, etag: response.headers.get("ETag"), headers: response.headers };
}

function parse(content) {
  if (!content) return null;
  try {
    return JSON.parse(content);
  } catch {
    return null;
  }
}

/** Yields the items of all pages of a list. */
export async function* pages(path, query) {
  let cursor;
  do {
    const { body } = await request("GET", path, { query: { ...query, cursor } });
    yield* body.items;
    cursor = body.next_cursor;
  } while (cursor);
}

/** Returns all items of a list. */
export async function all(path, query) {
  const list = [];
  for await (const item of pages(path, query)) list.push(item);
  return list;
}

/** Says what went wrong, for people. */
export function describe(error) {
  if (error instanceof NetworkError) return text.noConnection;
  if (error.isForPeople) return error.message;
  if (!(error instanceof ApiError)) {
    console.error(error);
    return text.unexpected;
  }
  if (error.status === 429) return text.tooManyRequests(error.retryAfter || 60);
  if (error.code === "validation_failed") return error.errors.length === 1 ? error.errors[0].message : text.checkFields;
  if (text.errors[error.code]) return text.errors[error.code];
  if (error.status >= 500) return text.serverError(error.requestId);
  return error.detail || text.serverError(error.requestId);
}

let bar = null;
let slow = 0;

// Shows the bar while a request takes longer than 400 ms.
function startProgress() {
  let counted = false;
  const timer = setTimeout(() => {
    counted = true;
    slow += 1;
    bar ??= h("div", { class: "progress", role: "progressbar", "aria-label": text.loading });
    document.body.append(bar);
  }, 400);
  return () => {
    clearTimeout(timer);
    if (counted) slow -= 1;
    if (!slow) bar?.remove();
  };
}
