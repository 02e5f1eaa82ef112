/** What a tab remembers until it is closed; where the browser keeps nothing for a site, until the page is left. */

/** @type {Map<string, string>} */
const unstored = new Map();

/** @returns {string} empty for what was never remembered */
export function recall(name) {
  try {
    return sessionStorage.getItem(name) ?? unstored.get(name) ?? "";
  } catch {
    return unstored.get(name) ?? "";
  }
}

export function remember(name, value) {
  unstored.set(name, value);
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // Browsers that block a site's data refuse even to be asked.
  }
}
