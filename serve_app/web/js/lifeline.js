/** Whether anybody still listens: where a network is lost without a word, browsers wait for minutes. */

const SILENCE_MS = 10_000;
const PATIENCE_MS = 10_000;

/**
 * Watches over one request. When it falls silent, or the device says that it is offline, the service is asked whether
 * it is there; work that takes long is waited for as long as it answers.
 * @param {string} probe an address that the service answers at once, whatever the answer
 * @param {() => void} onLost hears once that nobody is there
 * @returns {{stir: () => void, end: () => void}} `stir`: the request has moved on; `end`: it is over
 */
export function lifeline(probe, onLost) {
  let timer = 0;
  /** How often the request has moved on. */
  let stirs = 0;
  let over = false;

  function stir() {
    stirs += 1;
    clearTimeout(timer);
    if (!over) timer = setTimeout(ask, SILENCE_MS);
  }

  async function ask() {
    const seen = stirs;
    const there = await fetch(probe, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) }).then(() => true, () => false);
    // Whoever moved on while the question was under way needs no answer to it, and will be asked after again.
    if (over || stirs !== seen) return;
    if (there) {
      stir();
    } else {
      end();
      onLost();
    }
  }

  function end() {
    over = true;
    clearTimeout(timer);
    window.removeEventListener("offline", ask);
  }

  window.addEventListener("offline", ask);
  stir();
  return { stir, end };
}
