/** Which face of the source goes on which face of the target; at most one source face for each target face. */

export class Mapping {
  /** @type {Map<number, number>} target face to source face */
  #sourceOf = new Map();

  get size() {
    return this.#sourceOf.size;
  }

  /** @returns {number | undefined} */
  sourceOf(target) {
    return this.#sourceOf.get(target);
  }

  connect(source, target) {
    this.#sourceOf.set(target, source);
  }

  skip(target) {
    this.#sourceOf.delete(target);
  }

  clear() {
    this.#sourceOf.clear();
  }

  /** @returns {[number, number][]} pairs of source and target face, by target */
  pairs() {
    return [...this.#sourceOf].map(([target, source]) => /** @type {[number, number]} */ ([source, target])).sort((a, b) => a[1] - b[1]);
  }

  /** As the service reads it: `0:1,1:0`. */
  toString() {
    return this.pairs().map(([source, target]) => `${source}:${target}`).join(",");
  }
}
