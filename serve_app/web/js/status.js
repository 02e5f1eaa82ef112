/** The status page: what the studio can do, and for those who may know, how busy it is. Asks again every few seconds. */

import { recall, remember } from "./memory.js";
import { rounds } from "./rounds.js";

const PERIOD_MS = 5000;
const KEY = "masquerade.admin-key";

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const words = (value, digits) => (value === null ? "–" : value.toFixed(digits));
const share = (value) => (value === null ? "–" : `${Math.round(value * 100)} %`);
const duration = (ms) => (ms === null ? "–" : ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`);

/** Sets words only where they are others, so that nobody who listens hears the same again and again. */
function tell(name, text) {
  if (part(name).textContent !== text) part(name).textContent = text;
}

function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function ask(path, signal) {
  const key = recall(KEY);
  const headers = key ? { accept: "application/json", authorization: `Bearer ${key}` } : { accept: "application/json" };
  const response = await fetch(new URL(path, document.baseURI), { headers, cache: "no-store", signal });
  return { status: response.status, body: await response.json() };
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
  part("capabilities").replaceChildren(
    ...states.map(([name, state]) => {
      const item = element("li", name, standing(state));
      if (state !== "ready") item.append(element("small", state));
      return item;
    }),
  );
}

function row(entry) {
  const made = document.createElement("tr");
  const cells = [
    [entry.name, entry.status !== "healthy"],
    [`${entry.replicas}/${entry.target}`, entry.replicas < entry.target],
    [words(entry.rps, 1)], [duration(entry.p50_ms)], [duration(entry.p95_ms)],
    [String(entry.ongoing)], [String(entry.queued), entry.queued > 0],
    [words(entry.errors_per_s, 2), entry.errors_per_s > 0],
    [entry.note ?? entry.model ?? "–"],
  ];
  made.append(...cells.map(([text, amiss]) => element("td", text, amiss ? "amiss" : "")));
  return made;
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
  part("gauges").replaceChildren(
    ...gauges.map(([name, value]) => {
      const box = document.createElement("div");
      box.append(element("dt", name), element("dd", value));
      return box;
    }),
  );
  part("rows").replaceChildren(...state.deployments.map(row));
  part("window").textContent =
    state.window_s === null ? "Rates appear after a few seconds; percentiles are of all requests so far." : `Over the last ${Math.round(state.window_s)} seconds.`;
}

function show([ready, figures]) {
  showReadiness(ready.body);
  part("figures").hidden = figures.status !== 200;
  const locked = figures.status === 401 || figures.status === 403;
  part("unlock").hidden = !locked;
  tell("refused", locked && recall(KEY) ? "This key does not open the figures." : "");
  if (figures.status === 200) showFigures(figures.body);
}

function showSilence() {
  tell("verdict", "The studio does not answer.");
  tell("detail", "This page keeps asking.");
}

document.getElementById("late").remove();
part("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  remember(KEY, String(new FormData(event.target).get("key")).trim());
  void refresh();
});

const refresh = rounds(PERIOD_MS, { ask: (signal) => Promise.all([ask("readyz", signal), ask("v1/status", signal)]), show, fail: showSilence });
