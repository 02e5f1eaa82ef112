/** The painters to choose from: a radiogroup of pictures, and up to two of them mixed. */

import { getJson, safePicture } from "./api.js";
import { announce, make, stamp } from "./parts.js";
import { wordsFor } from "./words.js";

/** @typedef {{name: string, title: string, artist: string, year: string, preview: string | null}} Style */

const PLACEHOLDERS = 6;

export class StylePicker extends EventTarget {
  /** @type {Style[]} */
  styles = [];
  /** @type {(Style | null)[]} the first and the second choice */
  #chosen = [null, null];
  /** Which of the two the pictures choose. */
  #slot = 0;
  /** @type {ReturnType<typeof stamp>[]} */
  #cards = [];

  /** @param {Record<string, any>} parts the paint room's parts */
  constructor(parts) {
    super();
    this.parts = parts;
    const { styles, firstSlot, secondSlot, add, unblend, mix } = parts;
    styles.append(...Array.from({ length: PLACEHOLDERS }, () => make("div", { class: "style placeholder" })));
    styles.addEventListener("click", (event) => {
      const index = this.#cards.findIndex(({ root }) => root.contains(/** @type {Node} */ (event.target)));
      if (index >= 0) this.#choose(index);
    });
    styles.addEventListener("keydown", (event) => this.#onKey(event));
    // There is nothing to blend before the styles are here, and their arrival chooses the first.
    add.disabled = true;
    firstSlot.addEventListener("click", () => this.#edit(0));
    secondSlot.addEventListener("click", () => this.#edit(1));
    add.addEventListener("click", () => {
      this.#edit(1);
      this.#cards[this.#tabStop()]?.root.focus();
    });
    unblend.addEventListener("click", () => {
      this.#chosen[1] = null;
      this.#edit(0);
      add.focus();
      announce("One style.");
    });
    mix.addEventListener("input", () => this.#changed());
  }

  /** Fetches the styles; shows why and how to try again where that fails. */
  async load() {
    const { styles, away } = this.parts;
    try {
      const answer = await getJson("v1/styles");
      this.styles = (Array.isArray(answer?.styles) ? answer.styles : []).map(styleOf);
    } catch (error) {
      const { headline, detail } = wordsFor(error);
      const again = make("button", { type: "button", class: "plain" }, "Look again");
      const held = away.contains(document.activeElement);
      again.addEventListener("click", () => this.load());
      away.replaceChildren(make("p", { role: "alert" }, make("strong", {}, headline), ` ${detail}`), again);
      away.hidden = false;
      if (held) again.focus();
      styles.hidden = true;
      this.parts.blend.hidden = true;
      return;
    }
    const held = away.contains(document.activeElement);
    away.hidden = true;
    styles.hidden = false;
    this.parts.blend.hidden = this.styles.length < 2;
    this.parts.add.disabled = false;
    this.#cards = this.styles.map(cardOf);
    styles.replaceChildren(...this.#cards.map(({ root }) => root));
    this.#chosen = [this.styles[0] ?? null, null];
    this.#edit(0);
    if (held) this.#cards[this.#tabStop()]?.root.focus();
  }

  /** The chosen styles with weights that add up to one; empty before there is a choice. */
  get blend() {
    const [first, second] = this.#chosen;
    if (!first) return [];
    if (!second) return [{ style: first, weight: 1 }];
    const weight = (100 - Number(this.parts.mix.value)) / 100;
    return [{ style: first, weight }, { style: second, weight: Number((1 - weight).toFixed(2)) }];
  }

  /** Who paints, in words; empty before there is a choice. */
  get painters() {
    return this.blend.map(({ style }) => style.artist || style.title).join(" and ");
  }

  /** Lets the pictures choose the first (0) or the second (1) style. */
  #edit(slot) {
    this.#slot = slot;
    this.#changed();
  }

  #choose(index) {
    const style = this.styles[index];
    // The same style twice is no blend, so the other slot's picture cannot be taken.
    if (this.#chosen[1 - this.#slot] === style) return;
    this.#chosen[this.#slot] = style;
    this.#changed();
  }

  #onKey(event) {
    const here = this.#cards.findIndex(({ root }) => root === document.activeElement);
    if (here < 0) return;
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by) this.#move(here, by);
    else if (event.key === "Home") this.#move(-1, 1);
    else if (event.key === "End") this.#move(this.#cards.length, -1);
    else if (event.key === " " || event.key === "Enter") this.#choose(here);
    else return;
    event.preventDefault();
  }

  /** To the next picture in a direction that may be taken, as radio buttons do: moving selects. */
  #move(from, by) {
    const count = this.#cards.length;
    for (let step = 1; step <= count; step += 1) {
      const index = (from + by * step + count * count) % count;
      if (this.styles[index] === this.#chosen[1 - this.#slot]) continue;
      this.#choose(index);
      this.#cards[index].root.focus();
      return;
    }
  }

  /** Where the tab key enters the pictures: the choice being edited, else the first that may be taken. */
  #tabStop() {
    const current = this.#chosen[this.#slot];
    return current ? this.styles.indexOf(current) : this.styles.findIndex((style) => style !== this.#chosen[0]);
  }

  #changed() {
    const { styles, firstSlot, secondSlot, add, unblend, mix } = this.parts;
    const [first, second] = this.#chosen;
    const tabStop = this.#tabStop();
    styles.setAttribute("aria-label", this.#slot === 0 ? "Style" : "Second style");
    this.#cards.forEach(({ root, mark }, index) => {
      const style = this.styles[index];
      const place = this.#chosen.indexOf(style);
      root.tabIndex = index === tabStop ? 0 : -1;
      root.setAttribute("aria-checked", String(place === this.#slot));
      root.setAttribute("aria-disabled", String(place === 1 - this.#slot));
      root.classList.toggle("chosen", place >= 0);
      // Numbers tell two apart; one alone needs none.
      mark.hidden = place < 0 || (!second && this.#slot === 0);
      mark.textContent = String(place + 1);
    });
    const choosingSecond = this.#slot === 1 && !second;
    add.hidden = Boolean(second);
    add.lastChild.textContent = choosingSecond ? "Now pick a second style" : "Blend in a second style";
    add.classList.toggle("expecting", choosingSecond);
    mix.hidden = secondSlot.hidden = !second;
    unblend.hidden = !second && !choosingSecond;
    unblend.setAttribute("aria-label", choosingSecond ? "Stay with one style" : "Take the second style out");
    fillSlot(firstSlot, first, "First", this.#slot === 0);
    fillSlot(secondSlot, second, "Second", this.#slot === 1);
    mix.style.setProperty("--fill", `${mix.value}%`);
    mix.setAttribute("aria-valuetext", this.blend.map(({ style, weight }) => `${Math.round(weight * 100)} % ${style.title}`).join(", "));
    this.dispatchEvent(new Event("change"));
  }
}

function styleOf(entry) {
  const name = String(entry?.name ?? "");
  return {
    name,
    title: String(entry?.title ?? name),
    artist: String(entry?.artist ?? ""),
    year: String(entry?.year ?? ""),
    preview: safePicture(entry?.preview),
  };
}

function cardOf({ title, artist, year, preview }) {
  const card = stamp("style");
  card.title.textContent = title;
  card.artist.textContent = artist && `by ${artist}`;
  card.root.title = [title, artist, year].filter(Boolean).join(", ");
  if (preview) card.preview.src = preview;
  return card;
}

function fillSlot(slot, style, which, editing) {
  slot.setAttribute("aria-pressed", String(editing));
  slot.setAttribute("aria-label", style ? `${which} style: ${style.title}. Change it` : `${which} style`);
  const picture = style?.preview ? make("img", { src: style.preview, alt: "", width: "44", height: "44" }) : "";
  slot.replaceChildren(picture);
}
