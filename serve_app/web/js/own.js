/** A picture from this device in place of the painters. */

import { announce, make } from "./parts.js";
import { Photo, UnreadablePicture } from "./photo.js";

const INVITATION = "Like a picture of yours";

export class OwnStyle extends EventTarget {
  /** @type {Photo | null} what is chosen */
  picture = null;

  /** Only the picture chosen last counts, whichever opens first. */
  #turn = 0;

  /** @param {Record<string, any>} parts the paint room's parts */
  constructor(parts) {
    super();
    this.parts = parts;
    const { ownFile, disown } = parts;
    ownFile.addEventListener("change", async () => {
      const [file] = ownFile.files;
      // The same file can be chosen again after it was given up.
      ownFile.value = "";
      if (file) await this.#take(file);
    });
    disown.addEventListener("click", () => {
      this.#turn += 1;
      this.#show(null);
      ownFile.focus();
      announce("Back to the painters.");
    });
  }

  async #take(file) {
    const turn = ++this.#turn;
    try {
      const picture = await Photo.open(file, file.name);
      if (turn !== this.#turn) {
        picture.release();
        return;
      }
      this.#show(picture);
      announce(`The style is your picture ${picture.stem}.`);
    } catch (error) {
      if (!(error instanceof UnreadablePicture)) throw error;
      if (turn !== this.#turn) return;
      this.#show(null);
      this.parts.ownTitle.textContent = "This is no picture we can read; try a JPEG, PNG or WebP";
      announce(this.parts.ownTitle.textContent);
    }
  }

  #show(picture) {
    const { own, ownTitle, disown, styles, blend } = this.parts;
    this.picture?.release();
    this.picture = picture;
    own.querySelector("img")?.remove();
    if (picture) ownTitle.before(make("img", { src: picture.url, alt: "", width: "36", height: "36" }));
    ownTitle.textContent = picture ? `Like ${picture.name}` : INVITATION;
    own.classList.toggle("chosen", Boolean(picture));
    disown.hidden = !picture;
    styles.inert = blend.inert = Boolean(picture);
    this.dispatchEvent(new Event("change"));
  }
}
