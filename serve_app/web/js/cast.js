/** The cast list: for every face of the target picture, whose face it gets. The same choices as tapping, as a form. */

import { icon, make } from "./parts.js";
import { portraitOf } from "./faces.js";
import { toneOf } from "./seat.js";

const SIDE = 44;

/**
 * @param {HTMLElement} host
 * @param {import("./seat.js").Seat} source
 * @param {import("./seat.js").Seat} target
 * @param {import("./mapping.js").Mapping} mapping
 * @param {(target: number, source: number | null) => void} onChange
 */
export function castList(host, source, target, mapping, onChange) {
  const [lender, receiver] = [source.photo, target.photo];
  if (!lender || !receiver || !source.faces.length) {
    host.replaceChildren();
    return;
  }
  const focused = document.activeElement instanceof HTMLSelectElement ? document.activeElement.dataset.target : undefined;
  host.replaceChildren(...target.faces.map(({ box }, index) => {
    const from = mapping.sourceOf(index);
    const select = /** @type {HTMLSelectElement} */ (make(
      "select", { "aria-label": `Face ${index + 1}`, "data-target": String(index) },
      new Option("stays", ""), ...source.faces.map((_, face) => new Option(`gets face ${face + 1}`, String(face))),
    ));
    select.value = from === undefined ? "" : String(from);
    select.addEventListener("change", () => onChange(index, select.value === "" ? null : Number(select.value)));
    const donor = from === undefined
      ? make("span", { class: "portrait vacant" }, icon("mask"))
      : portraitOf(lender, source.faces[from].box, SIDE);
    return make("div", { class: `cast-row ${from === undefined ? "" : toneOf(from)}` },
      portraitOf(receiver, box, SIDE), make("span", { class: "lozenge" }, String(index + 1)), select, donor);
  }));
  // The list was made anew under a person who was using it.
  if (focused !== undefined) /** @type {HTMLElement | null} */ (host.querySelector(`[data-target="${focused}"]`))?.focus();
}
