"""The webhook: Telegram calls with an update and a secret; 200 means that it was handled."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.types import Update
from fastapi import FastAPI, Header, Request, Response
from pydantic import ValidationError

from bot.dispatcher import Reception
from bot.settings import BotSettings

log = logging.getLogger(__name__)

MAX_BODY = 1 << 20
RETRY_AFTER_S = "2"
MAX_CONNECTIONS = 40


def webhook_app(reception: Callable[[], Awaitable[Reception]], settings: BotSettings, path: str = "/") -> FastAPI:
    """The ASGI application that takes updates at ``path``. Raises ``ValueError`` without a secret."""
    if settings.webhook_secret is None:
        raise ValueError("a webhook needs webhook_secret")
    secret = settings.webhook_secret.get_secret_value().encode()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post(path)
    async def receive(request: Request, x_telegram_bot_api_secret_token: Annotated[str, Header()] = "") -> Response:
        """401 without the secret, 503 when the update has to come again."""
        if not hmac.compare_digest(x_telegram_bot_api_secret_token.encode(), secret):
            return Response(status_code=401)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return Response(status_code=413)
        try:
            update = Update.model_validate_json(body)
        except ValidationError:
            # Something newer than this library: it would fail every time, for a day.
            log.exception("an update cannot be read")
            return Response(status_code=200)
        if await (await reception()).receive(update):
            return Response(status_code=200)
        return Response(status_code=503, headers={"Retry-After": RETRY_AFTER_S})

    return app


async def register(bot: Bot, settings: BotSettings, kinds: list[str]) -> None:
    """Tell Telegram where to call, unless it knows. Several replicas may start at once: Telegram takes one a second."""
    if settings.webhook_url is None or settings.webhook_secret is None:
        raise ValueError("a webhook needs webhook_url and webhook_secret")
    while True:
        try:
            await bot.set_webhook(
                settings.webhook_url,
                secret_token=settings.webhook_secret.get_secret_value(),
                allowed_updates=kinds,
                max_connections=MAX_CONNECTIONS,
            )
        except TelegramRetryAfter as error:
            await asyncio.sleep(error.retry_after)
        except TelegramAPIError as error:
            log.warning("the webhook could not be set: %s", error)
            raise
        else:
            return
