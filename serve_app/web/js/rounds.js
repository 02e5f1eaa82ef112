/** Asking again and again: one question at a time, the next some time after the answer, and none while nobody looks. */

/**
 * @template T
 * @param {number} everyMs from an answer to the next question
 * @param {{ask: () => Promise<T>, show: (answer: T) => void, fail: (error: any) => void}} round
 *   `ask` ends in time, one way or the other
 * @returns {() => Promise<void>} asks now; what was asked before is out of date and heard no more
 */
export function rounds(everyMs, { ask, show, fail }) {
  let turn = 0;
  let timer = 0;

  async function now() {
    clearTimeout(timer);
    turn += 1;
    const mine = turn;
    const current = () => mine === turn;
    try {
      const answer = await ask();
      if (current()) show(answer);
    } catch (error) {
      if (current()) fail(error);
    }
    if (current()) timer = setTimeout(() => document.hidden || now(), everyMs);
  }

  // Whoever comes back to the page wants to know how things are, not how they were.
  document.addEventListener("visibilitychange", () => document.hidden || now());
  void now();
  return now;
}
