"""Questions people put to the bot that it must answer in time: taps on buttons and inline queries."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bot.playground.errors import query_too_old
from bot.playground.model import Chat, Json, Message, User
from bot.playground.state import Telegram

_KEPT_FOR = 600.0


def new_query_id() -> str:
    """An identifier as the Bot API gives queries: digits of a 64-bit number."""
    return str(secrets.randbits(62) + 2**62)


class _Expiring(Protocol):
    deadline: float


Q = TypeVar("Q", bound=_Expiring)


@dataclass(slots=True, eq=False)
class Tap:
    """A tap on a callback button. ``answer`` holds text, show_alert and url once the bot has answered."""

    id: str
    user: User
    message: Message
    data: str
    deadline: float
    answer: Json | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class InlineQuery:
    """What someone typed after the bot's name in any chat. ``answer`` holds the results once there are any."""

    id: str
    user: User
    text: str
    deadline: float
    answer: Json | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Interactions:
    """Open questions, until their deadlines."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._taps: dict[str, Tap] = {}
        self._inline: dict[str, InlineQuery] = {}

    def tap(self, user: User, message: Message, data: str) -> Tap:
        """Someone taps a button: the bot gets a callback query."""
        telegram = self._telegram
        now = telegram.clock.time()
        tap = Tap(new_query_id(), user, message, data, now + telegram.deadlines.callback_answer)
        _keep(self._taps, tap.id, tap, now)
        query: Json = {
            "id": tap.id,
            "from": user.json(),
            "chat_instance": str(abs(hash((message.chat.id, telegram.bot.id)))),
            "data": data,
        }
        if message.inline_message_id is not None:
            query["inline_message_id"] = message.inline_message_id
        else:
            query["message"] = message.inaccessible() if message.deleted else message.json()
        lifetime = telegram.deadlines.callback_update
        telegram.updates.push("callback_query", query, lane=f"taps/{user.id}", lifetime=lifetime)
        return tap

    def answer_tap(self, query_id: str, answer: Json) -> None:
        """The bot's answer to a callback query; raises `ApiError` when it comes too late, or a second time."""
        tap = self._open(self._taps, query_id)
        tap.answer = answer
        tap.answered.set()
        del self._taps[query_id]

    def ask_inline(self, user: User, text: str, chat: Chat | None) -> InlineQuery:
        """Someone types the bot's name and a query into a message."""
        telegram = self._telegram
        now = telegram.clock.time()
        query = InlineQuery(new_query_id(), user, text, now + telegram.deadlines.inline_answer)
        _keep(self._inline, query.id, query, now)
        where = "sender" if chat is not None and chat.id == user.id else "private" if chat is None else chat.type
        body = {"id": query.id, "from": user.json(), "query": text, "offset": "", "chat_type": where}
        lifetime = telegram.deadlines.inline_answer
        telegram.updates.push("inline_query", body, lane=f"inline/{user.id}", lifetime=lifetime)
        return query

    def answer_inline(self, query_id: str, answer: Json) -> None:
        query = self._open(self._inline, query_id)
        query.answer = answer
        query.answered.set()
        del self._inline[query_id]

    def _open(self, queries: MutableMapping[str, Q], query_id: str) -> Q:
        query = queries.get(query_id)
        if query is None or query.deadline < self._telegram.clock.time():
            raise query_too_old()
        return query


def _keep(queries: MutableMapping[str, Q], query_id: str, query: Q, now: float) -> None:
    for old in [known for known, kept in queries.items() if kept.deadline < now - _KEPT_FOR]:
        del queries[old]
    queries[query_id] = query
