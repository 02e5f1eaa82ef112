/** Swap: two photos, faces connected from one to the other, and the result. */

import { postForPicture } from "./api.js";
import { castList } from "./cast.js";
import { Easel } from "./easel.js";
import { prominent } from "./faces.js";
import { actionButton, keepers, WallLabel } from "./label.js";
import { Mapping } from "./mapping.js";
import { announce, bringIntoView, make, partsOf } from "./parts.js";
import { Photo, resultName } from "./photo.js";
import { Seat, toneOf } from "./seat.js";
import { Task } from "./task.js";
import { Wires } from "./wires.js";

/**
 * Why faces stayed as they were: one reason for all, or each with its faces.
 * @param {string[]} notes such as "face 2 stays: It is turned away."
 */
function reasonsOf(notes) {
  /** @type {Map<string, number[]>} */
  const why = new Map();
  for (const note of notes) {
    const [, face, reason] = note.match(/^face (\d+) stays: (.*)$/s) ?? [];
    if (reason) why.set(reason, [...why.get(reason) ?? [], Number(face) + 1]);
  }
  if (why.size === 1) return [...why.keys()][0];
  return [...why].map(([reason, faces]) => `Face${faces.length > 1 ? "s" : ""} ${faces.join(", ")}: ${reason}`).join(" ");
}

/**
 * @param {HTMLElement} room
 * @param {import("./studio.js").Studio} studio
 * @param {{paints: () => boolean, toPaint: () => void}} doors whether anybody paints here, and the way there
 */
export function swapMode(room, studio, { paints, toPaint }) {
  const parts = partsOf(room);
  const mapping = new Mapping();
  const label = new WallLabel("Two photos, one change of identities.");
  const result = new Easel(parts.stand, { fixed: true });
  const wires = new Wires(parts.wires);
  const task = new Task(label, parts.act, (busy) => {
    if (busy) bringIntoView(label.root);
    target.veil(busy);
    result.veil(busy);
    // Who becomes whom is settled while it is being done.
    for (const choices of [parts.cast, parts.quick]) choices.inert = busy;
    refresh();
  });
  /** @type {Photo | null} */
  let shown = null;
  /** Why faces of what is shown stayed as they were, each reason once. */
  let reasons = "";
  /** The source face that the next tap on a target face connects. */
  let active = 0;

  const onError = (error) => label.problem(error);
  const source = new Seat(parts.source, "Who lends a face?", { onChange: restart, onTap: choose, onError });
  const target = new Seat(parts.target, "Who gets it?", { onChange: restart, onTap: toggle, onError });
  parts.stand.append(label.root);

  /** Pictures whose faces could not be found. */
  const blinds = () => [source, target].filter(({ problem }) => problem);
  const known = () => source.faces.length > 0 && target.faces.length > 0;

  /** Another photo or newly known faces: what was connected means nothing any more. */
  function restart() {
    task.cancel();
    mapping.clear();
    const [givers, takers] = [prominent(source.faces), prominent(target.faces)];
    [active = 0] = givers;
    if (givers.length === 1 && takers.length === 1) mapping.connect(givers[0], takers[0]);
    backToFaces();
  }

  function choose(index) {
    active = index;
    announce(`Face ${index + 1} chosen. Now tap who gets it.`);
    refresh();
  }

  function toggle(index) {
    if (!source.faces.length) return;
    assign(index, mapping.sourceOf(index) === active ? null : active);
  }

  function assign(index, from) {
    if (from === null) mapping.skip(index);
    else mapping.connect(from, index);
    if (shown) backToFaces();
    announce(from === null ? `Face ${index + 1} stays as it is.` : `Face ${index + 1} gets face ${from + 1}.`);
    refresh();
    caption();
  }

  /** @param {(target: number) => number | null} from which source face a target face gets */
  function assignAll(from) {
    if (shown) backToFaces();
    mapping.clear();
    target.faces.forEach((_, index) => {
      const donor = from(index);
      if (donor !== null) mapping.connect(donor, index);
    });
    announce(`${mapping.size} of ${target.faces.length} faces change.`);
    refresh();
    caption();
  }

  function markFaces() {
    source.faces.forEach((_, index) => source.easel.faces.mark(index, {
      pressed: index === active,
      words: `Lend face ${index + 1}`,
      tone: `${toneOf(index)} ${index === active ? "active" : ""}`,
    }));
    target.faces.forEach((_, index) => {
      const from = mapping.sourceOf(index);
      target.easel.faces.mark(index, {
        pressed: from !== undefined,
        words: `Face ${index + 1}: ${from === undefined ? "stays as it is" : `gets face ${from + 1}`}`,
        tone: from === undefined ? "" : toneOf(from),
      });
    });
  }

  function refresh() {
    markFaces();
    wires.follow(() => mapping.pairs().map(([from, to]) => ({
      from: source.easel.faces.buttons[from], to: target.easel.faces.buttons[to], tone: toneOf(from),
    })));
    parts.hint.textContent = hint();
    castList(parts.cast, source, target, mapping, assign);
    parts.quick.hidden = !known() || source.faces.length * target.faces.length === 1;
    parts.act.setAttribute("aria-disabled", String(task.busy || mapping.size === 0));
  }

  function hint() {
    if (!source.photo || !target.photo) return "Hang two photos: one lends the faces, the other receives them.";
    const [blind] = blinds();
    if (blind) return `We know of no face in the ${blind === source ? "first" : "second"} picture.`;
    if (!known()) return "Looking for faces …";
    if (reasons) return reasons;
    if (mapping.size) return "Tap a face again to let it be.";
    return source.faces.length === 1 ? "Tap everyone who gets this face." : "Tap a face in the first picture, then who gets it in the second.";
  }

  function caption() {
    const [blind] = blinds();
    if (blind) {
      label.problem(blind.problem, () => {
        parts.act.focus();
        for (const seat of blinds()) seat.look();
      });
      return;
    }
    if (!source.photo || !target.photo) {
      label.empty();
      return;
    }
    const count = mapping.size === 1 ? "one face changes" : `${mapping.size || "no"} faces change`;
    // Names written from right to left must not turn the arrow's sense around.
    const [lender, receiver] = [source, target].map(({ photo }) => make("bdi", {}, photo?.title ?? ""));
    label.rest([lender, " → ", receiver], known() ? count : "");
  }

  function backToFaces() {
    shown?.release();
    shown = null;
    reasons = "";
    result.root.hidden = true;
    parts.duo.hidden = false;
    result.show(null);
    caption();
    refresh();
  }

  /**
   * @param {Photo} before
   * @param {{blob: Blob, model: string, notes: string[], untold: number}} answer a note for every face that could not be
   *   changed, or a count of those without one
   * @param {AbortSignal} signal
   */
  async function present(before, { blob, model, notes, untold }, signal) {
    const photo = await Photo.open(blob, resultName(before, "swapped", blob.type), signal);
    shown?.release();
    shown = photo;
    parts.duo.hidden = true;
    result.root.hidden = false;
    result.show(before);
    const staying = notes.length + untold;
    const changed = mapping.size - staying;
    const stayed = staying === 1 ? ", one stays" : `, ${staying} stay`;
    const count = (changed === 1 ? "one new face" : `${changed} new faces`) + (staying ? stayed : "");
    reasons = reasonsOf(notes);
    const title = `${before.title}, recast`;
    const onward = actionButton("paint", "Paint it next", () => {
      studio.hang(photo.keep());
      toPaint();
    });
    label.rest(title, [`${photo.width} × ${photo.height}`, count, model].filter(Boolean).join(" · "), [
      ...keepers(photo),
      ...(paints() ? [onward] : []),
      actionButton("change", "Back to the faces", () => {
        backToFaces();
        parts.act.focus();
      }),
    ]);
    bringIntoView(parts.stand);
    await result.unveil(before, photo, title);
    announce([`${title}. Done: ${count}.`, reasons, "A before and after slider is on the picture."].filter(Boolean).join(" "));
  }

  parts.inOrder.addEventListener("click", () => {
    const [givers, takers] = [prominent(source.faces), prominent(target.faces)];
    assignAll((index) => givers[takers.indexOf(index)] ?? null);
  });
  parts.everyone.addEventListener("click", () => assignAll(() => active));
  parts.clear.addEventListener("click", () => assignAll(() => null));
  parts.bench.addEventListener("submit", (event) => {
    event.preventDefault();
    const [lender, receiver] = [source.photo, target.photo];
    if (task.busy || !lender || !receiver || mapping.size === 0) {
      announce(hint());
      return;
    }
    const form = new FormData();
    form.append("source", lender.blob, lender.name);
    form.append("target", receiver.blob, receiver.name);
    form.append("mapping", String(mapping));
    task.run("Swapping", (options) => postForPicture("v1/swap", form, options), (answer, signal) => present(receiver, answer, signal));
  });

  backToFaces();

  return {
    easels: [source.easel, target.easel],
    /** Pasted pictures take the first empty seat, then the target's. */
    accept: (blob, name) => (source.taken ? target : source).accept(blob, name),
    /** Whoever comes from another room brings the photo along as the one that lends its faces. */
    enter() {
      if (!source.taken && studio.photo) source.accept(studio.photo.blob, studio.photo.name);
      wires.redraw();
    },
  };
}
