/** Photos the service lends to people who have none at hand. */

import { getJson, getPicture, safePicture } from "./api.js";
import { make } from "./parts.js";

/** @typedef {{name: string, title: string, image: string}} Sample */

/**
 * @param {number} patience for how many milliseconds of silence they are waited for
 * @returns {Promise<Sample[]>} none where the service has none; the page works without
 */
export async function loadSamples(patience) {
  let answer;
  try {
    answer = await getJson("v1/samples", patience);
  } catch {
    return [];
  }
  const samples = Array.isArray(answer?.samples) ? answer.samples : [];
  return samples.flatMap(({ name, title, image }) => {
    const url = safePicture(image);
    return url ? [{ name: String(name), title: String(title ?? name), image: url }] : [];
  });
}

/**
 * A button with the sample's picture.
 * @param {Sample} sample
 * @param {(blob: Promise<Blob>, name: string) => void} onPick hears at once, so that what is chosen later counts
 */
export function sampleButton(sample, onPick) {
  const button = make(
    "button", { type: "button", class: "sample", "aria-label": `Borrow: ${sample.title}`, title: sample.title },
    make("img", { src: sample.image, alt: "", width: "64", height: "64", loading: "lazy", decoding: "async" }),
  );
  button.addEventListener("click", () => onPick(getPicture(sample.image), sample.title));
  return button;
}
