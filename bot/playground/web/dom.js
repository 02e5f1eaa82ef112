// Building the page out of nodes: text from people and the bot is always text, never markup.
export const byId = id => document.getElementById(id);

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter(child => child !== null && child !== undefined && child !== false));
  return node;
}

const COLOURS = ["#8a3f5c", "#3f6c8a", "#4a7a4a", "#8a6a2f", "#6b4a9c", "#a0503c"];

export function face(id, name) {
  const node = el("span", { className: "face", "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? "?");
  node.style.background = COLOURS[Math.abs(Number(id)) % COLOURS.length];
  return node;
}

const TAGS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};

const BLOCKS = new Set(["BLOCKQUOTE", "PRE"]);

// Entities count UTF-16 units, as JavaScript's strings do. They nest, outermost first.
export function formatted(text, entities = [], onCommand = () => {}) {
  const fill = (parent, begin, end, inside) => {
    let at = begin;
    while (inside.length) {
      const entity = inside.shift();
      const stop = Math.min(entity.offset + entity.length, end);
      if (entity.offset < at) continue;
      const nested = [];
      while (inside.length && inside[0].offset < stop) nested.push(inside.shift());
      parent.append(text.slice(at, entity.offset));
      const node = entityNode(entity, text.slice(entity.offset, stop), onCommand);
      fill(node, entity.offset, stop, nested);
      parent.append(node);
      // A block ends its own line; the text's line break after it would show as an empty one.
      at = BLOCKS.has(node.tagName) && text[stop] === "\n" ? stop + 1 : stop;
    }
    if (at < end) parent.append(text.slice(at, end));
  };
  const words = el("div", { className: "words" });
  fill(words, 0, text.length, [...entities]);
  return words;
}

function entityNode(entity, covered, onCommand) {
  if (TAGS[entity.type]) return el(TAGS[entity.type]);
  if (entity.type === "spoiler") return el("span", { className: "spoiler", tabIndex: 0 });
  if (entity.type === "bot_command") return el("button", { type: "button", className: "command", onclick: () => onCommand(covered) });
  if (entity.type === "text_link" || entity.type === "url") {
    const link = safeLink(entity.url ?? covered);
    return link ? el("a", { href: link, target: "_blank", rel: "noopener noreferrer" }) : el("span");
  }
  return el("span", { className: entity.type });
}

export function safeLink(address) {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`;
  try {
    const url = new URL(whole);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
