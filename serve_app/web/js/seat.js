/** One of the two pictures of a swap, with its faces. */

import { Problem } from "./api.js";
import { Easel } from "./easel.js";
import { countOf, findFaces } from "./faces.js";
import { announce } from "./parts.js";
import { Photo } from "./photo.js";

const TONES = 6;

/** The class that gives a source face and what is connected to it one colour. */
export function toneOf(source) {
  return `tone-${(source % TONES) + 1}`;
}

export class Seat {
  /** @type {Photo | null} */
  photo = null;
  /** @type {import("./faces.js").Face[]} */
  faces = [];
  /** Why no face of the photo is known; null while there is hope. @type {unknown} */
  problem = null;
  #looking = new AbortController();
  #turn = 0;
  /** What keeps a person waiting: a picture that is being opened, faces that are looked for, work on the picture. */
  #opening = false;
  #searching = false;
  #working = false;

  /**
   * @param {HTMLElement} host
   * @param {string} title
   * @param {{onChange: () => void, onTap: (index: number) => void, onError: (error: unknown) => void}} listeners
   *   `onChange` hears when another photo sits here, when its faces are known, and when they cannot be known;
   *   `onError` hears of pictures that cannot be hung
   */
  constructor(host, title, { onChange, onTap, onError }) {
    this.onChange = onChange;
    this.onTap = onTap;
    this.onError = onError;
    this.easel = new Easel(host, { title, onPick: (blob, name) => this.accept(blob, name) });
  }

  /** Whether a picture sits here or is on its way. */
  get taken() {
    return this.photo !== null || this.#opening;
  }

  /**
   * A picture that was chosen, dropped, shot, pasted or borrowed.
   * @param {Blob | Promise<Blob>} blob
   * @param {string} name
   */
  async accept(blob, name) {
    const turn = ++this.#turn;
    this.#opening = true;
    try {
      const photo = await Photo.open(await blob, name);
      if (turn === this.#turn) this.#sit(photo);
      else photo.release();
    } catch (error) {
      if (turn === this.#turn) this.onError(error);
    } finally {
      if (turn === this.#turn) this.#opening = false;
    }
  }

  #sit(photo) {
    this.easel.show(photo);
    this.photo?.release();
    this.photo = photo;
    this.look();
  }

  /** Looks for the faces of the photo that sits here. */
  async look() {
    const photo = /** @type {Photo} */ (this.photo);
    this.#looking.abort();
    const controller = (this.#looking = new AbortController());
    this.faces = [];
    this.problem = null;
    this.onChange();
    this.#search(true);
    try {
      const faces = await findFaces(photo, { signal: controller.signal });
      if (controller.signal.aborted) return;
      if (faces.length === 0) throw new Problem({ status: 422, slug: "no-face" });
      this.faces = faces;
      this.easel.faces.show(photo, faces, this.onTap);
      announce(`${countOf(faces)} found.`);
      this.onChange();
    } catch (error) {
      if (controller.signal.aborted) return;
      this.problem = error;
      this.onChange();
    } finally {
      if (!controller.signal.aborted) this.#search(false);
    }
  }

  /** Veils the picture while it is worked on; while its faces are looked for it is veiled anyway. */
  veil(working) {
    this.#working = working;
    this.easel.veil(this.#working || this.#searching);
  }

  #search(searching) {
    this.#searching = searching;
    this.veil(this.#working);
  }
}
