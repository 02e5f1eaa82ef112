"""The bot as Ray Serve deployments: replicas behind a webhook, or one that polls."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from ray import serve

from bot.running import RESTART_S, RunningBot, running_bot
from bot.settings import BotSettings
from bot.updates.polling import Poller
from bot.updates.webhook import Webhook, register, webhook_app
from serve_app.app import running_graph
from serve_app.duties import beside, keep_doing
from serve_app.inventory import inventory_of
from serve_app.settings import Settings


@serve.ingress()
class TelegramWebhook:
    """Takes updates at the application's route. Any number of replicas: who takes an update is decided by its id."""

    def __init__(self, settings: BotSettings, studio: Settings) -> None:
        if settings.webhook_secret is None:
            raise ValueError("a webhook needs webhook_secret")
        self._settings, self._studio = settings, studio
        self._webhook = Webhook(settings.webhook_secret.get_secret_value())

    def __serve_build_asgi_app__(self) -> FastAPI:
        return webhook_app(self._webhook, self._open())

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        async with _running(self._settings, self._studio) as running:
            self._webhook.reception = running.reception
            await register(running.bot, self._settings, running.reception.kinds)
            yield
            self._webhook.reception = None


@serve.ingress()
class TelegramPoller:
    """Asks Telegram for updates. One replica: Telegram allows one poller for a bot."""

    def __init__(self, settings: BotSettings, studio: Settings) -> None:
        self._settings, self._studio = settings, studio

    def __serve_build_asgi_app__(self) -> FastAPI:
        return FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lambda _app: self._open())

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        async with _running(self._settings, self._studio) as running:
            poller = Poller(running.bot, running.reception, drain_s=self._settings.drain_s)
            async with beside(keep_doing(poller.run, RESTART_S)):
                yield


@contextlib.asynccontextmanager
async def _running(settings: BotSettings, studio: Settings) -> AsyncIterator[RunningBot]:
    """The bot over the graph of the cluster that this replica is in."""
    inventory = inventory_of(studio)
    async with running_bot(settings, studio, running_graph(studio, inventory), inventory) as running:
        yield running
