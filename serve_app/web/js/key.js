/** The key to a studio that is not open to everybody. It is kept for this tab only, and asked for when it is missed. */

import { recall, remember } from "./memory.js";

const STORED = "masquerade.key";

/** What goes into a request: an Authorization header, or nothing. */
export function keyHeader() {
  const key = recall(STORED);
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** @type {Promise<boolean> | null} */
let asking = null;

/**
 * Asks for a key; once, however many calls miss one at the same time.
 * @param {string} refusal why the key that was shown opens nothing; empty where none was shown
 * @returns {Promise<boolean>} whether one was given
 */
export function askForKey(refusal) {
  asking ??= ask(refusal).finally(() => (asking = null));
  return asking;
}

function ask(refusal) {
  const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("#key-dialog"));
  const [form, input, cancel, words] = ["form", "input", "[value=cancel]", "[role=alert]"].map((part) => dialog.querySelector(part));
  input.value = "";
  words.textContent = refusal;
  words.hidden = !refusal;
  cancel.onclick = () => dialog.close();
  return new Promise((resolve) => {
    let given = false;
    const give = (event) => {
      event.preventDefault();
      given = true;
      remember(STORED, input.value.trim());
      dialog.close();
    };
    form.addEventListener("submit", give);
    dialog.addEventListener(
      "close",
      () => {
        form.removeEventListener("submit", give);
        resolve(given);
      },
      { once: true },
    );
    dialog.showModal();
  });
}
