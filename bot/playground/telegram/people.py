"""What people do: write, tap, block the bot; and which of it the bot gets to hear."""

from __future__ import annotations

import secrets
from typing import Any

from bot.playground.telegram.interactions import InlineQuery
from bot.playground.telegram.model import BotStatus, Chat, Event, Json, Message, User, member_json
from bot.playground.telegram.state import Telegram
from bot.playground.telegram.text import entity_text, format_text

_CAPTIONED = {"photo", "document", "video", "animation", "audio", "voice"}


class NotPossible(Exception):
    """A person's app would not let them do this."""


class People:
    """The other end of every chat."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    def send(self, user: User, chat: Chat, content: Json, **details: Any) -> Message:
        """Someone sends something; ``details`` are fields of `Message`. The bot hears of it if it may."""
        if user.deactivated:
            raise NotPossible("the account is deleted")
        if chat.user is not None:
            if user.blocked_bot:
                raise NotPossible("the bot is blocked")
            user.started = True
        elif user.id not in chat.members:
            raise NotPossible("not a member of the group")
        message = self._telegram.post(chat, user, content, **details)
        self._push_message("message", message)
        return message

    def edit(self, message: Message, text: str) -> None:
        """Someone rewrites the text or the caption of their message."""
        captioned = next((kind for kind in _CAPTIONED if kind in message.content), None)
        name = "caption" if captioned else "text"
        kept = {key: value for key, value in message.content.items() if not key.startswith((name, "entities"))}
        self._telegram.edit(message, kept | format_text(text).fields(name), message.reply_markup)
        self._push_message("edited_message", message)

    # -- with the bot as a whole ---------------------------------------------------------------------------------------

    def block(self, user: User) -> None:
        user.blocked_bot = True
        self._push_membership(self._telegram.private_chat(user), user, "member", "kicked")

    def unblock(self, user: User) -> None:
        user.blocked_bot = False
        self._push_membership(self._telegram.private_chat(user), user, "kicked", "member")

    def delete_chat(self, user: User) -> None:
        """The user deletes the chat for both sides: its messages are gone, writing is still possible."""
        for message in list(self._telegram.private_chat(user).messages.values()):
            self._telegram.delete(message)

    def deactivate(self, user: User) -> None:
        user.deactivated = True

    def set_bot_status(self, chat: Chat, by: User, status: BotStatus) -> None:
        """A member adds the bot to a group, promotes it or throws it out."""
        before, chat.bot_status = chat.bot_status, status
        self._push_membership(chat, by, before, status)
        if before in {"left", "kicked"} and status in {"member", "administrator"}:
            bot = self._telegram.bot.json()
            content = {"new_chat_participant": bot, "new_chat_member": bot, "new_chat_members": [bot]}
            self._push_message("message", self._telegram.post(chat, by, content))

    # -- inline --------------------------------------------------------------------------------------------------------

    def share(self, user: User, result: Json, chat: Chat, query: InlineQuery) -> Message:
        """Someone posts one of the bot's inline results into a chat."""
        markup = result.get("reply_markup")
        inline_id = f"AQAA{secrets.token_urlsafe(16)}" if markup else None
        details: dict[str, Any] = {"reply_markup": markup, "via_bot": True, "inline_message_id": inline_id}
        message = self._telegram.post(chat, user, result["content"], **details)
        if chat.id in self._telegram.chats:
            self._push_message("message", message)
        chosen = {"result_id": result["id"], "from": user.json(), "query": query.text}
        if inline_id is not None:
            chosen["inline_message_id"] = inline_id
        self._telegram.updates.push("chosen_inline_result", chosen, lane=f"chosen/{user.id}", lifetime=600)
        return message

    # -- what the bot hears --------------------------------------------------------------------------------------------

    def hears(self, message: Message) -> bool:
        """Whether the bot gets this message: everything in private, in groups what its privacy mode lets through."""
        chat, bot = message.chat, self._telegram.bot
        if chat.user is not None:
            return True
        if chat.bot_status in {"left", "kicked"}:
            return False
        if not bot.privacy_mode or chat.bot_status == "administrator" or message.via_bot:
            return True
        if message.reply_to is not None and message.reply_to.by_bot:
            return True
        return self._is_command(message) or "new_chat_members" in message.content

    def _is_command(self, message: Message) -> bool:
        for name in ("text", "caption"):
            entities = message.content.get("entities" if name == "text" else "caption_entities", [])
            if entities and entities[0]["type"] == "bot_command" and entities[0]["offset"] == 0:
                _, _, addressee = entity_text(message.content[name], entities[0]).partition("@")
                return addressee.lower() in {"", self._telegram.bot.username.lower()}
        return False

    def _push_message(self, kind: str, message: Message) -> None:
        if self.hears(message):
            lifetime = self._telegram.deadlines.update
            self._telegram.updates.push(kind, message.json(), lane=f"chat/{message.chat.id}", lifetime=lifetime)

    def _push_membership(self, chat: Chat, by: User, before: BotStatus, after: BotStatus) -> None:
        bot = self._telegram.bot.json()
        change = {
            "chat": chat.json(),
            "from": by.json(),
            "date": self._telegram.now(),
            "old_chat_member": member_json(bot, before),
            "new_chat_member": member_json(bot, after),
        }
        lifetime = self._telegram.deadlines.update
        self._telegram.updates.push("my_chat_member", change, lane=f"member/{chat.id}", lifetime=lifetime)
        self._telegram.tell(Event("profile", chat.id, details={"bot_status": after}))
