/** Opens the studio: which rooms there are, what hangs where, and what happens when a picture is pasted or dropped. */

import { address, getJson } from "./api.js";
import { carriesFiles, pictureAmong } from "./easel.js";
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

/** For how much silence the rooms wait to hear which of them are empty, and what is lent; then all are shown, with nothing lent. */
const PATIENCE_MS = 3000;

const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const studio = new Studio();
const rooms = {
  paint: paintMode(byId("paint"), studio),
  lookalike: lookalikeMode(byId("lookalike"), studio),
  swap: swapMode(byId("swap"), studio, { paints: () => navigation.has("paint"), toPaint: () => navigation.show("paint") }),
  hide: hideMode(byId("hide"), studio),
  real: realMode(byId("real"), studio),
};
let current = "paint";
/** Whether the person is walking from room to room, rather than being led by the address. */
let walking = false;

const navigation = tabs(/** @type {HTMLElement} */ (document.querySelector(".tabs")), (mode) => {
  // The rooms share one page: where the last one was left is nowhere in this one.
  if (mode !== current) window.scrollTo(0, 0);
  current = mode;
  const here = `#/${mode}`;
  if (walking) {
    // So that going back leads to the last room and not out of the studio, where photos are left behind.
    if (location.hash !== here) history.pushState(null, "", here);
  } else {
    history.replaceState(null, "", here);
  }
  /** @type {{enter?: () => void}} */ (rooms[mode]).enter?.();
});

/** The room the address names. The slash keeps the browser from scrolling to the element of that id. */
function addressed() {
  return location.hash.replace(/^#\//, "");
}

/** The paths the service describes; everything where it keeps its description to itself. */
async function described() {
  try {
    const { paths } = await getJson("openapi.json", PATIENCE_MS);
    return (path) => path in paths;
  } catch {
    return () => true;
  }
}

/** The capabilities whose models were never installed here. */
async function missing() {
  // Of a studio that is not ready, too, which answers 503.
  const told = fetch(address("readyz"), { signal: AbortSignal.timeout(PATIENCE_MS) });
  const answer = await told.then((response) => response.json()).catch(() => null);
  return (capability) => String(answer?.capabilities?.[capability] ?? "").startsWith("not installed");
}

async function open() {
  const [offers, lacks, samples] = await Promise.all([described(), missing(), loadSamples(PATIENCE_MS)]);
  const closed = Object.entries(CAPABILITIES).filter(([, capability]) => !offers(`/v1/${capability}`) || lacks(capability));
  for (const [mode] of closed) navigation.remove(mode);
  byId("bare").hidden = closed.length < Object.keys(CAPABILITIES).length;
  const easels = Object.values(rooms).flatMap((room) => ("easels" in room ? room.easels : [room.easel]));
  for (const easel of easels) easel.lend(samples);
  navigation.show(addressed());
  walking = true;
  document.body.classList.add("open");
  byId("late").remove();
}

document.addEventListener("paste", (event) => {
  const file = pictureAmong(event.clipboardData);
  if (!file) return;
  event.preventDefault();
  rooms[current].accept(file, file.name || "Pasted picture");
});

// A picture dropped beside the easel must not replace the page.
document.addEventListener("drop", (event) => event.preventDefault());
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  const taken = carriesFiles(event) && /** @type {Element} */ (event.target).closest(".wall.taking");
  if (event.dataTransfer && !taken) event.dataTransfer.dropEffect = "none";
});

// The address is the room's; were it the link's, a reload would open another room.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  byId("studio").focus();
});

window.addEventListener("hashchange", () => {
  const mode = addressed();
  if (!(mode in rooms) || mode === current) return;
  walking = false;
  navigation.show(mode);
  walking = true;
});

await open();
