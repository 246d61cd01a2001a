// The service's API for the page: the same that programs use, signed by the browser's cookie.

const API = new URL("api/v1/", document.baseURI);

/** What the service refused, in its own words. */
export class Refused extends Error {
  /** @param {number} status @param {{error?: string, reason?: string, hint?: string}} told */
  constructor(status, told) {
    super([told.error ?? `the service answered ${status}`, told.hint].filter(Boolean).join(" — "));
    this.status = status;
    this.reason = told.reason ?? "";
  }
}

/** @param {string} path below /api/v1/ @param {Record<string, string|number>} [query] */
export function address(path, query = {}) {
  const url = new URL(path, API);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}

/** What a page of ours can read and another cannot: proof that a request is ours. */
export function proof() {
  const found = document.cookie.split("; ").find((each) => each.startsWith("speaksep-xsrf="));
  return found ? decodeURIComponent(found.slice("speaksep-xsrf=".length)) : "";
}

/** Somebody whose sign-in has ended signs in again, and comes back. */
export function signInAgain() {
  const here = encodeURIComponent(location.pathname + location.search);
  location.assign(new URL(`sign-in?next=${here}`, document.baseURI));
}

/**
 * @param {string} method @param {string} path @param {unknown} [body] @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, signal) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-XSRFToken"] = proof();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(address(path), { method, headers, body: body && JSON.stringify(body), signal });
  if (answer.status === 401) signInAgain();
  const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
}

/**
 * Send a file. fetch does not tell how far it is; this does.
 * @param {File} file @param {(share: number) => void} progress
 * @returns {Promise<any>} the recording
 */
export function send(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("recordings", { name: file.name }));
    request.setRequestHeader("X-XSRFToken", proof());
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(new Refused(0, { error: "the connection broke", hint: "send it again" }));
    request.onload = () => {
      if (request.status === 401) signInAgain();
      if (request.status >= 400) reject(new Refused(request.status, request.response ?? {}));
      else resolve(request.response);
    };
    request.send(file);
  });
}
