/** Before on the left, after on the right, and a handle between them: by pointer anywhere on the picture, or by keys. */

const STEP = 2;
const LEAP = 10;

export class Compare {
  #split = 50;

  /** @param {Record<string, any>} parts of an easel */
  constructor({ compare, before, after, handle }) {
    /** @type {HTMLElement} */
    this.root = compare;
    /** @type {HTMLImageElement} */
    this.before = before;
    /** @type {HTMLImageElement} */
    this.after = after;
    /** @type {HTMLElement} */
    this.handle = handle;
    handle.addEventListener("keydown", (event) => this.#onKey(event));
    compare.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      compare.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      this.#follow(event);
    });
    compare.addEventListener("pointermove", (event) => {
      if (compare.hasPointerCapture(event.pointerId)) this.#follow(event);
    });
  }

  /**
   * @param {string} before address of the photo
   * @param {string} after address of the result
   * @param {string} words what the result shows
   */
  async show(before, after, words) {
    this.before.src = before;
    this.after.src = after;
    this.after.alt = words;
    this.root.hidden = false;
    this.root.classList.remove("gliding");
    this.#set(100);
    await this.after.decode().catch(() => {});
    // The unveiling: styles must be computed at 100 before the glide to the middle starts.
    this.root.getBoundingClientRect();
    this.root.classList.add("gliding");
    this.#set(50);
  }

  hide() {
    this.root.hidden = true;
    this.before.removeAttribute("src");
    this.after.removeAttribute("src");
  }

  /** @param {number} split the share of the width that shows the photo, 0..100 */
  #set(split) {
    this.#split = Math.min(100, Math.max(0, split));
    const shown = Math.round(this.#split);
    this.root.style.setProperty("--split", `${this.#split}%`);
    this.handle.setAttribute("aria-valuenow", String(shown));
    this.handle.setAttribute("aria-valuetext", `${shown} % before, ${100 - shown} % after`);
  }

  #follow(event) {
    const { left, width } = this.root.getBoundingClientRect();
    this.root.classList.remove("gliding");
    this.#set(((event.clientX - left) / width) * 100);
  }

  #onKey(event) {
    const step = event.shiftKey ? LEAP : STEP;
    const split = {
      ArrowLeft: this.#split - step, ArrowDown: this.#split - step,
      ArrowRight: this.#split + step, ArrowUp: this.#split + step,
      PageDown: this.#split - LEAP, PageUp: this.#split + LEAP, Home: 0, End: 100,
    }[event.key];
    if (split === undefined) return;
    event.preventDefault();
    this.root.classList.remove("gliding");
    this.#set(split);
  }
}
