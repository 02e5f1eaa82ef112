"""Every call to Telegram passes here: sending waits for the limits, refusals are obeyed, server errors tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

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
                await self._limiter.acquire(counted, len(method.media) if isinstance(method, SendMediaGroup) else 1)
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
