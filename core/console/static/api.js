// The API as the console calls it: JSON out and in, the session's CSRF value on writes, and every refusal
// as a Problem. The only file that calls fetch. Leaves out what the answers mean.

const BASE = "/api/v1";
const PATIENCE_MS = 30_000;
/** Patience with what moves files. */
const LONG_PATIENCE_MS = 600_000;

let csrf = null;
let whenSignedOut = () => {};

/** What the appliance refused, in its own words (RFC 9457). Status 0: there was no answer at all. */
export class Problem extends Error {
  constructor({ type = "about:blank", title, status = 0, detail = "", errors = [] }, retryAfter = null) {
    super(detail || title);
    Object.assign(this, { type, title, status, detail, errors, retryAfter });
  }

  /** Whether it is the problem of that code, such as "claim/wrong_code". */
  is(code) {
    return this.type === `/problems/${code}`;
  }
}

/** Whatever was caught as a Problem; a fault of the console itself also goes to the browser's log. */
export function asProblem(cause) {
  if (cause instanceof Problem) return cause;
  console.error(cause);
  const detail = `${cause.message}. Load the page again; if it happens again, report it with these words.`;
  return new Problem({ title: "The console met a fault of its own", detail });
}

/** Sets the value that writes must carry; null when nobody is signed in. */
export function useCsrf(value) {
  csrf = value;
}

/** Sets what is done when the session turns out to be over. */
export function onSignedOut(act) {
  whenSignedOut = act;
}

/** Reads a path below the API's base. */
export async function get(path) {
  return (await call("GET", path)).body;
}

/** Sends a new object. */
export async function post(path, body) {
  return (await call("POST", path, { body })).body;
}

/** Deletes; `etag` says which version, where the path has versions. */
export async function remove(path, etag) {
  await call("DELETE", path, { etag });
}

/** Whether the appliance does its work: `{ready, obstacles}`. A 503 is an answer here, not a failure. */
export async function readiness() {
  return (await answer("GET", "/readyz", {})).body;
}

/**
 * Any request below the API's base: `{status, etag, body, text, link}`, or a Problem. `file` is sent as it is, as
 * `{type, content}`, and is waited for longer.
 */
export async function call(method, path, { body, etag, file } = {}) {
  const answered = await answer(method, BASE + path, { body, etag, file });
  if (answered.status < 400) return answered;
  const problem = new Problem(answered.body ?? unexplained(answered.status), answered.retryAfter);
  if (problem.is("access/sign_in") && csrf !== null) whenSignedOut();
  throw problem;
}

async function answer(method, address, { body, etag, file }) {
  try {
    const response = await fetch(address, {
      method,
      headers: headers(method, body, etag, file),
      body: file?.content ?? (body === undefined ? undefined : JSON.stringify(body)),
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(file === undefined ? PATIENCE_MS : LONG_PATIENCE_MS),
    });
    return await understood(response);
  } catch (cause) {
    throw new Problem(unreachable(cause));
  }
}

function headers(method, body, etag, file) {
  const all = { Accept: "application/json, application/problem+json, text/csv" };
  if (body !== undefined) all["Content-Type"] = "application/json";
  if (file !== undefined) all["Content-Type"] = file.type;
  if (etag !== undefined) all["If-Match"] = etag;
  if (csrf !== null && method !== "GET") all["X-CSRF-Token"] = csrf;
  return all;
}

async function understood(response) {
  const text = await response.text();
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return {
    status: response.status,
    etag: response.headers.get("ETag") ?? undefined,
    retryAfter: Number.isNaN(seconds) ? null : seconds,
    body: isJson(response) && text !== "" ? JSON.parse(text) : null,
    text: isJson(response) ? "" : text,
    link: response.headers.get("Link") ?? "",
  };
}

function isJson(response) {
  return /^application\/(problem\+)?json/.test(response.headers.get("Content-Type") ?? "");
}

function unexplained(status) {
  return { title: `The appliance answered ${status}`, status, detail: "Its log says why." };
}

function unreachable(cause) {
  const what =
    cause.name === "TimeoutError"
      ? `It did not answer in time.`
      : "The connection failed.";
  return {
    title: "The appliance cannot be reached",
    detail: `${what} Check the network and whether the service runs, then try again.`,
  };
}
