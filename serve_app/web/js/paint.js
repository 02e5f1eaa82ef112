/** Paint: the photo in one style, a blend of two, or like a picture of one's own. */

import { postForPicture } from "./api.js";
import { OwnStyle } from "./own.js";
import { StylePicker } from "./styles.js";
import { Workspace } from "./workspace.js";

/** @param {HTMLElement} room  @param {import("./studio.js").Studio} studio */
export function paintMode(room, studio) {
  const work = new Workspace(room, studio, {
    invitation: "A photo, a painter, a moment of patience.",
    ready: () => own.picture !== null || picker.blend.length > 0,
  });
  const { strength, strengthShown, colour } = work.parts;
  const picker = new StylePicker(work.parts);
  const own = new OwnStyle(work.parts);
  for (const choice of [picker, own]) {
    choice.addEventListener("change", () => {
      work.parts.painter.textContent = own.picture ? "A picture of yours" : picker.painters;
      work.refresh();
    });
  }

  const showStrength = () => {
    strengthShown.textContent = `${strength.value} %`;
    strength.setAttribute("aria-valuetext", `${strength.value} %`);
    strength.style.setProperty("--fill", `${strength.value}%`);
  };
  strength.addEventListener("input", showStrength);
  showStrength();

  work.onAct((photo) => {
    const like = own.picture;
    const blend = like ? [] : picker.blend;
    const form = new FormData();
    form.append("image", photo.blob, photo.name);
    if (like) form.append("style_image", like.blob, like.name);
    else if (blend.length === 1) form.append("style", blend[0].style.name);
    else for (const { style, weight } of blend) form.append("style", `${style.name}:${weight}`);
    form.append("strength", String(Number(strength.value) / 100));
    form.append("preserve_color", String(colour.checked));
    work.task.run(
      "Painting",
      (options) => postForPicture("v1/style", form, options),
      ({ blob, model }, signal) => work.present(photo, blob, signal, {
        what: like ? `like-${like.stem}` : blend.map(({ style }) => style.name).join("-"),
        title: `${photo.title}, ${like ? `after ${like.title}` : blend.map(({ style }) => `after ${style.artist || style.title}`).join(" and ")}`,
        line: [like ? like.name : blend.map(describe).join(" with "), model].filter(Boolean).join(" · "),
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
