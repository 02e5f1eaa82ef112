"""Every call to Telegram passes here: sending waits for the limits, refusals are obeyed, server errors tried again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import TelegramRetryAfter, TelegramServerError
from aiogram.methods import (
    CopyMessage,
    EditMessageCaption,
    EditMessageMedia,
    EditMessageReplyMarkup,
    EditMessageText,
    ForwardMessage,
    Response,
    SendAnimation,
    SendChatAction,
    SendDocument,
    SendInvoice,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendSticker,
    SendVideo,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType

from bot.delivery.limiter import Limiter
from bot.delivery.messages import NoRoom

COUNTED = (
    CopyMessage,
    EditMessageCaption,
    EditMessageMedia,
    EditMessageReplyMarkup,
    EditMessageText,
    ForwardMessage,
    SendAnimation,
    SendDocument,
    SendInvoice,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendSticker,
    SendVideo,
)

ATTEMPTS = 5

# Whoever is told to wait for longer had better do something else meanwhile; the chat stays blocked.
LONGEST_WAIT_S = 30.0


_room_s: ContextVar[float | None] = ContextVar("room_s", default=None)


@contextlib.contextmanager
def room_within(seconds: float) -> Iterator[None]:
    """What is sent in this block, and finds no room within the limits for so long, is not sent: :class:`NoRoom`.

    For messages that would not be true any more.
    """
    token = _room_s.set(seconds)
    try:
        yield
    finally:
        _room_s.reset(token)


class Outbound(BaseRequestMiddleware):
    """A request middleware: ``bot.session.middleware(Outbound(limiter))``.

    A call that was refused (429) or failed in the server (5xx) was not carried out, so it is made again, a few times.
    After a broken connection it is not: nobody knows what became of the call.
    """

    def __init__(self, limiter: Limiter, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._limiter = limiter
        self._sleep = sleep

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        counted: int | str | None = getattr(method, "chat_id", None) if isinstance(method, COUNTED) else None
        attempt = 1
        while True:
            if counted is not None:
                await self._acquire(counted, len(method.media) if isinstance(method, SendMediaGroup) else 1)
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                if counted is not None:
                    await self._limiter.refused(counted, error.retry_after)
                if isinstance(method, SendChatAction) or attempt == ATTEMPTS or error.retry_after > LONGEST_WAIT_S:
                    raise
                if counted is None:
                    await self._sleep(error.retry_after)
            except TelegramServerError:
                if isinstance(method, SendChatAction) or attempt == ATTEMPTS:
                    raise
                await self._sleep(0.25 * 2**attempt)
            attempt += 1

    async def _acquire(self, chat_id: int | str, messages: int) -> None:
        try:
            async with asyncio.timeout(_room_s.get()) as room:
                await self._limiter.acquire(chat_id, messages)
        except TimeoutError as error:
            if not room.expired():
                raise
            raise NoRoom("the limits leave no room now") from error
