/** Is it real: an opinion on whether a machine made the picture, doubts included. */

import { postForJson, Problem } from "./api.js";
import { gauge } from "./gauge.js";
import { bringIntoView, make } from "./parts.js";
import { Workspace } from "./workspace.js";

const VERDICTS = {
  real: { headline: "Looks like a photograph.", detail: "We found no strong trace of a generator." },
  ai: { headline: "Looks machine-made.", detail: "It carries traces that generators leave." },
  unsure: { headline: "We can’t tell.", detail: "The traces point both ways, and a guess would help nobody." },
};

/** @param {HTMLElement} room  @param {import("./studio.js").Studio} studio */
export function realMode(room, studio) {
  const work = new Workspace(room, studio, { invitation: "Seeing is not always believing.", onPhoto: () => clear() });
  const { gauge: dial } = work.parts;

  function clear() {
    dial.replaceChildren(gauge(null, null));
  }

  work.onAct((photo) => {
    const form = new FormData();
    form.append("image", photo.blob, photo.name);
    work.task.run("Looking closely", (options) => postForJson("v1/authenticity", form, options), (answer) => {
      const verdict = VERDICTS[answer?.verdict];
      const probability = Number(answer?.probability_ai);
      if (!verdict || !(probability >= 0 && probability <= 1)) throw new Problem({ status: 200, slug: "internal" });
      dial.replaceChildren(
        gauge(probability, bandOf(answer.unsure)),
        make("p", { class: "verdict" }, verdict.headline),
        make("p", { class: "hint" }, `${verdict.detail} Chance of a machine: ${Math.round(probability * 100)}\u00a0%.`),
      );
      bringIntoView(dial);
      work.label.rest(photo.name, [verdict.headline, answer.model].filter(Boolean).join(" · "));
    });
  });

  clear();
  return work;
}

function bandOf(value) {
  const ordered = Array.isArray(value) && value.length === 2 && 0 <= value[0] && value[0] <= value[1] && value[1] <= 1;
  return ordered ? /** @type {[number, number]} */ (value) : null;
}
