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
  const input = dialog.querySelector("input");
  input.value = "";
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const given = dialog.returnValue === "given" && input.value.trim() !== "";
        if (given) sessionStorage.setItem(STORED, input.value.trim());
        dialog.returnValue = "";
        resolve(given);
      },
      { once: true },
    );
    dialog.showModal();
  });
}
