// How messages look.
import { el, formatted } from "./dom.js";
import { words } from "./words.js";

const file = id => `api/files/${encodeURIComponent(id)}`;
// What stands for a file that shows no picture of itself, and whose name does not end in what it is.
const SIGNS = { video: "▶", animation: "▶", audio: "♪", voice: "♪", video_note: "▶", sticker: "☺", document: "≡" };

// `album` holds the messages shown together, usually just one. `act` does what buttons ask for.
export function messageRow(album, viewer, inGroup, act) {
  const message = album[0];
  const service = serviceText(message);
  if (service) return el("div", { className: "row service" }, el("div", { className: "bubble" }, service));
  const own = message.from.id === viewer;
  const photos = album.filter(item => item.photo);
  const bubble = el("div", { className: photos.length ? "bubble media" : "bubble" });
  if (inGroup && !own) bubble.append(el("div", { className: "sender" }, message.from.first_name));
  if (message.forward_origin) bubble.append(el("div", { className: "forwarded" }, words.forwarded(origin(message.forward_origin))));
  if (message.reply_to_message) bubble.append(quote(message.reply_to_message, act));
  if (photos.length) bubble.append(pictures(photos, act));
  for (const item of album) if (!item.photo) bubble.append(...attachments(item));
  if (message.invoice) bubble.append(invoice(message.invoice));
  bubble.append(...texts(album, act), meta(album.at(-1), act));
  const row = el("article", { className: own ? "row own" : "row" }, bubble);
  row.dataset.message = message.message_id;
  const keyboard = message.reply_markup?.inline_keyboard;
  if (keyboard) row.append(buttons(keyboard, message, act));
  return row;
}

export function summary(message) {
  const text = message.text ?? message.caption;
  if (text) return text;
  return message.photo ? words.photo : message.invoice?.title ?? serviceText(message) ?? words.kinds[kindOf(message)] ?? words.file;
}

function serviceText(message) {
  if (message.successful_payment) return words.paid(message.successful_payment.total_amount);
  if (message.refunded_payment) return words.refunded(message.refunded_payment.total_amount);
  return message.new_chat_members ? words.joined : null;
}

function kindOf(message) {
  return Object.keys(SIGNS).find(name => message[name]);
}

function origin(from) {
  return from.sender_user?.first_name ?? from.sender_user_name ?? "";
}

function quote(message, act) {
  const text = `${message.from.first_name}: ${summary(message)}`;
  return el("button", { type: "button", className: "quote", onclick: () => act.jump(message.message_id) }, text);
}

function pictures(photos, act) {
  const grid = el("div", { className: photos.length > 1 ? `pictures many${photos.length % 2 ? " odd" : ""}` : "pictures" });
  for (const { photo, caption, has_media_spoiler } of photos) {
    const largest = photo.at(-1);
    const image = el("img", { src: file(largest.file_id), width: largest.width, height: largest.height, alt: caption ?? words.photo, loading: "lazy" });
    const open = el("button", { type: "button", onclick: () => act.enlarge(image.src) }, image);
    if (has_media_spoiler) open.className = "spoiled";
    grid.append(open);
  }
  return grid;
}

function attachments(message) {
  const kind = kindOf(message);
  if (!kind) return [];
  const shown = message[kind];
  const name = shown.file_name ?? words.kinds[kind] ?? words.file;
  const ending = /\.([^.\s]{1,5})$/.exec(shown.file_name ?? "")?.[1].toUpperCase();
  const preview = shown.thumbnail
    ? el("img", { src: file(shown.thumbnail.file_id), alt: "" })
    : el("span", { className: "sheet", "aria-hidden": "true" }, ending ?? SIGNS[kind]);
  const size = shown.file_size > 2 ** 20 ? `${(shown.file_size / 2 ** 20).toFixed(1)} MB` : `${Math.ceil(shown.file_size / 1024)} KB`;
  const link = el("a", { className: "document", href: file(shown.file_id), download: name }, preview, el("span", {}, name, el("small", {}, size)));
  return [link];
}

function invoice({ title, description, total_amount }) {
  return el("div", { className: "invoice" }, el("h3", {}, title), el("div", {}, description), el("div", { className: "price" }, `${total_amount} ★`));
}

// An album's captions: a single one reads as the album's, several are listed.
function texts(album, act) {
  const written = album.filter(item => item.text ?? item.caption);
  const nodes = written.map(item => formatted(item.text ?? item.caption, item.entities ?? item.caption_entities, act.command));
  if (nodes.length < 2) return nodes;
  return [el("div", { className: "captions" }, ...nodes)];
}

function meta(message, act) {
  const time = new Date(message.date * 1000).toLocaleTimeString(document.documentElement.lang, { hour: "numeric", minute: "2-digit" });
  const reply = el("button", { type: "button", onclick: () => act.reply(message) }, words.reply);
  return el("span", { className: "meta" }, reply, `${message.edit_date ? `${words.edited} ` : ""}${time}`);
}

function buttons(rows, message, act) {
  const board = el("div", { className: "buttons" });
  for (const row of rows) {
    const line = el("div");
    for (const button of row) {
      const node = el("button", { type: "button", className: button.pay ? "pay" : "" }, button.url ? `${button.text} ↗` : button.text);
      node.onclick = async () => {
        node.setAttribute("aria-busy", "true");
        try {
          await act.press(button, message);
        } finally {
          node.removeAttribute("aria-busy");
        }
      };
      line.append(node);
    }
    board.append(line);
  }
  return board;
}
