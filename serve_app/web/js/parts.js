/** Small helpers around the page's own markup. Data only ever becomes text or a checked address, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * The named parts below an element: `data-part="act"` becomes `parts.act`.
 * @param {Element | DocumentFragment} root
 * @returns {Record<string, any>}
 */
export function partsOf(root) {
  /** @type {Record<string, any>} */
  const parts = {};
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-part]"))) {
    parts[element.dataset.part ?? ""] ??= element;
  }
  return parts;
}

/**
 * A fresh copy of `<template id="NAME-template">` with its named parts; `root` is its first element.
 * @param {string} name
 * @returns {Record<string, any> & {root: HTMLElement}}
 */
export function stamp(name) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(`${name}-template`));
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  return { root: /** @type {HTMLElement} */ (copy.firstElementChild), ...partsOf(copy) };
}

/**
 * An element with text or children; strings become text nodes.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An SVG element with attributes. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** One of the page's own icons. */
export function icon(name) {
  return draw("svg", { "aria-hidden": "true" }, draw("use", { href: `#i-${name}` }));
}

/** Scrolls no further than needed; on a phone tools and picture are not on the screen at once. */
export function bringIntoView(element) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
}

const announcer = () => /** @type {HTMLElement} */ (document.getElementById("announcer"));

/** Says something to people who listen to the page rather than see it. */
export function announce(words) {
  announcer().textContent = words;
}
