// The page's own words. The bot's come from the bot.
const WORDS = {
  en: {
    tagline: "Your bot, without Telegram", people: "People", groups: "Groups", addPerson: "Add a person",
    addGroup: "Start a group", note: "Nothing here leaves this computer. Stars are play money.", menu: "People and groups",
    log: "Messages", commands: "Commands", attach: "Attach", write: "Message", send: "Send", asPhoto: "Send as photo",
    asFile: "Send as file, untouched", whoAreYou: "Who is writing?", name: "Name", language: "Language",
    cancel: "Cancel", create: "Create", close: "Close", ok: "OK", online: "online", members: n => `${n} members`,
    start: "Start", hello: "Press Start to meet the bot.", edited: "edited", reply: "Reply", remove: "Remove",
    filesInstead: "as files", forwarded: from => `Forwarded from ${from}`, block: "Block the bot", unblock: "Unblock the bot",
    pay: "Pay", payTitle: "Pay with Stars", payFor: (title, stars, have) => `${title}: ${stars} ★. You have ${have} ★.`,
    paid: stars => `Paid ${stars} ★`, refunded: stars => `${stars} ★ given back`, joined: "The bot joined the group",
    late: "The bot did not answer in time.", failed: "The payment did not go through.", open: "Open this link?",
    groupName: "Name of the group", copied: "Copied", share: "Share", shareTo: "Send to", nothingToShare: "The bot offers nothing to share here.",
    photo: "Photo", file: "File", you: "You",
    kinds: { video: "Video", animation: "GIF", audio: "Music", voice: "Voice message", video_note: "Video message", sticker: "Sticker" },
    actions: { typing: "typing…", upload_photo: "sending a photo…", upload_document: "sending a file…", default: "busy…" },
  },
  ru: {
    tagline: "Ваш бот без Telegram", people: "Люди", groups: "Группы", addPerson: "Добавить человека",
    addGroup: "Создать группу", note: "Всё остаётся на этом компьютере. Звёзды игрушечные.", menu: "Люди и группы",
    log: "Сообщения", commands: "Команды", attach: "Прикрепить", write: "Сообщение", send: "Отправить", asPhoto: "Отправить как фото",
    asFile: "Отправить файлом, без сжатия", whoAreYou: "Кто пишет?", name: "Имя", language: "Язык",
    cancel: "Отмена", create: "Создать", close: "Закрыть", ok: "OK", online: "в сети", members: n => `участников: ${n}`,
    start: "Начать", hello: "Нажмите «Начать», чтобы познакомиться с ботом.", edited: "изменено", reply: "Ответить", remove: "Убрать",
    filesInstead: "файлами", forwarded: from => `Переслано от: ${from}`, block: "Заблокировать бота", unblock: "Разблокировать бота",
    pay: "Заплатить", payTitle: "Оплата звёздами", payFor: (title, stars, have) => `${title}: ${stars} ★. У вас ${have} ★.`,
    paid: stars => `Оплачено: ${stars} ★`, refunded: stars => `Возвращено: ${stars} ★`, joined: "Бот добавлен в группу",
    late: "Бот не ответил вовремя.", failed: "Оплата не прошла.", open: "Открыть ссылку?",
    groupName: "Название группы", copied: "Скопировано", share: "Поделиться", shareTo: "Куда отправить", nothingToShare: "Здесь боту нечем поделиться.",
    photo: "Фото", file: "Файл", you: "Вы",
    kinds: { video: "Видео", animation: "GIF", audio: "Музыка", voice: "Голосовое сообщение", video_note: "Видеосообщение", sticker: "Стикер" },
    actions: { typing: "печатает…", upload_photo: "отправляет фото…", upload_document: "отправляет файл…", default: "занят…" },
  },
};

let current = WORDS.en;

export function speak(language) {
  const code = language?.startsWith("ru") ? "ru" : "en";
  current = WORDS[code];
  document.documentElement.lang = code;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = current[node.dataset.word];
  for (const node of document.querySelectorAll("[data-label]")) {
    const label = current[node.dataset.label];
    node.setAttribute("aria-label", label);
    if (node instanceof HTMLTextAreaElement) node.placeholder = label;
    else if (node.classList.contains("icon")) node.title = label;
  }
}

export const words = new Proxy({}, { get: (_, name) => current[name] });
