/** The wall label under the easel: a caption at rest, progress at work, a problem in words. One at a time, one size. */

import { announce, make, icon, stamp } from "./parts.js";
import { wordsFor } from "./words.js";

const LOZENGES = 12;

export class WallLabel {
  #parts = stamp("label");
  #onCancel = () => {};
  #onRetry = () => {};
  #countdown = 0;
  /** What a problem that is waved away gives way to. */
  #before = "empty";

  /** @param {string} invitation what stands there before anything is on the easel */
  constructor(invitation) {
    this.root = this.#parts.root;
    this.#parts.empty.textContent = invitation;
    this.#parts.progress.append(...Array.from({ length: LOZENGES }, () => make("i")));
    this.#parts.cancel.addEventListener("click", () => this.#onCancel());
    this.#parts.dismiss.addEventListener("click", () => {
      this.#show(this.#before);
    });
    this.#parts.retry.addEventListener("click", () => {
      if (this.#parts.retry.getAttribute("aria-disabled") !== "true") this.#onRetry();
    });
  }

  #show(state) {
    clearInterval(this.#countdown);
    const held = this.root.contains(document.activeElement);
    this.root.dataset.state = state;
    // Whoever was on a button that goes away with the old state stays at the label.
    if (held && !document.activeElement?.getClientRects().length) this.root.focus({ preventScroll: true });
  }

  empty() {
    this.#show("empty");
  }

  /**
   * @param {string | (Node | string)[]} title
   * @param {string} line
   * @param {HTMLElement[]} actions
   */
  rest(title, line, actions = []) {
    this.#parts.title.replaceChildren(...[title].flat());
    this.#parts.line.textContent = this.#parts.line.title = line;
    this.#parts.actions.replaceChildren(...actions);
    this.#show("rest");
  }

  /** Goes back to the caption that stood there before the work began. */
  restore() {
    this.#show(this.#parts.title.textContent ? "rest" : "empty");
  }

  /** @param {string} doing such as "Painting" */
  work(doing, onCancel) {
    this.#onCancel = onCancel;
    this.#show("work");
    this.#doing = doing;
    this.sent(0);
    announce(`${doing}.`);
  }

  #doing = "";

  /** @param {number} share of the upload that has left, 0..1 */
  sent(share) {
    const { progress, doing } = this.#parts;
    const lit = Math.round(share * LOZENGES);
    progress.setAttribute("aria-label", share < 1 ? "Sending" : this.#doing);
    [...progress.children].forEach((lozenge, index) => lozenge.classList.toggle("lit", index < lit));
    progress.classList.toggle("waiting", share >= 1);
    if (share < 1) {
      progress.setAttribute("aria-valuenow", String(Math.round(share * 100)));
      doing.textContent = `Sending ${Math.round(share * 100)} %`;
    } else {
      // Without a value the bar is indeterminate: how long the work takes is not known.
      progress.removeAttribute("aria-valuenow");
      doing.textContent = `${this.#doing} …`;
    }
  }

  /** @param {unknown} error  @param {() => void} [onRetry] */
  problem(error, onRetry) {
    const { headline, detail, again, wait } = wordsFor(error);
    const { retry } = this.#parts;
    this.#parts.headline.textContent = headline;
    this.#parts.detail.textContent = detail;
    this.#onRetry = onRetry ?? (() => {});
    const { state } = this.root.dataset;
    if (state !== "problem") this.#before = state;
    this.#show("problem");
    retry.hidden = !(again && onRetry);
    if (retry.hidden) return;
    const until = Date.now() + wait * 1000;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      retry.setAttribute("aria-disabled", String(left > 0));
      retry.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
      if (left <= 0) clearInterval(this.#countdown);
    };
    tick();
    if (wait > 0) this.#countdown = setInterval(tick, 250);
  }
}

/**
 * What keeps a result: a link that saves it under its name and, where the device has a way to pass pictures on, a button for that.
 * @param {import("./photo.js").Photo} result
 * @returns {HTMLElement[]}
 */
export function keepers({ url, name, blob }) {
  const files = [new File([blob], name, { type: blob.type })];
  const download = make("a", { href: url, download: name, class: "button strong" }, icon("download"), "Download");
  if (!navigator.canShare?.({ files })) return [download];
  // Whoever thinks better of it need not be told, and what else goes wrong the device says itself.
  return [download, actionButton("share", "Share", () => navigator.share({ files }).catch(() => {}))];
}

/** @param {() => void} onClick */
export function actionButton(iconName, words, onClick) {
  const button = make("button", { type: "button", class: "plain", title: words }, icon(iconName), make("span", {}, words));
  button.addEventListener("click", onClick);
  return button;
}
