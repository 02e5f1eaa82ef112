"""Questions people put to the bot that it must answer in time: taps on buttons and inline queries."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from bot.playground.telegram.errors import query_too_old
from bot.playground.telegram.model import Json, Message, User
from bot.playground.telegram.state import Telegram


def new_query_id() -> str:
    """An identifier as the Bot API gives queries: digits of a 64-bit number."""
    return str(secrets.randbits(62) + 2**62)


@dataclass(slots=True, eq=False)
class Query:
    """A question that the bot has until ``deadline`` to answer."""

    id: str
    user: User
    deadline: float
    answer: Json | None = field(default=None, init=False)
    answered: asyncio.Event = field(default_factory=asyncio.Event, init=False)


@dataclass(slots=True, eq=False)
class Tap(Query):
    """A tap on a callback button. ``answer`` holds text, show_alert and url once the bot has answered."""

    message: Message
    data: str


@dataclass(slots=True, eq=False)
class InlineQuery(Query):
    """What someone typed after the bot's name in any chat. ``answer`` holds the results once there are any."""

    text: str


class Interactions:
    """Open questions, until their deadlines."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._open: dict[str, Query] = {}

    def tap(self, user: User, message: Message, data: str) -> Tap:
        """Someone taps a button: the bot gets a callback query."""
        telegram = self._telegram
        tap = Tap(new_query_id(), user, telegram.clock.time() + telegram.deadlines.callback_answer, message, data)
        self._keep(tap)
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

    def ask_inline(self, user: User, text: str) -> InlineQuery:
        """Someone types the bot's name and a query into a message."""
        telegram = self._telegram
        lifetime = telegram.deadlines.inline_answer
        query = InlineQuery(new_query_id(), user, telegram.clock.time() + lifetime, text)
        self._keep(query)
        body = {"id": query.id, "from": user.json(), "query": text, "offset": "", "chat_type": "private"}
        telegram.updates.push("inline_query", body, lane=f"inline/{user.id}", lifetime=lifetime)
        return query

    def answer_tap(self, query_id: str, answer: Json) -> None:
        """The bot's answer to a callback query; raises `ApiError` when it comes too late, or a second time."""
        self._answer(Tap, query_id, answer)

    def answer_inline(self, query_id: str, answer: Json) -> None:
        """The bot's answer to an inline query; raises `ApiError` as :meth:`answer_tap` does."""
        self._answer(InlineQuery, query_id, answer)

    def _keep(self, query: Query) -> None:
        now = self._telegram.clock.time()
        self._open = {number: kept for number, kept in self._open.items() if kept.deadline >= now}
        self._open[query.id] = query

    def _answer(self, kind: type[Query], query_id: str, answer: Json) -> None:
        query = self._open.get(query_id)
        if not isinstance(query, kind) or query.deadline < self._telegram.clock.time():
            raise query_too_old()
        del self._open[query_id]
        query.answer = answer
        query.answered.set()
