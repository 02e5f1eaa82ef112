"""The bot's Serve application, beside the graph's: ``bot.app:app`` as an ``import_path``, with route ``/telegram``."""

from __future__ import annotations

from ray.serve import Application

from bot.accounts.licences import refuse_unlicensed_sales
from bot.ingress import TelegramPoller, TelegramWebhook
from bot.process import inventory_of
from bot.settings import BotSettings
from serve_app.settings import Settings

ROUTE = "/telegram"
REPLICAS = 2


def build(settings: BotSettings, studio: Settings | None = None) -> Application:
    """Bind the bot in the mode its settings say. Raises ``Unlicensed`` when it would sell what it may not."""
    studio = studio or Settings()
    inventory = inventory_of(studio)
    refuse_unlicensed_sales(inventory, settings.tariff.sold, settings.licence_references)
    if settings.mode == "webhook":
        return TelegramWebhook.options(num_replicas=REPLICAS).bind(settings, studio)
    return TelegramPoller.bind(settings, studio)


def __getattr__(name: str) -> Application:
    # Built when a config file's import_path asks for it, so that importing this module reads no token.
    if name == "app":
        return build(BotSettings())
    raise AttributeError(name)
