/** Opens the studio: which rooms there are, what hangs where, and what happens when a picture is pasted or dropped. */

import { getJson } from "./api.js";
import { hideMode } from "./hide.js";
import { lookalikeMode } from "./lookalike.js";
import { paintMode } from "./paint.js";
import { realMode } from "./real.js";
import { loadSamples } from "./samples.js";
import { Studio } from "./studio.js";
import { swapMode } from "./swap.js";
import { tabs } from "./tabs.js";

/** The capability behind each room; a room whose capability the service does not have is not shown. */
const CAPABILITIES = { paint: "style", lookalike: "lookalike", swap: "swap", hide: "anonymize", real: "authenticity" };

const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const studio = new Studio();
const rooms = {
  paint: paintMode(byId("paint"), studio),
  lookalike: lookalikeMode(byId("lookalike"), studio),
  swap: swapMode(byId("swap"), studio, { toPaint: () => navigation.show("paint") }),
  hide: hideMode(byId("hide"), studio),
  real: realMode(byId("real"), studio),
};
let current = "paint";

const navigation = tabs(/** @type {HTMLElement} */ (document.querySelector(".tabs")), (mode) => {
  current = mode;
  history.replaceState(null, "", `#/${mode}`);
  /** @type {{enter?: () => void}} */ (rooms[mode]).enter?.();
});

/** The room the address names. The slash keeps the browser from scrolling to the element of that id. */
function addressed() {
  return location.hash.replace(/^#\//, "");
}

/** The paths the service describes; everything where it keeps its description to itself. */
async function described() {
  try {
    const { paths } = await getJson("openapi.json");
    return (path) => path in paths;
  } catch {
    return () => true;
  }
}

/** The capabilities whose models were never installed here. */
async function missing() {
  const words = await getJson("readyz").then((answer) => answer?.capabilities ?? {}, () => ({}));
  return (capability) => String(words[capability] ?? "").startsWith("not installed");
}

async function open() {
  const [offers, lacks] = await Promise.all([described(), missing()]);
  for (const [mode, capability] of Object.entries(CAPABILITIES)) {
    if (!offers(`/v1/${capability}`) || lacks(capability)) navigation.remove(mode);
  }
  navigation.show(addressed());
  document.body.classList.add("open");
  if (!offers("/v1/samples")) return;
  const samples = await loadSamples();
  const easels = Object.values(rooms).flatMap((room) => ("easels" in room ? room.easels : [room.easel]));
  for (const easel of easels) easel.lend(samples);
}

document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData?.files ?? []].find(({ type }) => type.startsWith("image/"));
  if (!file) return;
  event.preventDefault();
  rooms[current].accept(file, file.name || "Pasted picture");
});

// A picture dropped beside the easel must not replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());

window.addEventListener("hashchange", () => {
  const mode = addressed();
  if (mode in rooms && mode !== current) navigation.show(mode);
});

await open();
