/** Paint: the photo in one style or a blend of two. */

import { postForPicture } from "./api.js";
import { StylePicker } from "./styles.js";
import { Workspace } from "./workspace.js";

/** @param {HTMLElement} room  @param {import("./studio.js").Studio} studio */
export function paintMode(room, studio) {
  const work = new Workspace(room, studio, {
    invitation: "A photo, a painter, a moment of patience.",
    ready: () => picker.blend.length > 0,
  });
  const { strength, strengthShown, colour } = work.parts;
  const picker = new StylePicker(work.parts);
  picker.addEventListener("change", () => work.refresh());

  const showStrength = () => {
    strengthShown.textContent = `${strength.value} %`;
    strength.setAttribute("aria-valuetext", `${strength.value} %`);
    strength.style.setProperty("--fill", `${strength.value}%`);
  };
  strength.addEventListener("input", showStrength);
  showStrength();

  work.onAct((photo) => {
    const blend = picker.blend;
    const form = new FormData();
    form.append("image", photo.blob, photo.name);
    if (blend.length === 1) form.append("style", blend[0].style.name);
    else for (const { style, weight } of blend) form.append("style", `${style.name}:${weight}`);
    form.append("strength", String(Number(strength.value) / 100));
    form.append("preserve_color", String(colour.checked));
    work.task.run(
      "Painting",
      (options) => postForPicture("v1/style", form, options),
      ({ blob, model }) => work.present(photo, blob, {
        what: blend.map(({ style }) => style.name).join("-"),
        title: `${photo.stem}, ${blend.map(({ style }) => `after ${style.artist || style.title}`).join(" and ")}`,
        line: [blend.map(describe).join(" with "), model].filter(Boolean).join(" · "),
      }),
    );
  });

  let opened = false;
  return Object.assign(work, {
    enter() {
      if (!opened) picker.load();
      opened = true;
    },
  });
}

function describe({ style, weight }) {
  const year = style.year ? `, ${style.year}` : "";
  return weight === 1 ? `${style.title}${year}` : `${Math.round(weight * 100)} % ${style.title}`;
}
