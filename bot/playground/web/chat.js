// The chat page: one person at a time talks to the bot, in private or in a group.
import { byId, el, face, safeLink } from "./dom.js";
import { messageRow, summary } from "./messages.js";
import { speak, words } from "./words.js";

const ALBUM = 10;
const state = { bot: null, people: [], groups: [], commands: [], me: null, chat: null, messages: new Map(), replyTo: null, files: [] };

async function api(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "X-Playground": "1" }, body: body instanceof FormData ? body : JSON.stringify(body) };
  const response = await fetch(`api/${path}`, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

const me = () => state.people.find(person => person.id === state.me);
const group = () => state.groups.find(chat => chat.id === state.chat);

// -- who and where ------------------------------------------------------------------------------------------------------

async function refresh() {
  const known = await api(`state?language=${encodeURIComponent(me()?.language_code ?? "")}`);
  Object.assign(state, known);
  drawSidebar();
}

function drawSidebar() {
  const entry = (item, name, note, current, onclick) =>
    el("li", {}, el("button", { type: "button", "aria-current": String(current), onclick }, face(item.id, name), el("span", {}, el("strong", {}, name), el("small", {}, note))));
  byId("people").replaceChildren(...state.people.map(person =>
    entry(person, person.first_name, `${person.language_code} · ${person.stars} ★`, person.id === state.me, () => choose(person.id, person.id))));
  byId("groups").replaceChildren(...state.groups.map(chat =>
    entry(chat, chat.title, "", chat.id === state.chat, () => choose(state.me, chat.id))));
  byId("add-group").hidden = !state.me;
  byId("block").hidden = !state.me;
  byId("block").textContent = me()?.blocked_bot ? words.unblock : words.block;
  byId("me").replaceChildren(...(me() ? [me().first_name, el("span", {}, `${me().stars} ★`)] : []));
  byId("title").textContent = group()?.title ?? state.bot?.first_name ?? "";
  document.title = byId("title").textContent;
  rest();
}

async function choose(person, chat) {
  Object.assign(state, { me: person, chat, replyTo: null });
  remember(person);
  speak(me()?.language_code);
  closeDrawer();
  await refresh();
  await load();
  drawReplying();
  byId("text").focus();
}

/** What was said in this chat so far. */
async function load() {
  const { chat } = state;
  const heard = state.messages = new Map();
  const history = await api(`chats/${chat}`);
  // Meanwhile somebody may have gone to another chat, and more may have been said in this one.
  if (state.messages !== heard) return;
  state.messages = new Map([...history.map(message => [message.message_id, message]), ...heard]);
  drawLog(true);
}

/** A reload shows the same person again, except in browsers that keep nothing for a site: those refuse even to be asked. */
function remember(person) {
  try {
    sessionStorage.setItem("person", person);
  } catch { /* The first person is shown instead. */ }
}

function remembered() {
  try {
    return sessionStorage.getItem("person");
  } catch {
    return null;
  }
}

async function addPerson() {
  const dialog = byId("person-dialog");
  if (dialog.open) return;
  byId("person-name").value = "";
  dialog.querySelector(`input[value="${document.documentElement.lang}"]`).checked = true;
  if (await ask(dialog) !== "ok") return;
  const name = byId("person-name").value.trim();
  if (!name) return;
  const person = await api("people", { first_name: name, language_code: dialog.querySelector("input:checked").value });
  state.people.push(person);
  await choose(person.id, person.id);
}

async function addGroup() {
  const title = el("input", { value: "", maxLength: 128, required: true });
  if (await question(words.addGroup, el("label", {}, words.groupName, title), words.create) !== "ok" || !title.value.trim()) return;
  const chat = await api("groups", { title: title.value, user_id: state.me });
  await choose(state.me, chat.id);
}

function closeDrawer() {
  document.body.classList.remove("drawer");
  byId("menu").setAttribute("aria-expanded", "false");
}

// -- the log ------------------------------------------------------------------------------------------------------------

function drawLog(whole = false) {
  const log = byId("log");
  const albums = [];
  for (const message of state.messages.values()) {
    const last = albums.at(-1);
    if (message.media_group_id && last?.[0].media_group_id === message.media_group_id) last.push(message);
    else albums.push([message]);
  }
  const near = log.scrollHeight - log.scrollTop - log.clientHeight < 200;
  if (!albums.length && state.me && !group()) {
    log.replaceChildren(el("div", { className: "hello" }, el("img", { src: "static/mask.svg", alt: "" }), el("p", {}, words.hello),
      el("button", { type: "button", className: "primary", onclick: () => send("/start") }, words.start)));
  } else {
    settle(log, albums.map(rowOf));
  }
  drawKeyboard();
  if (near || whole) toEnd();
}

// A row is drawn once and again only when something about it changes, so that nothing flickers or is read out twice.
const rows = new Map();
function rowOf(album) {
  const key = `${album[0].chat.id}/${album[0].message_id}`;
  const looks = JSON.stringify([album, state.me, document.documentElement.lang]);
  if (rows.get(key)?.looks !== looks) {
    const row = messageRow(album, state.me, Boolean(group()), act);
    for (const image of row.querySelectorAll("img")) image.addEventListener("load", () => row === byId("log").lastChild && toEnd(), { once: true });
    if (!rows.has(key)) {
      row.classList.add("new");
      row.addEventListener("animationend", () => row.classList.remove("new"), { once: true });
    }
    rows.set(key, { looks, row });
  }
  return rows.get(key).row;
}

function settle(log, wanted) {
  const keep = new Set(wanted);
  for (const node of [...log.children]) if (!keep.has(node)) node.remove();
  let at = log.firstChild;
  for (const row of wanted) {
    if (row === at) at = at.nextSibling;
    else log.insertBefore(row, at);
  }
}

function toEnd() {
  byId("log").scrollTop = byId("log").scrollHeight;
}

let drawing = 0;
function redrawSoon() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => drawLog());
}

let resting = 0;
function rest() {
  const status = byId("status");
  status.classList.remove("busy");
  status.textContent = group() ? words.members(state.people.length + 1) : words.online;
}

function busy(action) {
  clearTimeout(resting);
  const status = byId("status");
  status.classList.add("busy");
  status.textContent = words.actions[action] ?? words.actions.default;
  resting = setTimeout(rest, 5000);
}

function hear(event) {
  if (event.kind === "profile" || event.stars !== undefined) refresh();
  if (event.chat_id !== state.chat) return;
  if (event.kind === "chat_action") busy(event.action);
  const { message } = event;
  if (!message) return;
  if (event.kind === "delete") state.messages.delete(message.message_id);
  else state.messages.set(message.message_id, message);
  if (message.by_bot) rest();
  redrawSoon();
}

// -- what buttons do ----------------------------------------------------------------------------------------------------

const act = {
  command: text => send(text),
  enlarge(source) {
    byId("lightbox-image").src = source;
    byId("lightbox").showModal();
  },
  jump: id => document.querySelector(`[data-message="${id}"]`)?.scrollIntoView({ block: "center", behavior: "smooth" }),
  reply(message) {
    state.replyTo = message;
    drawReplying();
    byId("text").focus();
  },
  async press(button, message) {
    try {
      if (button.pay) await pay(message.invoice.title, message.invoice.total_amount, { chat_id: state.chat, message_id: message.message_id });
      else if (button.callback_data) await tap(button, message);
      else if (button.url) await follow(button);
      else if (button.copy_text) await copy(button.copy_text.text);
      else await share(button.switch_inline_query ?? button.switch_inline_query_current_chat ?? button.switch_inline_query_chosen_chat?.query ?? "");
    } catch (error) {
      toast(error.message);
    }
  },
};

async function tap(button, message) {
  const answer = await api(`chats/${state.chat}/taps`, { user_id: state.me, message_id: message.message_id, data: button.callback_data });
  if (answer.show_alert) await question(answer.text, "", words.ok, true);
  else if (answer.text) toast(answer.text);
  else if (!Object.keys(answer).length) toast(words.late);
}

async function pay(title, stars, what) {
  if (await question(words.payTitle, stars === null ? title : words.payFor(title, stars, me().stars), words.pay) !== "ok") return;
  try {
    await api("payments", { user_id: state.me, ...what });
  } catch (error) {
    const wording = { BOT_PRECHECKOUT_TIMEOUT: words.late, BALANCE_TOO_LOW: words.failed };
    toast(wording[error.message] ?? error.message);
  }
}

async function follow(button) {
  const url = new URL(button.url, location.href);
  const start = url.searchParams.get("start");
  if (url.host === "t.me" && url.pathname.startsWith("/$")) await pay(button.text, null, { link: button.url });
  else if (url.host === "t.me" && url.pathname.slice(1).toLowerCase() === state.bot.username.toLowerCase() && start !== null) await send(`/start ${start}`);
  else if (safeLink(button.url) && await question(words.open, button.url, words.ok) === "ok") window.open(safeLink(button.url), "_blank", "noopener");
}

async function copy(text) {
  await navigator.clipboard?.writeText(text);
  toast(words.copied);
}

async function share(query) {
  const { query_id, results } = await api("inline", { user_id: state.me, query });
  if (!results.length) return toast(words.nothingToShare);
  const targets = [{ id: state.me, title: state.bot.first_name }, ...state.groups];
  const target = el("select", {}, ...targets.map(chat => el("option", { value: chat.id, selected: chat.id === state.chat }, chat.title)));
  const choices = el("div", { className: "choices" }, ...results.map(result => {
    const shown = result.content.photo?.[0];
    const picture = shown && el("img", { src: `api/files/${encodeURIComponent(shown.file_id)}`, alt: "" });
    return el("button", { type: "submit", value: result.id }, picture, result.title ?? result.content.text ?? result.content.caption ?? words.photo);
  }));
  const chosen = await question(words.share, el("div", {}, el("label", {}, words.shareTo, target), choices), null);
  if (results.some(result => result.id === chosen)) await api("inline/shared", { query_id, result_id: chosen, chat_id: Number(target.value) });
}

// -- writing ------------------------------------------------------------------------------------------------------------

/** Whether it was sent; if not, the person hears why. */
async function send(text, files = [], asFile = false) {
  if (!me()) {
    addPerson();
    return false;
  }
  const { replyTo } = state;
  const form = new FormData();
  form.set("user_id", state.me);
  form.set("text", text);
  form.set("as", asFile ? "file" : "photo");
  if (replyTo) form.set("reply_to", replyTo.message_id);
  for (const file of files) form.append("file", file, file.name);
  state.replyTo = null;
  drawReplying();
  try {
    await api(`chats/${state.chat}/messages`, form);
    return true;
  } catch (error) {
    toast(error.message);
    state.replyTo ??= replyTo;
    drawReplying();
    return false;
  }
}

async function submit(event) {
  event.preventDefault();
  const text = byId("text").value;
  if (!text.trim() && !state.files.length) return;
  const files = state.files;
  const asFile = byId("as-files")?.checked ?? false;
  byId("text").value = "";
  setFiles([]);
  grow();
  const sent = await send(text, files, asFile);
  // What could not be sent is not lost, unless something else is being written already.
  if (sent || byId("text").value || state.files.length) return;
  byId("text").value = text;
  setFiles(files, asFile);
  grow();
}

function setFiles(files, asFile = false) {
  state.files = files.slice(0, ALBUM);
  const tray = byId("tray");
  tray.hidden = !state.files.length;
  const figures = state.files.map((file, number) => {
    const shown = file.type.startsWith("image/") ? el("img", { src: URL.createObjectURL(file), alt: file.name }) : el("span", { className: "sheet" }, file.name);
    const remove = el("button", { type: "button", "aria-label": `${words.remove} ${file.name}`, onclick: () => setFiles(state.files.filter((_, other) => other !== number), byId("as-files").checked) }, "×");
    return el("figure", {}, shown, remove);
  });
  const box = el("input", { id: "as-files", type: "checkbox", checked: asFile });
  tray.replaceChildren(...figures, el("label", {}, box, ` ${words.filesInstead}`));
  if (state.files.length) byId("text").focus();
}

function drawReplying() {
  const bar = byId("replying");
  bar.hidden = !state.replyTo;
  if (!state.replyTo) return;
  const cancel = el("button", { type: "button", className: "quiet", onclick: () => { state.replyTo = null; drawReplying(); } }, words.cancel);
  bar.replaceChildren(el("span", {}, summary(state.replyTo)), cancel);
}

function drawKeyboard() {
  const markups = [...state.messages.values()].map(message => message.reply_markup).filter(markup => markup && !markup.inline_keyboard);
  const rows = markups.at(-1)?.keyboard;
  const board = byId("keyboard");
  board.hidden = !rows;
  board.replaceChildren(...(rows ?? []).map(row => el("div", {}, ...row.map(key => el("button", { type: "button", onclick: () => send(key.text) }, key.text)))));
}

function grow() {
  const text = byId("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}

// -- menus and dialogs --------------------------------------------------------------------------------------------------

function popup(button, menu, before = () => {}) {
  const set = open => {
    menu.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) menu.querySelector("button")?.focus();
  };
  button.onclick = async () => {
    if (menu.hidden) await before();
    set(menu.hidden);
  };
  menu.addEventListener("click", () => set(false));
  menu.addEventListener("keydown", event => {
    const items = [...menu.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    else if (event.key === "Escape") { set(false); button.focus(); } else return;
    event.preventDefault();
  });
  document.addEventListener("click", event => {
    if (!menu.hidden && !menu.contains(event.target) && !button.contains(event.target)) set(false);
  });
}

async function drawCommands() {
  await refresh();
  byId("commands").replaceChildren(...state.commands.map(({ command, description }) =>
    el("button", { type: "button", role: "menuitem", onclick: () => send(`/${command}`) }, el("code", {}, `/${command}`), description)));
}

function ask(dialog) {
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise(resolve => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

function question(title, body, confirm, single = false) {
  byId("question-title").textContent = title;
  byId("question-body").replaceChildren(body);
  byId("question-ok").textContent = confirm ?? "";
  byId("question-ok").hidden = confirm === null;
  byId("question-cancel").hidden = single;
  return ask(byId("question"));
}

let hiding = 0;
function toast(text) {
  const node = byId("toast");
  node.textContent = text;
  node.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { node.hidden = true; }, 4000);
}

// -- beginning ----------------------------------------------------------------------------------------------------------

byId("composer").addEventListener("submit", submit);
byId("text").addEventListener("input", grow);
byId("text").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
byId("text").addEventListener("paste", event => {
  if (event.clipboardData.files.length) setFiles([...state.files, ...event.clipboardData.files]);
});
byId("log").addEventListener("dragover", event => event.preventDefault());
byId("log").addEventListener("drop", event => {
  event.preventDefault();
  setFiles([...state.files, ...event.dataTransfer.files]);
});
for (const [button, input, asFile] of [["pick-photo", "photos", false], ["pick-file", "files", true]]) {
  byId(button).onclick = () => byId(input).click();
  byId(input).onchange = event => {
    setFiles([...state.files, ...event.target.files], asFile);
    event.target.value = "";
  };
}
byId("menu").onclick = () => byId("menu").setAttribute("aria-expanded", String(document.body.classList.toggle("drawer")));
document.addEventListener("keydown", event => event.key === "Escape" && closeDrawer());
document.querySelector("main").addEventListener("pointerdown", event => !byId("menu").contains(event.target) && closeDrawer());
for (const button of document.querySelectorAll("dialog .cancel")) button.onclick = () => button.closest("dialog").close("cancel");
byId("add-person").onclick = addPerson;
byId("add-group").onclick = addGroup;
byId("block").onclick = async () => { await api(`people/${state.me}/block`, {}); await refresh(); };
popup(byId("commands-button"), byId("commands"), drawCommands);
popup(byId("attach"), byId("attach-menu"));

async function begin() {
  const last = state.people.find(person => String(person.id) === remembered()) ?? state.people[0];
  if (last) await choose(last.id, last.id);
  else addPerson();
}

/** The connection was lost, and nobody told of what came meanwhile: perhaps it is another playground, where nobody is known. */
async function reconnected() {
  await refresh();
  if (me()) return load();
  Object.assign(state, { me: null, chat: null, replyTo: null, messages: new Map() });
  drawSidebar();
  drawReplying();
  drawLog(true);
  return begin();
}

speak(navigator.language);
await refresh();
byId("late").remove();
const events = new EventSource("api/events");
let connected = false;
events.onmessage = event => hear(JSON.parse(event.data));
events.onopen = () => {
  if (connected) reconnected().catch(error => toast(error.message));
  connected = true;
};
await begin();
