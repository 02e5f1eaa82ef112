/** Tabs after the ARIA pattern: arrows move and select, only the selected tab is in the tab order. */

const modeOf = (tab) => tab.getAttribute("aria-controls") ?? "";

/**
 * @param {HTMLElement} list the tablist
 * @param {(mode: string) => void} onChange hears the id of the panel that is shown now
 * @returns {{show: (mode: string) => void, has: (mode: string) => boolean, remove: (mode: string) => void}}
 */
export function tabs(list, onChange) {
  const all = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=tab]:not([hidden])")]);
  const panelOf = (tab) => /** @type {HTMLElement} */ (document.getElementById(modeOf(tab)));
  const tabOf = (mode) => all().find((tab) => modeOf(tab) === mode);

  function show(mode) {
    const chosen = tabOf(mode) ?? all()[0];
    if (!chosen) return;
    for (const tab of all()) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      panelOf(tab).hidden = !selected;
    }
    onChange(modeOf(chosen));
  }

  list.addEventListener("click", (event) => {
    const tab = /** @type {Element} */ (event.target).closest("[role=tab]");
    if (tab) show(modeOf(tab));
  });

  list.addEventListener("keydown", (event) => {
    const shown = all();
    const here = shown.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const there = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (here < 0 || there === undefined) return;
    event.preventDefault();
    const tab = shown[(there + shown.length) % shown.length];
    tab.focus();
    show(modeOf(tab));
  });

  return {
    show,
    has: (mode) => tabOf(mode) !== undefined,
    /** The service does not offer this mode. */
    remove(mode) {
      const tab = tabOf(mode);
      if (!tab) return;
      panelOf(tab).hidden = true;
      tab.hidden = true;
    },
  };
}
