"""The bot as a process on this machine, beside a graph that was started for it."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import SecretStr

from bot.accounts.licences import refuse_unlicensed_sales
from bot.playground.host import Playground
from bot.playground.model import BotProfile
from bot.polling import Poller
from bot.running import running_bot
from bot.settings import BotSettings
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.pipeline import Graph
from serve_app.selection import select
from serve_app.settings import Settings


def inventory_of(settings: Settings) -> Inventory:
    """What is installed, and what of it serves."""
    store = FolderStore(settings.store_dir)
    return Inventory(store, select(store, settings.models))


async def with_telegram(settings: BotSettings, studio: Settings, ready: Callable[[], None]) -> None:
    """Poll Telegram until cancelled. Raises ``Unlicensed`` before anything is sold that may not be."""
    inventory = inventory_of(studio)
    refuse_unlicensed_sales(inventory, settings.tariff.sold, settings.licence_references)
    await _poll(settings, studio, inventory, ready)


async def in_playground(studio: Settings, port: int, announce: Callable[[str], None]) -> None:
    """Poll a playground of our own until cancelled. Nobody pays with real Stars there, so nothing is sold."""
    async with Playground(BotProfile(privacy_mode=False), port=port) as playground:
        settings = BotSettings(token=SecretStr(playground.token), api_url=playground.url, mode="polling")
        await _poll(settings, studio, inventory_of(studio), lambda: announce(playground.page_url))


async def _poll(settings: BotSettings, studio: Settings, inventory: Inventory, ready: Callable[[], None]) -> None:
    async with running_bot(settings, studio, running_graph(studio, inventory), inventory) as running:
        poller = Poller(running.bot, running.reception, drain_s=settings.drain_s)
        await poller.run(ready)


def running_graph(studio: Settings, inventory: Inventory) -> Graph:
    """The graph that serves in the Ray cluster this process is connected to."""
    from ray import serve

    from serve_app.app import GRAPH, MODEL_DEPLOYMENTS, graph_over
    from deployments.anonymize.deployment import Anonymize

    chosen = inventory.selection.chosen
    names = {capability: MODEL_DEPLOYMENTS[capability].name for capability in chosen}
    if "faces" in chosen:
        names["anonymize"] = Anonymize.name
    handles = {capability: serve.get_deployment_handle(name, GRAPH) for capability, name in names.items()}
    return graph_over(handles, inventory.missing, studio.deadline_s)
