/** What all modes share: the one photo on the easel. */

export class Studio extends EventTarget {
  /** @type {import("./photo.js").Photo | null} */
  #photo = null;
  #turn = 0;

  get photo() {
    return this.#photo;
  }

  /** The turn of a picture that has yet to be opened: the one asked for last hangs, whichever opens first, in any room. */
  ask() {
    this.#turn += 1;
    return this.#turn;
  }

  /** Whether nothing has been asked for since. */
  awaits(turn) {
    return turn === this.#turn;
  }

  /**
   * Hangs another photo; listeners of `photo` hear of it before the old one goes.
   * @param {import("./photo.js").Photo} photo
   * @param {number} [turn] of {@link ask}; without one the photo takes its turn now
   * @returns {boolean} whether it hangs; one whose turn is over is let go
   */
  hang(photo, turn = this.ask()) {
    if (!this.awaits(turn)) {
      photo.release();
      return false;
    }
    const old = this.#photo;
    this.#photo = photo;
    this.dispatchEvent(new Event("photo"));
    old?.release();
    return true;
  }
}
