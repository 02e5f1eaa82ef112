/** The ledger of model versions: what serves, and, with the admin key, what is to serve next. */

import { adminKey, ask, keepAdminKey } from "./admin.js";
import { announce, make, stamp } from "./parts.js";
import { rounds } from "./rounds.js";

const EVERY_MS = 3000;
const TASKS_WITHOUT_SLOT = new Set(["samples"]);
const STATES = { active: "active", canary: "canary", shadow: "shadow", staging: "staging", refused: "refused", idle: "at rest" };

const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const list = byId("list");
const hint = byId("hint");
const notice = byId("notice");
const keyField = /** @type {HTMLInputElement} */ (byId("key"));

/** What a person has typed into a model's foot outlives the redrawing. @type {Map<string, {reason: string, percent: string}>} */
const drafts = new Map();
let deciding = false;

byId("late").remove();
keyField.value = adminKey();
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepAdminKey(keyField.value);
  say("");
  void refresh();
});

function say(words) {
  notice.textContent = words;
  notice.hidden = !words;
}

/** Only other words are set, so that nobody who listens hears the same again and again. */
function hintAt(words) {
  if (hint.textContent !== words) hint.textContent = words;
}

/** @returns {Promise<any>} the JSON behind `path`; throws an Error with the problem's own words */
async function told(path, decision) {
  const { status, document } = await ask(path, decision);
  if (status >= 400 || !document) throw new Error(document?.detail ?? `The studio answered ${status}.`);
  return document;
}

function redraw(answer) {
  // Whoever is typing or about to press is not interrupted.
  if (list.querySelector("input:focus, button:active")) return;
  const focus = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.focus;
  draw(answer);
  if (focus) /** @type {HTMLElement | null} */ (list.querySelector(`[data-focus="${CSS.escape(focus)}"]`))?.focus();
}

function draw({ coordinated, models: installed, routings: decided, trials }) {
  hintAt(coordinated
    ? "Traffic is that of the last two minutes."
    : "Nobody can say what the replicas hold right now; this is what the store says.");
  const models = new Map();
  for (const version of installed) {
    if (TASKS_WITHOUT_SLOT.has(version.task)) continue;
    models.set(version.model, [...(models.get(version.model) ?? []), version]);
  }
  const routings = new Map(decided.map((entry) => [entry.model, entry]));
  const cards = [...models].map(([name, versions]) => card(name, versions, routings.get(name), trials));
  list.replaceChildren(...cards);
  if (!cards.length) list.append(make("p", { class: "hint" }, "No models are installed."));
}

function card(name, versions, decided, trials) {
  const parts = stamp("model");
  parts.name.textContent = name;
  const serves = versions.find((version) => version.serves)?.serves;
  parts.task.textContent = `${versions.at(-1).task || "unreadable"}${serves ? ` · serves ${serves}` : ""}`;
  if (decided) {
    const { who, action, version, when, why } = decided.last;
    parts.last.textContent = `${who}: ${action} ${version}, ${new Date(when).toLocaleString()}${why ? `. ${why}` : ""}`;
  }
  // A moderator that does not vote yet joins by being promoted; anything else that serves nothing here is not followed.
  const admin = adminKey() !== "" && (Boolean(serves) || versions.at(-1).task === "moderation");
  for (const version of [...versions].reverse()) parts.versions.append(row(name, version, decided, admin, serves));
  const trial = trials.find((entry) => entry.model.startsWith(`${name}@`));
  if (trial) {
    parts.trial.hidden = false;
    const alike = trial.similarity === null ? `differs by at most ${trial.delta} on average` : `similarity ${trial.similarity.toFixed(3)}`;
    const kind = trial.role === "canary" ? "Canary" : "Shadow";
    parts.trial.textContent = `${kind} ${trial.model}: ${trial.compared} compared, ${alike}, ${trial.disagreed} disagreed, ${trial.failed} failed, ${trial.dropped} skipped; ${trial.own_ms} ms against ${trial.stable_ms} ms.`;
  }
  if (admin && (versions.length > 1 || !serves)) foot(name, parts, decided);
  return parts.root;
}

function foot(name, parts, decided) {
  parts.foot.hidden = false;
  const draft = drafts.get(name) ?? { reason: "", percent: "5" };
  parts.reason.value = draft.reason;
  parts.percent.value = draft.percent;
  const keep = () => drafts.set(name, { reason: parts.reason.value, percent: parts.percent.value });
  parts.reason.addEventListener("input", keep);
  parts.percent.addEventListener("input", keep);
  const routing = decided?.routing;
  parts.rollback.hidden = !routing?.canary && !routing?.previous;
  parts.rollback.dataset.focus = `${name} rollback`;
  parts.rollback.textContent = routing?.canary ? `End the canary ${routing.canary}` : `Roll back to ${routing?.previous}`;
  parts.rollback.addEventListener("click", () => decide(name, "rollback", {}, routing));
}

function row(name, version, decided, admin, serves) {
  const parts = stamp("version");
  parts.name.textContent = version.version;
  parts.aliases.textContent = version.aliases.join(", ");
  parts.state.textContent = STATES[version.state];
  parts.state.dataset.state = version.state;
  parts.replicas.textContent = version.replicas ? String(version.replicas) : "";
  parts.requests.textContent = version.requests ? `${version.requests}${version.failed ? `, ${version.failed} failed` : ""}` : "";
  parts.latency.textContent = version.p95_ms === null ? "" : `${Math.round(version.p95_ms)} ms`;
  parts.licence.textContent = `${version.licence.replaceAll("LicenseRef-", "")}${version.commercial_use || !version.licence ? "" : " · no commercial use"}`;
  if (version.reason) {
    parts.why.hidden = false;
    parts.why.textContent = version.reason;
  }
  if (admin && version.state !== "active") parts.deeds.append(...deeds(name, version, decided, serves));
  return parts.root;
}

function deeds(name, version, decided, serves) {
  const percent = () => Number((drafts.get(name) ?? { percent: "5" }).percent);
  const button = (words, action, fields) => {
    const made = make("button", { type: "button", class: "plain", "data-focus": `${name} ${version.version} ${action}` }, words);
    made.addEventListener("click", () => decide(name, action, fields(), decided?.routing));
    return made;
  };
  if (version.state === "shadow") return [button("End the shadow", "shadow", () => ({})), button("Promote", "promote", () => ({ version: version.version }))];
  if (version.state === "canary") return [button("Set the share", "canary", () => ({ version: version.version, percent: percent() })), button("Promote", "promote", () => ({ version: version.version }))];
  const promote = button("Promote", "promote", () => ({ version: version.version }));
  if (!serves) return [promote];
  return [
    button("Shadow", "shadow", () => ({ version: version.version, sample: percent() / 100 })),
    button("Canary", "canary", () => ({ version: version.version, percent: percent() })),
    promote,
  ];
}

/** Writes a decision down. What was shown goes along, so that nobody decides on something they have not seen. */
async function decide(name, action, fields, seen) {
  if (deciding) return;
  deciding = true;
  try {
    const reason = drafts.get(name)?.reason.trim();
    const decision = { ...fields, ...(reason ? { reason } : {}), by: "admin (page)", ...(seen ? { expect: seen } : {}) };
    const { notices } = await told(`v1/models/${encodeURIComponent(name)}/${action}`, decision);
    drafts.delete(name);
    say(notices.join(" "));
    announce(`${name}: ${action} is on its way.`);
  } catch (error) {
    say(error.message);
  } finally {
    deciding = false;
  }
  // Whatever was asked before does not know of the decision.
  await refresh();
}

const refresh = rounds(EVERY_MS, { ask: () => told("v1/models"), show: redraw, fail: ({ message }) => hintAt(message) });
