/** What the one-photo modes share: an easel with the studio's photo, the label under it, and one task at a time. */

import { actionButton, keepers, WallLabel } from "./label.js";
import { announce, bringIntoView, partsOf } from "./parts.js";
import { Photo, resultName } from "./photo.js";
import { Easel } from "./easel.js";
import { Task } from "./task.js";

export class Workspace {
  /** @type {Photo | null} the result that hangs on the easel */
  #result = null;

  /**
   * @param {HTMLElement} room the mode's panel
   * @param {import("./studio.js").Studio} studio
   * @param {{invitation: string, onPhoto?: (photo: Photo | null) => void, ready?: () => boolean}} options
   *   `onPhoto` hears when another photo hangs; `ready` says whether the work can start beyond there being a photo
   */
  constructor(room, studio, { invitation, onPhoto = () => {}, ready = () => true }) {
    this.room = room;
    this.studio = studio;
    this.parts = partsOf(room);
    this.ready = ready;
    this.label = new WallLabel(invitation);
    this.easel = new Easel(this.parts.stand, {
      onPick: (blob, name) => this.accept(blob, name),
    });
    this.parts.stand.append(this.label.root);
    this.task = new Task(this.label, this.parts.act, (busy) => {
      if (busy) bringIntoView(this.parts.stand);
      this.easel.veil(busy);
      this.refresh();
    });
    studio.addEventListener("photo", () => {
      this.task.cancel();
      this.#drop();
      this.easel.show(studio.photo);
      this.caption();
      onPhoto(studio.photo);
      this.refresh();
    });
    this.label.empty();
    this.refresh();
  }

  /** Says whether the button would do something. */
  refresh() {
    const able = Boolean(this.studio.photo) && !this.task.busy && this.ready();
    this.parts.act.setAttribute("aria-disabled", String(!able));
  }

  /** Calls `start` with the photo when the person asks for the work and it can be done. */
  onAct(start) {
    this.parts.bench.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.studio.photo) {
        this.easel.invite();
        announce("First hang a picture.");
      } else if (!this.task.busy && this.ready()) {
        start(this.studio.photo);
      }
    });
  }

  /**
   * A picture that was chosen, dropped, shot, pasted or borrowed.
   * @param {Blob | Promise<Blob>} blob
   * @param {string} name
   */
  async accept(blob, name) {
    const turn = this.studio.ask();
    try {
      const photo = await Photo.open(await blob, name);
      if (this.studio.hang(photo, turn)) announce(`${name} hangs on the easel.`);
    } catch (error) {
      if (this.studio.awaits(turn)) this.label.problem(error);
    }
  }

  /** The label of a photo nothing has been done to. */
  caption() {
    const { photo } = this.studio;
    if (photo) this.label.rest(photo.name, sizeOf(photo));
    else this.label.empty();
  }

  /**
   * Hangs a result beside its photo, to compare, save, or go on with.
   * @param {Photo} before
   * @param {Blob} blob
   * @param {AbortSignal} signal of the work it comes from
   * @param {{what: string, title: string, line: string}} words `what` goes into the file name
   * @param {HTMLElement[]} actions beside saving and going on
   */
  async present(before, blob, signal, { what, title, line }, actions = []) {
    const result = await Photo.open(blob, resultName(before, what, blob.type), signal);
    this.#drop();
    this.#result = result;
    const rehang = actionButton("rehang", "Use as new photo", () => {
      this.studio.hang(result.keep());
      this.parts.act.focus();
    });
    this.label.rest(title, `${sizeOf(result)} · ${line}`, [...keepers(result), rehang, ...actions]);
    await this.easel.unveil(before, result, title);
    announce(`${title}. Done. A before and after slider is on the picture.`);
  }

  #drop() {
    this.#result?.release();
    this.#result = null;
  }
}

function sizeOf({ width, height }) {
  return `${width} × ${height}`;
}
