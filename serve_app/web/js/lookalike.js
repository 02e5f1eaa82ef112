/** Look alike: the doubles of every face in the photo, with portraits, per cent, and a collage to keep. */

import { postForJson, safePicture } from "./api.js";
import { collage } from "./collage.js";
import { countOf, facesOf, portraitOf, prominent } from "./faces.js";
import { announce, bringIntoView, icon, make, stamp } from "./parts.js";
import { resultName } from "./photo.js";
import { Workspace } from "./workspace.js";

const TOP = 5;

let lastSaved = "";

/** @param {HTMLElement} room  @param {import("./studio.js").Studio} studio */
export function lookalikeMode(room, studio) {
  /** @type {{box: [number, number, number, number], matches: Match[]}[]} */
  let faces = [];

  const work = new Workspace(room, studio, { invitation: "Everyone has a double. Somewhere.", onPhoto: () => clear() });
  const { doubles, hint, vacancy } = work.parts;

  function clear() {
    faces = [];
    doubles.replaceChildren();
    hint.hidden = vacancy.hidden = false;
  }

  /** Shows the doubles of one face. */
  function turnTo(photo, chosen, method) {
    faces.forEach((_, index) => work.easel.faces.mark(index, {
      pressed: index === chosen,
      words: `Face ${index + 1}${index === chosen ? ", its doubles are shown" : ": show its doubles"}`,
      tone: index === chosen ? "active" : "",
    }));
    const { box, matches } = faces[chosen];
    const heading = faces.length > 1 ? [make("h3", {}, `Face ${chosen + 1} of ${faces.length}`)] : [];
    const [best, ...others] = matches;
    if (!best) {
      doubles.replaceChildren(...heading, make("p", { class: "hint" }, "One of a kind: nobody in the gallery comes close."));
      return;
    }
    doubles.replaceChildren(
      ...heading,
      pairOf(photo, box, best, method),
      make("ol", { class: "matches", start: "2" }, ...others.map((match) => rowOf(match, method))),
      make("p", { class: "footnote" }, `${method} ${creditsOf(matches)}`),
    );
  }

  work.onAct((photo) => {
    const form = new FormData();
    form.append("image", photo.blob, photo.name);
    form.append("top", String(TOP));
    work.task.run("Walking the gallery", (options) => postForJson("v1/lookalike", form, options), (answer) => {
      faces = facesOf(answer).map((face) => ({ box: face.box, matches: matchesOf(face) }));
      const method = textOf(answer.method);
      hint.hidden = vacancy.hidden = true;
      work.easel.faces.show(photo, faces, (index) => turnTo(photo, index, method));
      if (faces.length) turnTo(photo, mostStriking(faces), method);
      else doubles.replaceChildren(make("p", { class: "hint" }, "Nobody in sight. A larger or brighter face works best."));
      const count = countOf(faces);
      work.label.rest(photo.name, [count, galleryName(answer.gallery), answer.model].filter(Boolean).join(" · "));
      bringIntoView(doubles);
      announce(`${count}.`);
    });
  });

  return work;
}

/**
 * @typedef {{name: string, role: string, percent: string, similarity: number, portrait: string | null,
 *   link: string | null, attribution: string}} Match
 */

/** @returns {Match[]} best first */
function matchesOf(face) {
  const matches = Array.isArray(face.matches) ? face.matches : [];
  return matches.map((match) => {
    const known = Number.isFinite(match?.similarity);
    const similarity = known ? match.similarity : 0;
    return {
      name: textOf(match?.name) || "Unknown",
      role: textOf(match?.role),
      attribution: textOf(match?.attribution),
      similarity,
      percent: known ? `${percentOf(similarity)} %` : "",
      portrait: safePicture(match?.image),
      link: typeof match?.link === "string" && /^https?:\/\//i.test(match.link) ? match.link : null,
    };
  });
}

function textOf(value) {
  return typeof value === "string" ? value : "";
}

/** Nobody is wholly like or unlike anybody, so neither 0 nor 100 is ever shown. */
function percentOf(similarity) {
  return Math.min(99, Math.max(1, Math.round(similarity)));
}

function mostStriking(faces) {
  const likeness = (index) => faces[index].matches[0]?.similarity ?? -1;
  return prominent(faces).reduce((best, index) => (likeness(index) > likeness(best) ? index : best));
}

function galleryName(gallery) {
  return typeof gallery === "string" ? gallery : gallery?.name;
}

function nameOf({ name, link }) {
  return link ? make("a", { href: link, rel: "noopener noreferrer", target: "_blank" }, name) : document.createTextNode(name);
}

/** Whose portraits these are. */
function creditsOf(matches) {
  const credits = [...new Set(matches.map(({ attribution }) => attribution).filter(Boolean))];
  return credits.length ? `Portraits: ${credits.join("; ")}.` : "";
}

/** The face and its best double side by side. */
function pairOf(photo, box, best, method) {
  const face = portraitOf(photo, box, 320);
  const double = /** @type {HTMLImageElement} */ (make("img", { alt: `Portrait of ${best.name}`, width: "160", height: "160" }));
  if (best.portrait) double.src = best.portrait;
  const save = make("button", { type: "button", class: "plain" }, icon("download"), "Keep the pair");
  save.hidden = !best.portrait;
  double.addEventListener("error", () => (save.hidden = true));
  save.addEventListener("click", async () => {
    await double.decode();
    const blob = await collage(face, double, best);
    // When a download has taken its hold of the bytes is not told, so an address lives until the next one is made.
    URL.revokeObjectURL(lastSaved);
    lastSaved = URL.createObjectURL(blob);
    make("a", { href: lastSaved, download: resultName(photo, `and ${best.name}`, blob.type) }).click();
  });
  return make("div", { class: "couple" },
    make("div", { class: "couple-pictures" }, face, double),
    make("p", { class: "couple-name" }, nameOf(best), make("small", {}, best.role)),
    make("p", { class: "couple-percent", title: method }, best.percent),
    save);
}

function rowOf(match, method) {
  const row = stamp("match");
  row.name.replaceChildren(nameOf(match));
  row.role.textContent = match.role;
  row.percent.textContent = match.percent;
  row.percent.title = method;
  if (match.portrait) row.portrait.src = match.portrait;
  return row.root;
}
