/** A picture from this device in place of the painters. */

import { announce, make } from "./parts.js";
import { Photo, UnreadablePicture } from "./photo.js";

const INVITATION = "Like a picture of yours";

export class OwnStyle extends EventTarget {
  /** @type {Photo | null} what is chosen */
  picture = null;

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
      this.#show(null);
      ownFile.focus();
      announce("Back to the painters.");
    });
  }

  async #take(file) {
    try {
      this.#show(await Photo.open(file, file.name));
      announce(`The style is your picture ${this.picture.stem}.`);
    } catch (error) {
      if (!(error instanceof UnreadablePicture)) throw error;
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
