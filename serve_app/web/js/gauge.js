/** A half-round dial from "photograph" to "machine-made" with the band in which nobody can tell. */

import { draw } from "./parts.js";

const RADIUS = 84;
const CENTRE = { x: 110, y: 100 };

/** @param {number} share 0..1 along the dial, left to right  @param {number} radius */
function at(share, radius) {
  const angle = Math.PI * (1 - share);
  return `${(CENTRE.x + radius * Math.cos(angle)).toFixed(2)} ${(CENTRE.y - radius * Math.sin(angle)).toFixed(2)}`;
}

function arc(from, to, name) {
  return draw("path", { class: `band band-${name}`, d: `M${at(from, RADIUS)}A${RADIUS} ${RADIUS} 0 0 1 ${at(to, RADIUS)}` });
}

/**
 * @param {number | null} probability that a machine made it, 0..1; null before there is an opinion
 * @param {[number, number] | null} unsure where the band of doubt begins and ends, 0..1; null where it is not known
 * @returns {SVGElement}
 */
export function gauge(probability, unsure) {
  const bands = unsure
    ? [arc(0, unsure[0], "real"), arc(unsure[0], unsure[1], "unsure"), arc(unsure[1], 1, "ai")]
    : [arc(0, 1, "unsure")];
  const turn = ((probability ?? 0) - 0.5) * 180;
  const needle = draw("g", { class: "needle" },
    draw("path", { d: `M${CENTRE.x} ${CENTRE.y - 70}l6 62a6 8 0 0 1-12 0z` }),
    draw("circle", { cx: CENTRE.x, cy: CENTRE.y, r: 5 }));
  /** @type {SVGElement} */ (needle).style.setProperty("--turn", `${turn}deg`);
  const words = [["Photograph", 26, "start"], ["Machine", 194, "end"]].map(([text, x, anchor]) =>
    draw("text", { x: Number(x), y: 122, "text-anchor": anchor }, String(text)));
  return /** @type {SVGElement} */ (draw("svg", { viewBox: "0 0 220 130", "aria-hidden": "true" }, ...bands, ...(probability === null ? [] : [needle]), ...words));
}
