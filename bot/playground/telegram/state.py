"""The imitated Telegram itself: everyone's chats with the bot, without a line of HTTP."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.playground.clock import Clock
from bot.playground.telegram.errors import ApiError, bad_request, forbidden
from bot.playground.telegram.files import FileStore
from bot.playground.telegram.model import BotProfile, Chat, ChatType, Event, Json, Message, User
from bot.playground.telegram.payments import Ledger
from bot.playground.telegram.updates import UpdateQueue

_FIRST_USER = 5_000_000_001
_FIRST_GROUP = 4_000_001
_SUPERGROUP_BASE = 1_000_000_000_000
_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """For how many seconds Telegram keeps an update, and waits for an answer to it."""

    update: float = 86_400
    callback_update: float = 150
    callback_answer: float = 15
    inline_answer: float = 30
    checkout_update: float = 150
    checkout_answer: float = 10


class Telegram:
    """Users, chats and messages. Whoever ``listens`` hears of everything people would see happen.

    Bots remember people and groups by their numbers: with other ``numbers``, these are nobody that a bot has met.
    """

    def __init__(
        self, bot: BotProfile, clock: Clock, files: FileStore, updates: UpdateQueue, *, numbers: int = 0
    ) -> None:
        self.bot = bot
        self.clock = clock
        self.files = files
        self.updates = updates
        self.deadlines = Deadlines()
        self.ledger = Ledger()
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.inline_messages: dict[str, Message] = {}
        self.listeners: list[Callable[[Event], None]] = []
        self._user_ids = itertools.count(_FIRST_USER + numbers)
        self._group_ids = itertools.count(_FIRST_GROUP + numbers)
        self._message_ids = itertools.count(1)
        self._group_message_ids: dict[int, itertools.count[int]] = {}

    def now(self) -> int:
        """Unix time in whole seconds, as messages carry it."""
        return int(self.clock.time())

    def tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    # -- people and chats --------------------------------------------------------------------------------------------

    def add_user(self, first_name: str, *, stars: int = 0, **details: Any) -> User:
        """A new account; ``details`` are fields of `User`."""
        user = User(details.pop("id", None) or next(self._user_ids), first_name, stars=stars, **details)
        self.users[user.id] = user
        return user

    def private_chat(self, user: User) -> Chat:
        """The chat of this user and the bot, which opens with the first thing they send."""
        chat = self.chats.get(user.id)
        if chat is None:
            chat = self.chats[user.id] = Chat(user.id, "private", user=user, members={user.id: user})
        return chat

    def add_group(self, title: str, members: Iterable[User], kind: ChatType = "supergroup") -> Chat:
        """A group that the bot is in from the start."""
        number = next(self._group_ids)
        chat_id = -number if kind == "group" else -_SUPERGROUP_BASE - number
        chat = self.chats[chat_id] = Chat(chat_id, kind, title, members={user.id: user for user in members})
        return chat

    def chat(self, chat_id: str) -> Chat:
        """The chat a bot names; raises `ApiError`."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        # Names are those of public groups and channels, and there are none here.
        chat = self.chats.get(int(chat_id)) if _NUMBER.fullmatch(chat_id) else None
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def writable_chat(self, chat_id: str) -> Chat:
        """The chat a bot means to write to; raises `ApiError` where it may not."""
        if chat_id == str(self.bot.id):
            raise forbidden("the bot can't send messages to the bot")
        try:
            chat = self.chat(chat_id)
        except ApiError:
            if _NUMBER.fullmatch(chat_id) and int(chat_id) in self.users:
                raise forbidden("bot can't initiate conversation with a user") from None
            raise
        if chat.user is not None:
            if chat.user.deactivated:
                raise forbidden("user is deactivated")
            if not chat.user.started:
                raise forbidden("bot can't initiate conversation with a user")
            if chat.user.blocked_bot:
                raise forbidden("bot was blocked by the user")
        elif chat.bot_status in {"left", "kicked"}:
            what = "was kicked from" if chat.bot_status == "kicked" else "is not a member of"
            raise forbidden(f"bot {what} the {chat.type} chat")
        return chat

    # -- messages ----------------------------------------------------------------------------------------------------

    def message(self, chat: Chat, message_id: int, purpose: str) -> Message:
        """A message that still exists; raises `ApiError` with "<purpose> not found"."""
        message = chat.messages.get(message_id)
        if message is None:
            raise bad_request(f"{purpose} not found")
        return message

    def inline_message(self, inline_message_id: str) -> Message:
        message = self.inline_messages.get(inline_message_id)
        if message is None or message.deleted:
            raise bad_request("MESSAGE_ID_INVALID")
        return message

    def post(self, chat: Chat, sender: User | None, content: Json, **details: Any) -> Message:
        """Put a message into a chat; without ``sender`` it is the bot's. ``details`` are fields of `Message`."""
        content = self._with_mentioned_users(content)
        message = Message(self._next_message_id(chat), chat, sender, self.bot, self.now(), content, **details)
        message.by_bot = sender is None
        chat.messages[message.id] = message
        if message.inline_message_id is not None:
            self.inline_messages[message.inline_message_id] = message
        self.tell(Event("message", chat.id, message))
        return message

    def edit(self, message: Message, content: Json, reply_markup: Json | None) -> None:
        """Replace what a message shows; raises `ApiError` where nothing would change."""
        content = self._with_mentioned_users(content)
        if content == message.content and reply_markup == message.reply_markup:
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same as a "
                "current content and reply markup of the message"
            )
        # A message whose buttons alone change is not marked as edited.
        if content != message.content:
            message.edit_date = self.now()
        message.content, message.reply_markup = content, reply_markup
        self.tell(Event("edit", message.chat.id, message))

    def delete(self, message: Message) -> None:
        message.deleted = True
        message.chat.messages.pop(message.id, None)
        self.tell(Event("delete", message.chat.id, message))

    def _next_message_id(self, chat: Chat) -> int:
        # Private chats and basic groups of an account share one counter, each supergroup has its own.
        if chat.type != "supergroup":
            return next(self._message_ids)
        return next(self._group_message_ids.setdefault(chat.id, itertools.count(1)))

    def _with_mentioned_users(self, content: Json) -> Json:
        """Give mentions without a username the user they mean; drop those of people nobody knows."""
        complete = dict(content)
        for name in ("entities", "caption_entities"):
            kept = []
            for entity in complete.pop(name, ()):
                user = self.users.get(entity.get("user_id", 0))
                if entity["type"] != "text_mention":
                    kept.append(entity)
                elif user is not None:
                    known = {key: value for key, value in entity.items() if key != "user_id"}
                    kept.append(known | {"user": user.json()})
            if kept:
                complete[name] = kept
        return complete
