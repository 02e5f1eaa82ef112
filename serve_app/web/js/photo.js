/** A picture on this device: the bytes as they are, an address to show them by, and the size a person sees. */

import { Cancelled } from "./api.js";

/** The browser cannot show these bytes as a picture. */
export class UnreadablePicture extends Error {
  /** Whether it is what iPhones write, and few browsers read. */
  get heic() {
    return /\.hei[cf]$/i.test(this.message);
  }
}

export class Photo {
  #keepers = 1;

  /** Use {@link Photo.open}. */
  constructor(blob, name, image) {
    this.blob = blob;
    this.name = name;
    /** @type {HTMLImageElement} decoded, with orientation applied */
    this.image = image;
    this.url = image.src;
    this.width = image.naturalWidth;
    this.height = image.naturalHeight;
  }

  /**
   * @param {Blob} blob
   * @param {string} name what the person calls it
   * @param {AbortSignal} [signal] says that nobody wants it any more
   * @returns {Promise<Photo>}
   * @throws {UnreadablePicture | Cancelled}
   */
  static async open(blob, name, signal) {
    const image = new Image();
    let bytes = blob;
    try {
      bytes = await kept(blob);
      image.src = URL.createObjectURL(bytes);
      await image.decode();
    } catch {
      URL.revokeObjectURL(image.src);
      throw new UnreadablePicture(name);
    }
    if (signal?.aborted) {
      URL.revokeObjectURL(image.src);
      throw new Cancelled();
    }
    return new Photo(bytes, name, image);
  }

  /** The name without its ending. */
  get stem() {
    return this.name.replace(/\.\w{1,5}$/, "") || "photo";
  }

  /** The stem as a caption has room for it beside what became of the picture: of a long one the beginning and the end. */
  get title() {
    const letters = [...this.stem];
    return letters.length > 24 ? [...letters.slice(0, 15), "…", ...letters.slice(-8)].join("") : this.stem;
  }

  /** One more place shows it; every keeper calls {@link release} once. */
  keep() {
    this.#keepers += 1;
    return this;
  }

  release() {
    this.#keepers -= 1;
    if (this.#keepers === 0) URL.revokeObjectURL(this.url);
  }
}

/** Bytes; no service takes as much, and what is larger is not worth the memory. */
const KEPT_AT_MOST = 2 ** 26;

/**
 * The bytes as they are now: a file that is edited, moved or removed after it was chosen is still sent as it was seen.
 * @param {Blob} blob
 */
async function kept(blob) {
  return blob instanceof File && blob.size <= KEPT_AT_MOST ? new Blob([await blob.arrayBuffer()], { type: blob.type }) : blob;
}

const ENDINGS = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };

/** A file name of letters and digits, in whatever script, for a result made from `photo`. */
export function resultName(photo, what, type) {
  const plain = (text) => [...text.normalize("NFKC").replace(/[^\p{L}\p{M}\p{N}_-]+/gu, "-")].slice(0, 60).join("").replace(/^-+|-+$/g, "");
  return `${plain(photo.stem) || "photo"}-${plain(what) || "masquerade"}.${ENDINGS[type] ?? "jpg"}`;
}
