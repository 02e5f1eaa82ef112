/** What the page says when something goes wrong. The server's own sentence, where it sent one, follows as the detail. */

import { Problem } from "./api.js";
import { UnreadablePicture } from "./photo.js";

/**
 * `again`: trying the same once more may help.
 * @type {Record<string, {headline: string, detail: string, again?: boolean}>}
 */
const WORDS = {
  "too-large": { headline: "That picture is too big for our door.", detail: "Send a smaller copy." },
  "not-an-image": { headline: "We can’t hang that.", detail: "We take JPEG, PNG and WebP pictures, whatever the file is called." },
  undecodable: { headline: "This picture is torn.", detail: "The file is damaged or incomplete. Save it anew and try that." },
  "invalid-field": { headline: "Something in the request isn’t right.", detail: "Reload the page and try once more." },
  "no-face": { headline: "Nobody in sight.", detail: "We found no face. A larger or brighter one, looking this way, works best." },
  "face-unsuitable": { headline: "That face won’t do.", detail: "It is turned away, too small, or not one we may use." },
  "unknown-style": { headline: "That painter has left.", detail: "Reload the page to see who is in." },
  "unknown-model": { headline: "That model is gone.", detail: "Reload the page to see what there is." },
  unauthorized: { headline: "This room is locked.", detail: "It opens with a key, which whoever runs the studio can give you.", again: true },
  "not-found": { headline: "This room is closed.", detail: "The service doesn’t offer it." },
  refused: { headline: "We’d rather not.", detail: "The house rules say no to this picture." },
  busy: { headline: "All easels are taken.", detail: "", again: true },
  unavailable: { headline: "The studio is setting up.", detail: "This part isn’t ready right now.", again: true },
  unreachable: { headline: "Nobody answers.", detail: "The studio can’t be reached. Is the connection there?", again: true },
  internal: { headline: "We dropped the brush.", detail: "That was our fault.", again: true },
};

/** For problems this page has no words for, and for answers of whatever stands between it and the studio. */
const WORDS_OF_STATUS = {
  401: WORDS.unauthorized, 404: WORDS["not-found"], 408: WORDS.unavailable, 413: WORDS["too-large"], 415: WORDS["not-an-image"], 429: WORDS.busy,
  451: WORDS.refused, 502: WORDS.unavailable, 503: WORDS.unavailable, 504: WORDS.unavailable,
};

/**
 * @param {unknown} error
 * @returns {{headline: string, detail: string, again: boolean, wait: number}}
 *   `wait`: seconds until trying again makes sense
 */
export function wordsFor(error) {
  if (error instanceof UnreadablePicture) {
    const detail = error.heic
      ? "It is a HEIC photo, which this browser can’t open. Save it as a JPEG and try that."
      : "It doesn’t open as a picture. We take JPEG, PNG and WebP.";
    return { ...WORDS["not-an-image"], detail, again: false, wait: 0 };
  }
  if (!(error instanceof Problem)) {
    reportError(error);
    return { ...WORDS.internal, again: true, wait: 0 };
  }
  const words = WORDS[error.slug] ?? WORDS_OF_STATUS[error.status] ?? (error.status >= 400 && error.status < 500 ? WORDS["invalid-field"] : WORDS.internal);
  const trace = words === WORDS.internal && error.requestId ? ` If you report it, say ${error.requestId}.` : "";
  return {
    headline: words.headline,
    detail: (error.detail || words.detail) + trace,
    again: words.again ?? false,
    wait: words.again ? error.retryAfter ?? 0 : 0,
  };
}
