/* Asks our API, and says what went wrong in the API's own words.

   ask(method, path, options)   JSON in, JSON out; path is below /api/v1
   errors     ApiError: status, code, message, remedy, param. Status 0: nobody answered
   retries    only what may be sent twice: all but POST, and POST where the caller says that ids of
              ours make it so (isSafe). On no answer, 429 and 502 to 504; waits grow, with chance in
              them, and are at least what Retry-After says
   401        the session is over: the log-in, and back here afterwards */

const PREFIX = "/api/v1";
const TRIES = 3;
const WAIT_MS = 400; // doubled each time
const WAIT_MAX_MS = 8000;
const WITHIN_MS = 20000; // our server answers within 10 s, or says that it does not
const TO_RETRY = new Set([0, 429, 502, 503, 504]);

export class ApiError extends Error {
  /** @param {number} status @param {{code?: string, message?: string, remedy?: string, param?: string}} told */
  constructor(status, told, retryAfterS = 0) {
    super(told.message || `The server answered with status ${status}.`);
    this.status = status;
    this.code = told.code || "unknown";
    this.remedy = told.remedy || "";
    this.param = told.param || "";
    this.retryAfterS = retryAfterS;
  }

  /** Nobody answered, or who answered cannot now: the same may work later. */
  get isPassing() {
    return TO_RETRY.has(this.status);
  }
}

/** @param {{body?: any, isSafe?: boolean, tries?: number, signal?: AbortSignal}} options */
export async function ask(method, path, options = {}) {
  const isSafe = options.isSafe ?? method !== "POST";
  const tries = isSafe ? (options.tries ?? TRIES) : 1;
  for (let tried = 1; ; tried += 1) {
    try {
      return await once(method, path, options);
    } catch (error) {
      const again = error instanceof ApiError && error.isPassing && tried < tries;
      if (!again || options.signal?.aborted) throw error;
      await pause(waitMs(tried, error.retryAfterS));
    }
  }
}

/** How long to wait before another try, with chance in it, so that not all come at once. */
export function waitMs(tried, atLeastS = 0, maxMs = WAIT_MAX_MS) {
  const grown = Math.min(maxMs, WAIT_MS * 2 ** (tried - 1));
  return Math.max(Math.min(atLeastS * 1000, maxMs), grown * (0.5 + Math.random() / 2));
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function once(method, path, { body, signal }) {
  const headers = { accept: "application/json" };
  const asked = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body instanceof Blob) {
    asked.body = body;
    headers["content-type"] = body.type || "application/octet-stream";
  } else if (body !== undefined) {
    asked.body = JSON.stringify(body);
    headers["content-type"] = "application/json";
  }
  const late = body instanceof Blob ? null : AbortSignal.timeout(WITHIN_MS);
  asked.signal = signal && late ? AbortSignal.any([signal, late]) : signal || late;
  let response;
  let text;
  try {
    response = await fetch(PREFIX + path, asked);
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, {
      code: "unreachable",
      message: "The server cannot be reached.",
      remedy: "Look at your connection. What you wrote is kept.",
    });
  }
  if (response.ok) return text ? JSON.parse(text) : null;
  if (response.status === 401) toLogin();
  throw new ApiError(response.status, toldIn(text), Number(response.headers.get("retry-after")) || 0);
}

function toldIn(text) {
  try {
    return JSON.parse(text).error || {};
  } catch {
    return {}; // something between here and there answered
  }
}

export function toLogin() {
  const here = location.pathname + location.search;
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}

/** An id as the API takes it; two are never the same. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // pages without https have no more
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
