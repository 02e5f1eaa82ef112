/** Hide faces: all of them, but those the person taps to be seen. */

import { postForPicture } from "./api.js";
import { countOf, findFaces } from "./faces.js";
import { actionButton } from "./label.js";
import { announce } from "./parts.js";
import { wordsFor } from "./words.js";
import { Workspace } from "./workspace.js";

const HINT = "Everyone gets a mask. Tap a face to let it be seen.";
const BEHIND = "To let a face be seen, go back to the faces.";
const NOBODY = "We see no face here.";
const DONE = { blur: "Blurred", pixelate: "Pixelated", replace: "Replaced" };

/** @param {HTMLElement} room  @param {import("./studio.js").Studio} studio */
export function hideMode(room, studio) {
  /** @type {Set<number>} the faces that stay visible */
  const kept = new Set();
  let looking = new AbortController();
  /** @type {import("./photo.js").Photo | null} the photo whose faces are known or being looked for */
  let looked = null;

  const work = new Workspace(room, studio, { invitation: "For photos of people who didn’t ask to be famous.", onPhoto: () => look() });
  const { hint } = work.parts;
  const { easel } = work;

  function mark(index) {
    const seen = kept.has(index);
    easel.faces.mark(index, {
      pressed: seen,
      words: `Face ${index + 1}: ${seen ? "stays visible" : "will be hidden"}`,
      tone: seen ? "seen" : "masked",
    });
  }

  function toggle(index) {
    if (!kept.delete(index)) kept.add(index);
    mark(index);
    announce(`Face ${index + 1} ${kept.has(index) ? "stays visible" : "will be hidden"}.`);
  }

  /** Faces are only looked for while this room is open: nobody else needs them. */
  async function look() {
    const { photo } = studio;
    if (photo === looked) return;
    looking.abort();
    kept.clear();
    hint.textContent = HINT;
    if (!photo || room.hidden) return;
    looked = photo;
    const controller = (looking = new AbortController());
    hint.textContent = "Looking for faces …";
    try {
      const faces = await findFaces(photo, { signal: controller.signal });
      if (controller.signal.aborted) return;
      easel.faces.show(photo, faces, toggle);
      faces.forEach((_, index) => mark(index));
      tell();
      announce(faces.length ? `${countOf(faces)} found. ${hint.textContent}` : hint.textContent);
    } catch (error) {
      if (controller.signal.aborted) return;
      looked = null;
      const lookAgain = () => {
        work.parts.act.focus();
        look();
      };
      const { headline, again } = wordsFor(error);
      if (!again || /** @type {{status?: number}} */ (error).status === 401) {
        // What refuses to look at this picture refuses to hide anybody in it.
        hint.textContent = headline;
        work.label.problem(error, lookAgain);
        return;
      }
      // Hiding everyone works without knowing beforehand where they are.
      hint.textContent = `${headline} You can still hide everyone.`;
      announce(hint.textContent);
      hint.append(actionButton("change", "Look again", lookAgain));
    }
  }

  /** What can be done about the faces, once it is known where they are. */
  function tell() {
    if (!easel.faces.buttons.length) hint.textContent = NOBODY;
    else hint.textContent = easel.unveiled ? BEHIND : HINT;
  }

  work.onAct((photo) => {
    const method = new FormData(work.parts.bench).get("method");
    const form = new FormData();
    form.append("image", photo.blob, photo.name);
    form.append("method", String(method));
    if (kept.size) form.append("keep", [...kept].sort((a, b) => a - b).join(","));
    const seen = kept.size ? `, ${kept.size} left to be seen` : "";
    work.task.run(
      "Handing out masks",
      (options) => postForPicture("v1/anonymize", form, options),
      async ({ blob, model }, signal) => {
        await work.present(photo, blob, signal, {
          what: "hidden",
          title: `${photo.title}, incognito`,
          line: [`${DONE[String(method)]}${seen}`, model].filter(Boolean).join(" · "),
        }, [actionButton("change", "Back to the faces", backToFaces)]);
        if (easel.faces.buttons.length) tell();
      },
    );
  });

  function backToFaces() {
    easel.cover();
    if (easel.faces.buttons.length) tell();
    work.caption();
    work.parts.act.focus();
  }

  return Object.assign(work, { enter: look });
}
