"""What the studio has, known without starting it."""

from __future__ import annotations

from bot.accounts.licences import refuse_unlicensed_sales
from bot.settings import BotSettings
from serve_app.inventory import Inventory
from serve_app.selection import select
from serve_app.settings import Settings


def inventory_of(studio: Settings) -> Inventory:
    """What is installed, and what of it serves. Raises ``RegistryError`` for a wish that is not installed."""
    store = studio.model_store.open()
    return Inventory(store, select(store, studio.models))


def licensed_inventory(settings: BotSettings, studio: Settings) -> Inventory:
    """The same, unless something would be sold that may not be: that raises ``Unlicensed``."""
    inventory = inventory_of(studio)
    refuse_unlicensed_sales(inventory, settings.tariff.sold, settings.licence_references)
    return inventory
