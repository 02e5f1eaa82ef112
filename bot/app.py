"""The bot's Serve application, beside the graph's: ``bot.app:app`` as an ``import_path``, with route ``/telegram``."""

from __future__ import annotations

from dataclasses import replace

from ray import serve
from ray.serve import Application

from bot.accounts.licences import refuse_unlicensed_sales
from bot.ingress import TelegramPoller, TelegramWebhook
from bot.settings import BotSettings
from serve_app.inventory import inventory_of
from serve_app.settings import Settings
from serve_app.topology import BOT


def build(settings: BotSettings, studio: Settings | None = None) -> Application:
    """Bind the bot in the mode its settings say. Raises ``Unlicensed`` when it would sell what it may not."""
    studio = studio or Settings()
    refuse_unlicensed_sales(inventory_of(studio), settings.tariff.sold, settings.licence_references)
    kind: type = TelegramWebhook
    shape = BOT[studio.profile]
    if settings.mode == "polling":
        kind, shape = TelegramPoller, replace(shape, scaling=None)
    return serve.deployment(name=kind.__name__, **shape.options())(kind).bind(settings, studio)


def __getattr__(name: str) -> Application:
    # Built when a config file's import_path asks for it, so that importing this module reads no token.
    if name == "app":
        return build(BotSettings())  # type: ignore[call-arg]  # read from the environment
    raise AttributeError(name)
