/** One piece of work at a time, with progress, cancelling and trying again. */

import { Cancelled } from "./api.js";
import { announce } from "./parts.js";

export class Task {
  /** @type {AbortController | null} */
  #running = null;

  /**
   * @param {import("./label.js").WallLabel} label
   * @param {HTMLElement} button the button that starts the work; it takes the focus back after cancelling, and trying
   *   again is pressing it: what has been chosen since a failure counts
   * @param {(busy: boolean) => void} onBusy
   */
  constructor(label, button, onBusy) {
    this.label = label;
    this.button = button;
    this.onBusy = onBusy;
  }

  get busy() {
    return this.#running !== null;
  }

  cancel() {
    this.#running?.abort();
  }

  /**
   * @template T
   * @param {string} doing such as "Painting"
   * @param {(options: {signal: AbortSignal, onSent: (share: number) => void}) => Promise<T>} work
   * @param {(result: T, signal: AbortSignal) => void | Promise<void>} done
   */
  async run(doing, work, done) {
    this.cancel();
    const controller = new AbortController();
    const { signal } = controller;
    const current = () => this.#running === controller;
    this.#running = controller;
    this.onBusy(true);
    this.label.work(doing, () => {
      this.cancel();
      this.button.focus();
      announce("Cancelled.");
    });
    try {
      const result = await work({ signal, onSent: (share) => current() && this.label.sent(share) });
      if (signal.aborted) throw new Cancelled();
      await done(result, signal);
    } catch (error) {
      if (!current()) return;
      this.label.restore();
      if (error instanceof Cancelled) return;
      this.label.problem(error, () => {
        this.button.focus();
        this.button.click();
      });
    } finally {
      if (current()) {
        this.#running = null;
        this.onBusy(false);
      }
    }
  }
}
