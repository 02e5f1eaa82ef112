/** Asking again and again: one question at a time, the next some time after the answer, and none while nobody looks. */

const PATIENCE_MS = 10_000;

/**
 * @template T
 * @param {number} everyMs from an answer to the next question
 * @param {{ask: (signal: AbortSignal) => Promise<T>, show: (answer: T) => void, fail: (error: any) => void}} round
 *   `signal` says that the answer is waited for no longer
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
      const answer = await ask(AbortSignal.timeout(PATIENCE_MS));
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
