/** Faces: finding them, and numbered boxes over a picture. Boxes are [x0, y0, x1, y1] in pixels of the photo. */

import { postForJson } from "./api.js";
import { make } from "./parts.js";

/** As the service has it, in pixels of the photo. */
const LEAST_SIZE = 24;

/** @typedef {{box: [number, number, number, number]}} Face */

/**
 * The faces of a photo, left to right as the service numbers them.
 * @param {import("./photo.js").Photo} photo
 * @param {{signal?: AbortSignal, onSent?: (share: number) => void}} [options]
 * @returns {Promise<Face[]>}
 */
export async function findFaces(photo, options) {
  const form = new FormData();
  form.append("image", photo.blob, photo.name);
  return facesOf(await postForJson("v1/faces", form, options));
}

/** How many there are, in words. */
export function countOf({ length }) {
  return length === 1 ? "One face" : `${length} faces`;
}

/** The faces of an answer. Their positions in the list are the numbers the service knows them by. */
export function facesOf(answer) {
  const faces = Array.isArray(answer?.faces) ? answer.faces : [];
  const isBox = (box) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite);
  return faces.map((face) => ({ ...face, box: isBox(face?.box) ? face.box : [0, 0, 0, 0] }));
}

/** The numbers of the faces that are not far in the background, too small to be swapped or told by; of all, where all are. */
export function prominent(faces) {
  const all = [...faces.keys()];
  const large = all.filter((index) => {
    const [x0, y0, x1, y1] = faces[index].box;
    return Math.min(x1 - x0, y1 - y0) >= LEAST_SIZE;
  });
  return large.length ? large : all;
}

/** Numbered buttons over the faces of one picture. */
export class FaceLayer {
  /** @type {HTMLButtonElement[]} */
  buttons = [];

  /** @param {HTMLElement} root a box that covers exactly the picture */
  constructor(root) {
    this.root = root;
  }

  /**
   * @param {import("./photo.js").Photo} photo
   * @param {Face[]} faces
   * @param {(index: number) => void} onTap
   */
  show(photo, faces, onTap) {
    this.buttons = faces.map(({ box }, index) => {
      const button = /** @type {HTMLButtonElement} */ (make("button", { type: "button", class: "face" }, make("span", { class: "lozenge" }, String(index + 1))));
      const [x0, y0, x1, y1] = box;
      const place = { "--x": x0 / photo.width, "--y": y0 / photo.height, "--w": (x1 - x0) / photo.width, "--h": (y1 - y0) / photo.height };
      for (const [name, share] of Object.entries(place)) button.style.setProperty(name, String(share));
      // The areas for fingers of small neighbours overlap. A click of the keyboard has no place and is for its own face.
      button.addEventListener("click", (event) => onTap(event.detail ? this.#nearest(event) : index));
      return button;
    });
    this.root.replaceChildren(...this.buttons);
    this.root.hidden = faces.length === 0;
  }

  /** The number of the face whose box, and then whose middle, is nearest. @param {MouseEvent} event */
  #nearest({ clientX, clientY }) {
    const away = this.buttons.map((button, index) => {
      const { left, right, top, bottom } = button.getBoundingClientRect();
      const middle = Math.hypot(clientX - (left + right) / 2, clientY - (top + bottom) / 2);
      const box = Math.hypot(Math.max(left - clientX, 0, clientX - right), Math.max(top - clientY, 0, clientY - bottom));
      return { index, box, middle };
    });
    return away.sort((one, other) => one.box - other.box || one.middle - other.middle)[0].index;
  }

  /**
   * @param {number} index
   * @param {{pressed: boolean, words: string, tone?: string, tag?: string}} look
   *   `words` is what a screen reader says, `tone` a class, `tag` replaces the number
   */
  mark(index, { pressed, words, tone = "", tag = String(index + 1) }) {
    const button = this.buttons[index];
    button.className = `face ${tone}`.trim();
    button.setAttribute("aria-pressed", String(pressed));
    button.setAttribute("aria-label", words);
    /** @type {HTMLElement} */ (button.firstElementChild).textContent = tag;
  }

  clear() {
    this.buttons = [];
    this.root.replaceChildren();
    this.root.hidden = true;
  }
}

/**
 * A square picture of one face with a little room around it.
 * @param {import("./photo.js").Photo} photo
 * @param {Face["box"]} box
 * @param {number} side in CSS pixels
 * @returns {HTMLCanvasElement}
 */
export function portraitOf(photo, [x0, y0, x1, y1], side) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = canvas.height = Math.round(side * scale);
  canvas.className = "portrait";
  canvas.setAttribute("aria-hidden", "true");
  const reach = Math.min(Math.max(x1 - x0, y1 - y0) * 1.5, photo.width, photo.height);
  const left = Math.min(Math.max(0, (x0 + x1 - reach) / 2), photo.width - reach);
  const top = Math.min(Math.max(0, (y0 + y1 - reach) / 2), photo.height - reach);
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  brush.imageSmoothingQuality = "high";
  if (reach > 0) brush.drawImage(photo.image, left, top, reach, reach, 0, 0, canvas.width, canvas.height);
  return canvas;
}
