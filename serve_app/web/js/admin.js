/** What the operators' pages share: the admin key, kept for this tab only, and questions and decisions sent with it. */

import { recall, remember } from "./memory.js";

const STORED = "masquerade.admin-key";
const PATIENCE_MS = 10_000;
/** A decision is written into a store that may be far away. */
const DECISION_MS = 30_000;

/** @returns {string} empty where none was given */
export function adminKey() {
  return recall(STORED);
}

export function keepAdminKey(key) {
  remember(STORED, key.trim());
}

/**
 * @param {string} path
 * @param {object} [decision] is posted
 * @returns {Promise<{status: number, document: any}>} the JSON that was answered, whatever the status; throws an Error
 *   with words for people where none came in time
 */
export async function ask(path, decision) {
  const headers = { accept: "application/json" };
  if (adminKey()) headers.authorization = `Bearer ${adminKey()}`;
  if (decision) headers["content-type"] = "application/json";
  const signal = AbortSignal.timeout(decision ? DECISION_MS : PATIENCE_MS);
  const sent = decision ? { method: "POST", body: JSON.stringify(decision) } : { cache: "no-store" };
  let response, text;
  try {
    response = await fetch(new URL(path, document.baseURI), { headers, signal, ...sent });
    text = await response.text();
  } catch {
    throw new Error("The studio does not answer.");
  }
  try {
    return { status: response.status, document: JSON.parse(text) };
  } catch {
    // A proxy in between may answer in HTML.
    throw new Error(`The studio answered ${response.status}.`);
  }
}
