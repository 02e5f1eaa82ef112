/** Threads between connected faces of two pictures, side by side or one above the other. */

import { draw } from "./parts.js";

export class Wires {
  /** @type {() => {from: Element, to: Element, tone: string}[]} */
  #ends = () => [];

  /** @param {SVGElement} svg lies over both pictures */
  constructor(svg) {
    this.svg = svg;
    new ResizeObserver(() => this.redraw()).observe(svg);
  }

  /** @param {() => {from: Element, to: Element, tone: string}[]} ends asked again whenever the layout changes */
  follow(ends) {
    this.#ends = ends;
    this.redraw();
  }

  redraw() {
    const origin = this.svg.getBoundingClientRect();
    const threads = this.#ends().flatMap(({ from, to, tone }) => {
      const [start, end, bend] = route(from.getBoundingClientRect(), to.getBoundingClientRect());
      const point = ({ x, y }, by = 0) => `${x - origin.left + by * bend.x} ${y - origin.top + by * bend.y}`;
      return [
        draw("path", { class: `thread ${tone}`, d: `M${point(start)}C${point(start, 1)} ${point(end, -1)} ${point(end)}` }),
        ...[start, end].map(({ x, y }) => draw("circle", { class: `knot ${tone}`, cx: x - origin.left, cy: y - origin.top, r: 4 })),
      ];
    });
    this.svg.replaceChildren(...threads);
  }
}

/** From the edge of one face that looks at the other face, and how far the thread swings out. */
function route(from, to) {
  const middle = ({ left, top, width, height }) => ({ x: left + width / 2, y: top + height / 2 });
  const [a, b] = [middle(from), middle(to)];
  if (Math.abs(b.x - a.x) > Math.abs(b.y - a.y)) {
    const sign = Math.sign(b.x - a.x);
    return [{ x: a.x + (sign * from.width) / 2, y: a.y }, { x: b.x - (sign * to.width) / 2, y: b.y }, { x: (b.x - a.x) * 0.4, y: 0 }];
  }
  const sign = Math.sign(b.y - a.y);
  return [{ x: a.x, y: a.y + (sign * from.height) / 2 }, { x: b.x, y: b.y - (sign * to.height) / 2 }, { x: 0, y: (b.y - a.y) * 0.4 }];
}
