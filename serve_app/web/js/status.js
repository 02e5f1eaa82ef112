/** The status page: what the studio can do, and for those who may know, how busy it is. Asks again every few seconds. */

import { adminKey, ask, keepAdminKey } from "./admin.js";
import { make, partsOf } from "./parts.js";
import { rounds } from "./rounds.js";

const PERIOD_MS = 5000;

const parts = partsOf(document.body);
const words = (value, digits) => (value === null ? "–" : value.toFixed(digits));
const share = (value) => (value === null ? "–" : `${Math.round(value * 100)} %`);
const duration = (ms) => (ms === null ? "–" : ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`);

/** Sets words only where they are others, so that nobody who listens hears the same again and again. */
function tell(name, text) {
  if (parts[name].textContent !== text) parts[name].textContent = text;
}

/** @param {string} look a class, or none */
function element(tag, text, look = "") {
  return make(tag, look ? { class: look } : {}, text);
}

/** What a capability's state is: "" for ready (at rest, it starts when asked), "absent" for what was never installed, "down" for what does not work now. */
function standing(state) {
  if (state === "ready" || state === "at rest") return "";
  return state.startsWith("not installed") ? "absent" : "down";
}

function showReadiness({ ready, capabilities }) {
  const states = Object.entries(capabilities);
  const down = states.filter(([, state]) => standing(state) === "down");
  tell("verdict", ready ? "The studio is open." : "The studio is not quite ready.");
  tell("detail", down.length === 0 ? "Everything that is installed serves." : `Not now: ${down.map(([name]) => name).join(", ")}.`);
  parts.capabilities.replaceChildren(
    ...states.map(([name, state]) => {
      const item = element("li", name, standing(state));
      if (state !== "ready") item.append(element("small", state));
      return item;
    }),
  );
}

function row(entry) {
  const cells = [
    [entry.name, entry.status !== "healthy"],
    [`${entry.replicas}/${entry.target}`, entry.replicas < entry.target],
    [words(entry.rps, 1)], [duration(entry.p50_ms)], [duration(entry.p95_ms)],
    [String(entry.ongoing)], [String(entry.queued), entry.queued > 0],
    [words(entry.errors_per_s, 2), entry.errors_per_s > 0],
    [entry.note ?? entry.model ?? "–"],
  ];
  return make("tr", {}, ...cells.map(([text, amiss]) => element("td", text, amiss ? "amiss" : "")));
}

function showFigures(state) {
  const total = (field) => state.deployments.reduce((sum, entry) => sum + (entry[field] ?? 0), 0);
  const gateway = state.deployments.find((entry) => entry.name === "Gateway");
  const gauges = [
    ["Requests/s", words(gateway?.rps ?? null, 1)], ["95 of 100 within", duration(gateway?.p95_ms ?? null)],
    ["In hand", String(gateway?.ongoing ?? 0)], ["Queued", String(total("queued"))],
    ["Processors", share(state.cpu)], ["Memory", share(state.memory)],
  ];
  if (state.gpu !== null) gauges.push(["GPUs", share(state.gpu)]);
  parts.gauges.replaceChildren(...gauges.map(([name, value]) => make("div", {}, element("dt", name), element("dd", value))));
  parts.rows.replaceChildren(...state.deployments.map(row));
  parts.window.textContent =
    state.window_s === null ? "Rates appear after a few seconds; percentiles are of all requests so far." : `Over the last ${Math.round(state.window_s)} seconds.`;
}

function show([ready, figures]) {
  showReadiness(ready.document);
  parts.figures.hidden = figures.status !== 200;
  const locked = figures.status === 401 || figures.status === 403;
  parts.unlock.hidden = !locked;
  tell("refused", locked && adminKey() ? "This key does not open the figures." : "");
  if (figures.status === 200) showFigures(figures.document);
}

function showSilence() {
  tell("verdict", "The studio does not answer.");
  tell("detail", "This page keeps asking.");
}

document.getElementById("late").remove();
parts.unlock.addEventListener("submit", (event) => {
  event.preventDefault();
  keepAdminKey(String(new FormData(event.target).get("key")));
  void refresh();
});

const refresh = rounds(PERIOD_MS, { ask: () => Promise.all([ask("readyz"), ask("v1/status")]), show, fail: showSilence });
