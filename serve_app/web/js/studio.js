/** What all modes share: the one photo on the easel. */

export class Studio extends EventTarget {
  /** @type {import("./photo.js").Photo | null} */
  #photo = null;

  get photo() {
    return this.#photo;
  }

  /** Hangs another photo; listeners of `photo` hear of it before the old one goes. */
  hang(photo) {
    const old = this.#photo;
    this.#photo = photo;
    this.dispatchEvent(new Event("photo"));
    old?.release();
  }
}
