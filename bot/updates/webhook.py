"""The webhook: Telegram calls with an update and a secret; 200 means that it was handled."""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
from contextlib import AbstractAsyncContextManager, nullcontext

from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.types import Update
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from bot.settings import BotSettings
from bot.updates.reception import Outcome, Reception

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
MAX_BODY = 1 << 20
RETRY_AFTER_S = 2
MAX_CONNECTIONS = 40


class Webhook:
    """Takes updates. Answers 401 without the secret, and 503 with Retry-After when an update has to come again."""

    def __init__(self, secret: str) -> None:
        """Raises ``ValueError`` for an empty secret, which would let anybody in."""
        if not secret:
            raise ValueError("a webhook needs a secret")
        self._secret = secret.encode()
        self.reception: Reception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret):
            return Response(status_code=401)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return Response(status_code=413)
        try:
            update = Update.model_validate_json(body)
        except ValidationError:
            # A kind of update newer than this library: it would fail every time, for a day.
            log.warning("an update cannot be read")
            return Response(status_code=200)
        pause_s: float = RETRY_AFTER_S
        if self.reception is not None:
            received = await self.reception.receive(update)
            if received.outcome is Outcome.HANDLED:
                return Response(status_code=200)
            pause_s = max(pause_s, received.pause_s)
        return Response(status_code=503, headers={"Retry-After": str(math.ceil(pause_s))})


def webhook_app(webhook: Webhook, lifespan: AbstractAsyncContextManager[None] | None = None) -> FastAPI:
    """The ASGI application around a webhook, open while ``lifespan`` is.

    Whatever address it is reached at is the webhook's: that part is between Telegram and the proxy in front.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lambda _app: lifespan or nullcontext())
    app.router.default = webhook
    return app


async def register(bot: Bot, settings: BotSettings, kinds: list[str]) -> None:
    """Tell Telegram where to call. Replicas start at the same moment, and Telegram takes one such call a second."""
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
        else:
            return
