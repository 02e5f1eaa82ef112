"""Every call to Telegram passes here: sending waits for the limits, refusals are obeyed, server errors tried again."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import TelegramRetryAfter, TelegramServerError
from aiogram.methods import AnswerCallbackQuery, Response, SendChatAction, SendMediaGroup, TelegramMethod
from aiogram.methods.base import TelegramType

from bot.delivery.limiter import LONGEST_WAIT_S, Limiter
from bot.delivery.messages import Flooded

COUNTED = ("send", "edit", "copy", "forward")
"""How the methods begin whose messages Telegram counts, an activity apart."""

ATTEMPTS = 5


_in_lull: ContextVar[bool] = ContextVar("in_lull", default=False)


@contextlib.contextmanager
def in_lull() -> Iterator[None]:
    """What is sent in this block has found its room (:meth:`Limiter.lull`, :meth:`Limiter.enter`) and leaves at once.

    It is sent once, and a refusal is the caller's to deal with: sent later, it might not be true any more.
    """
    token = _in_lull.set(True)
    try:
        yield
    finally:
        _in_lull.reset(token)


class Outbound(BaseRequestMiddleware):
    """A request middleware: ``bot.session.middleware(Outbound(limiter))``.

    A call that was refused (429) or failed in the server (5xx) was not carried out, so it is made again, a few times.
    After a broken connection it is not: nobody knows what became of the call.

    The limiter keeps the pauses that Telegram demands of messages; those of other calls (``getFile``, the answers to
    taps) are kept here, for each method and the chat it speaks of, if any.
    """

    def __init__(
        self,
        limiter: Limiter,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limiter = limiter
        self._sleep = sleep
        self._clock = clock
        self._not_before: dict[_Kind, float] = {}

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        counted = _counted(method)
        # An activity, too, is worth showing now or not at all.
        admitted = _in_lull.get()
        once = admitted or isinstance(method, SendChatAction)
        # What a tap asks for is not to wait until its button may stop being grey.
        patience_s = 0.0 if once or isinstance(method, AnswerCallbackQuery) else LONGEST_WAIT_S
        attempt = 1
        while True:
            if counted is None:
                await self._pause(method, patience_s)
            elif not admitted:
                await self._room(method, counted)
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                if counted is None:
                    self._refused(method, error.retry_after)
                else:
                    await self._limiter.refused(counted, error.retry_after)
                if once or attempt == ATTEMPTS or error.retry_after > patience_s:
                    raise
            except TelegramServerError:
                if once or attempt == ATTEMPTS:
                    raise
                await self._sleep(0.25 * 2**attempt)
            attempt += 1

    async def _room(self, method: TelegramMethod[TelegramType], chat_id: int | str) -> None:
        """Wait for the limits. Raises what Telegram would answer where it wants a long pause."""
        try:
            await self._limiter.acquire(chat_id, len(method.media) if isinstance(method, SendMediaGroup) else 1)
        except Flooded as error:
            raise _as_before(method, error.retry_after) from error

    async def _pause(self, method: TelegramMethod[TelegramType], most_s: float) -> None:
        """Wait until Telegram takes this call again. Raises what it would answer where that takes longer than ``most_s``."""
        left = self._not_before.get(_kind(method), 0.0) - self._clock()
        if left > most_s:
            raise _as_before(method, left)
        if left > 0:
            await self._sleep(left)

    def _refused(self, method: TelegramMethod[TelegramType], retry_after: float) -> None:
        now = self._clock()
        self._not_before = {kind: until for kind, until in self._not_before.items() if until > now}
        self._not_before[_kind(method)] = now + retry_after


def _as_before(method: TelegramMethod[TelegramType], left: float) -> TelegramRetryAfter:
    return TelegramRetryAfter(method, "Too Many Requests, as Telegram said before", math.ceil(left))


_Kind = tuple[str, int | str | None]


def _kind(method: TelegramMethod[TelegramType]) -> _Kind:
    """What calls are refused together: a method, in a chat where it speaks of one."""
    return method.__api_method__, getattr(method, "chat_id", None)


def _counted(method: TelegramMethod[TelegramType]) -> int | str | None:
    """The chat against whose limits a call counts; None where it counts against none."""
    counts = method.__api_method__.startswith(COUNTED) and not isinstance(method, SendChatAction)
    return getattr(method, "chat_id", None) if counts else None
