/** The easel: an empty place to hang a photo, the framed photo, faces marked on it, and before/after once it is done. */

import { Compare } from "./compare.js";
import { FaceLayer } from "./faces.js";
import { announce, stamp } from "./parts.js";
import { sampleButton } from "./samples.js";

/** Whether what is dragged is a file: there is nothing to hang in text or links. */
export function carriesFiles({ dataTransfer }) {
  return Boolean(dataTransfer?.types.includes("Files"));
}

/**
 * The one to hang of several files: the first picture, or what must be refused in words.
 * @param {DataTransfer | null} transfer
 * @returns {File | undefined}
 */
export function pictureAmong(transfer) {
  const files = [...transfer?.files ?? []];
  return files.find(({ type }) => type.startsWith("image/")) ?? files[0];
}

export class Easel {
  #parts = stamp("easel");
  /** What stands over the empty place. */
  #title = this.#parts.pickerTitle.textContent;
  /** The borrowed picture that is on its way. @type {Promise<Blob> | null} */
  #awaited = null;

  /**
   * @param {HTMLElement} host
   * @param {{title?: string, fixed?: boolean, onPick?: (blob: Blob | Promise<Blob>, name: string) => void}} options
   *   `title` stands over the empty place; a `fixed` easel only shows what it is given; `onPick` hears of every picture
   *   that is chosen, dropped, shot or borrowed
   */
  constructor(host, { title, fixed = false, onPick = () => {} }) {
    this.root = this.#parts.root;
    this.onPick = onPick;
    this.compare = new Compare(this.#parts);
    this.faces = new FaceLayer(this.#parts.faces);
    if (title) this.#parts.pickerTitle.textContent = this.#title = title;
    host.append(this.root);
    this.#parts.wall.classList.toggle("taking", !fixed);
    if (fixed) this.#parts.change.remove();
    else this.#listen();
  }

  #listen() {
    const { wall, choose, shoot, change, file, camera } = this.#parts;
    choose.addEventListener("click", () => file.click());
    change.addEventListener("click", () => file.click());
    shoot.addEventListener("click", () => camera.click());
    for (const input of [file, camera]) {
      input.addEventListener("change", () => {
        const [chosen] = input.files;
        // So that choosing the same file again is a change too.
        input.value = "";
        if (chosen) this.onPick(chosen, chosen.name);
      });
    }
    let depth = 0;
    const hover = (by) => {
      depth = by === 0 ? 0 : depth + by;
      wall.classList.toggle("hovered", depth > 0);
    };
    wall.addEventListener("dragenter", (event) => carriesFiles(event) && hover(1));
    wall.addEventListener("dragleave", (event) => carriesFiles(event) && hover(-1));
    wall.addEventListener("drop", (event) => {
      hover(0);
      const dropped = pictureAmong(event.dataTransfer);
      if (dropped) this.onPick(dropped, dropped.name);
    });
  }

  /** @param {import("./samples.js").Sample[]} samples */
  lend(samples) {
    const { samples: shelf, samplesRow } = this.#parts;
    samplesRow.replaceChildren(...samples.map((sample) => sampleButton(sample, (blob, name) => {
      this.#fetching(blob, name);
      this.onPick(blob, name);
    })));
    shelf.hidden = samples.length === 0;
  }

  /** Says that a borrowed picture is on its way, until it has come or another one was asked for. */
  async #fetching(blob, name) {
    const { picker, pickerTitle } = this.#parts;
    this.#awaited = blob;
    picker.setAttribute("aria-busy", "true");
    pickerTitle.textContent = `Fetching ${name} …`;
    announce(pickerTitle.textContent);
    await blob.catch(() => {});
    if (this.#awaited !== blob) return;
    picker.removeAttribute("aria-busy");
    pickerTitle.textContent = this.#title;
  }

  /** Puts the focus where a photo can be chosen. */
  invite() {
    this.#parts.choose.focus();
  }

  /** @param {import("./photo.js").Photo | null} photo */
  show(photo) {
    const { picker, frame, picture, change } = this.#parts;
    const pickerHadFocus = picker.contains(document.activeElement);
    this.compare.hide();
    this.faces.clear();
    picker.hidden = Boolean(photo);
    frame.hidden = !photo;
    this.root.classList.toggle("hung", Boolean(photo));
    if (!photo) {
      picture.removeAttribute("src");
      return;
    }
    this.#fit(photo);
    picture.src = photo.url;
    picture.alt = photo.name;
    if (pickerHadFocus) change.focus();
  }

  /**
   * @param {import("./photo.js").Photo} before
   * @param {import("./photo.js").Photo} after
   * @param {string} words what the result shows
   */
  async unveil(before, after, words) {
    this.#fit(after);
    await this.compare.show(before.url, after.url, words);
  }

  /** Whether a result hangs in front of the photo and its faces. */
  get unveiled() {
    return !this.compare.root.hidden;
  }

  /** Back from the result to the photo and its faces. */
  cover() {
    this.compare.hide();
  }

  /**
   * Work on the picture is under way: nobody taps its faces.
   * @param {boolean} busy
   */
  veil(busy) {
    this.#parts.veil.hidden = !busy;
    this.faces.root.inert = busy;
    this.root.setAttribute("aria-busy", String(busy));
  }

  #fit({ width, height }) {
    this.root.style.setProperty("--width", String(width));
    this.root.style.setProperty("--height", String(height));
  }
}
