/** The key to a studio that is not open to everybody. It is kept for this tab only, and asked for when it is missed. */

const STORED = "masquerade.key";

/** What goes into a request: an Authorization header, or nothing. */
export function keyHeader() {
  const key = sessionStorage.getItem(STORED);
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** Asks for a key. @returns {Promise<boolean>} whether one was given */
export function askForKey() {
  const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("#key-dialog"));
  const form = dialog.querySelector("form");
  const input = dialog.querySelector("input");
  input.value = "";
  return new Promise((resolve) => {
    let given = false;
    const give = (event) => {
      event.preventDefault();
      given = true;
      sessionStorage.setItem(STORED, input.value.trim());
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
