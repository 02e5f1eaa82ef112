/** The HTTP interface, version 1: multipart in, pictures or JSON out, problem documents (RFC 9457) when it fails. */

import { askForKey, keyHeader } from "./key.js";
import { lifeline } from "./lifeline.js";

/** An answer that is not the one hoped for. `slug` is the last part of the problem's `type`; `status` 0 is no answer. */
export class Problem extends Error {
  /** @param {{status: number, slug: string, detail?: string, retryAfter?: number | null, requestId?: string}} facts */
  constructor({ status, slug, detail = "", retryAfter = null, requestId = "" }) {
    super(`${status} ${slug}`);
    this.status = status;
    this.slug = slug;
    this.detail = detail;
    /** @type {number | null} in seconds */
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }
}

/** The caller took the request back. */
export class Cancelled extends Error {}

/** An address of this service, wherever it is mounted. */
export function address(path) {
  return new URL(path, document.baseURI).href;
}

/** An address that came with data: this service's own or an embedded picture, else null. */
export function safePicture(value) {
  if (typeof value !== "string") return null;
  if (/^data:image\/(jpeg|png|webp);/i.test(value)) return value;
  try {
    const url = new URL(value, document.baseURI);
    return url.origin === location.origin && /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** For how long nothing at all may come of what lies ready; a slow line is no silence. */
const SILENCE_MS = 20_000;

/**
 * @param {string} path
 * @param {number} [silence] after how many milliseconds of it nobody waits any longer
 * @returns {Promise<any>} the JSON document behind `path`
 */
export async function getJson(path, silence) {
  const { status, body } = await got(address(path), { accept: "application/json", ...keyHeader() }, silence);
  return parsed(await body.text(), status);
}

/** @returns {Promise<Blob>} the picture behind an address that {@link safePicture} accepted */
export async function getPicture(url) {
  return (await got(url, {})).body;
}

/** What is behind an address. A connection may be lost before the answer and in the middle of it, or fall silent. */
async function got(url, headers, silence = SILENCE_MS) {
  const controller = new AbortController();
  let timer = 0;
  const stir = () => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(), silence);
  };
  let response, body;
  try {
    stir();
    response = await fetch(url, { headers, signal: controller.signal });
    body = await whole(response, stir);
  } catch {
    throw new Problem({ status: 0, slug: "unreachable" });
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) throw problemFrom(response.status, await body.text(), (name) => response.headers.get(name));
  return { status: response.status, body };
}

/**
 * The body of an answer.
 * @param {Response} response
 * @param {() => void} onPart hears of every part that comes
 */
async function whole(response, onPart) {
  const reader = response.body?.getReader();
  /** @type {BlobPart[]} */
  const parts = [];
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    parts.push(part.value);
    onPart();
  }
  return new Blob(parts, { type: response.headers.get("content-type") ?? "" });
}

/**
 * Posts a form. XMLHttpRequest because fetch cannot say how much has been sent.
 * @param {string} path
 * @param {FormData} form
 * @param {{signal?: AbortSignal, onSent?: (share: number) => void}} [options]
 *   `onSent` hears the share of the upload that has left, 0..1
 * @returns {Promise<{blob: Blob, model: string, notes: string[], untold: number, requestId: string}>}
 *   `notes` say what of the request could not be done; `untold` more of them did not fit into the header
 */
async function post(path, form, options = {}) {
  for (;;) {
    const { authorization: shown } = keyHeader();
    try {
      return await send(path, form, options);
    } catch (error) {
      const locked = error instanceof Problem && (error.status === 401 || error.slug === "forbidden");
      if (!locked) throw error;
      // Another call may have been given a key meanwhile.
      if (keyHeader().authorization !== shown) continue;
      if (!(await askForKey(shown ? error.detail : ""))) throw new Problem({ status: 401, slug: "unauthorized" });
    }
  }
}

function send(path, form, { signal, onSent }) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new Cancelled());
      return;
    }
    const request = new XMLHttpRequest();
    const header = (name) => request.getResponseHeader(name);
    request.open("POST", address(path));
    for (const [name, value] of Object.entries(keyHeader())) request.setRequestHeader(name, value);
    const abort = () => request.abort();
    const unreachable = () => reject(new Problem({ status: 0, slug: "unreachable" }));
    const line = lifeline(address("healthz"), () => {
      unreachable();
      abort();
    });
    signal?.addEventListener("abort", abort, { once: true });
    request.addEventListener("loadend", () => {
      line.end();
      signal?.removeEventListener("abort", abort);
    });
    request.responseType = "blob";
    request.upload.addEventListener("progress", (event) => {
      line.stir();
      if (event.lengthComputable && event.total > 0) onSent?.(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => onSent?.(1));
    request.addEventListener("abort", () => reject(new Cancelled()));
    request.addEventListener("error", unreachable);
    request.addEventListener("progress", line.stir);
    request.addEventListener("load", async () => {
      const blob = /** @type {Blob} */ (request.response);
      if (request.status >= 200 && request.status < 300) {
        const told = header("x-notes")?.split(" | ") ?? [];
        const untold = Number(told.at(-1)?.match(/^and (\d+) more$/)?.[1] ?? 0);
        const notes = untold ? told.slice(0, -1) : told;
        resolve({ blob, model: header("x-model") ?? "", notes, untold, requestId: header("x-request-id") ?? "" });
      } else {
        reject(problemFrom(request.status, await blob.text(), header));
      }
    });
    request.send(form);
  });
}

/** Posts a form and expects JSON back. */
export async function postForJson(path, form, options) {
  const answer = await post(path, form, options);
  return parsed(await answer.blob.text(), 200);
}

/** Posts a form and expects a picture back. */
export async function postForPicture(path, form, options) {
  const answer = await post(path, form, options);
  if (!answer.blob.type.startsWith("image/")) throw new Problem({ status: 502, slug: "internal" });
  return answer;
}

function parsed(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem({ status, slug: "internal" });
  }
}

/** A proxy in between may answer in HTML, so the status alone must do. */
function problemFrom(status, text, header) {
  let body = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    body = {};
  }
  const slug = typeof body.type === "string" ? body.type.split(/[/:#]/).pop() ?? "" : "";
  return new Problem({
    status,
    slug,
    detail: typeof body.detail === "string" ? body.detail : "",
    retryAfter: seconds(header("retry-after")),
    requestId: header("x-request-id") ?? "",
  });
}

/** `Retry-After` as whole seconds from now; it may be a number or a date. */
function seconds(value) {
  if (!value) return null;
  const wait = /^\s*\d+\s*$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000);
  return Number.isFinite(wait) ? Math.max(0, wait) : null;
}
