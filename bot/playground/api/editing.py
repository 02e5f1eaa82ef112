"""Methods that change or remove what is there."""

from __future__ import annotations

from bot.playground.api.call import Call
from bot.playground.api.keyboards import checked_markup
from bot.playground.api.registry import BotApi, method
from bot.playground.api.sending import message_text
from bot.playground.telegram.errors import bad_request
from bot.playground.telegram.model import Json, Message

_DELETABLE_FOR = 48 * 3600


def _target(api: BotApi, call: Call) -> Message:
    """The message to edit; raises `ApiError` where the bot may not."""
    if not call.text("chat_id") and not call.text("message_id"):
        if not call.text("inline_message_id"):
            raise bad_request("Message identifier is not specified")
        return api.telegram.inline_message(call.text("inline_message_id"))
    chat = api.telegram.writable_chat(call.text("chat_id"))
    message = api.telegram.message(chat, call.integer("message_id"), "message to edit")
    if not message.by_bot or message.forward_origin is not None:
        raise bad_request("message can't be edited")
    return message


def _change(api: BotApi, message: Message, content: Json, markup: Json | None) -> Json | bool:
    # Counted like messages: Telegram's limits do not tell the two apart.
    api.admit(message.chat)
    api.telegram.edit(message, content, markup)
    return True if message.inline_message_id is not None else message.json()


def _markup(call: Call, message: Message) -> Json | None:
    value = call.json("reply_markup", "reply keyboard markup")
    return checked_markup(value, for_invoice=message.invoice is not None, inline_only=True)


@method("editMessageText")
async def edit_message_text(api: BotApi, call: Call) -> Json | bool:
    text = message_text(call)
    message = _target(api, call)
    markup = _markup(call, message)
    if "text" not in message.content:
        raise bad_request("there is no text in the message to edit")
    return _change(api, message, text.fields("text"), markup)


@method("editMessageReplyMarkup")
async def edit_message_reply_markup(api: BotApi, call: Call) -> Json | bool:
    message = _target(api, call)
    return _change(api, message, message.content, _markup(call, message))


def _check_deletable(api: BotApi, message: Message) -> None:
    # In private chats a bot may also delete what the person sent; in groups only as an administrator.
    foreign = not message.by_bot and message.chat.user is None and message.chat.bot_status != "administrator"
    if foreign:
        raise bad_request("message can't be deleted")
    if api.telegram.now() - message.date > _DELETABLE_FOR:
        raise bad_request("message can't be deleted for everyone")


@method("deleteMessage")
async def delete_message(api: BotApi, call: Call) -> bool:
    if not call.text("chat_id"):
        raise bad_request("Chat identifier is not specified")
    if call.integer("message_id") <= 0:
        raise bad_request("Message identifier is not specified")
    chat = api.telegram.writable_chat(call.text("chat_id"))
    message = api.telegram.message(chat, call.integer("message_id"), "message to delete")
    _check_deletable(api, message)
    api.telegram.delete(message)
    return True
