"""The bot as a process on this machine, beside a graph that was started for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from pydantic import SecretStr

from bot.playground.host import Playground
from bot.playground.telegram.model import BotProfile
from bot.running import RunningBot, running_bot
from bot.settings import BotSettings
from bot.updates.polling import Poller
from serve_app.app import running_graph
from serve_app.inventory import Inventory
from serve_app.settings import Settings


async def with_telegram(
    settings: BotSettings, studio: Settings, inventory: Inventory, ready: Callable[[], None]
) -> None:
    """Poll Telegram until cancelled; ``ready`` is called when the bot listens."""
    async with running_bot(settings, studio, running_graph(studio, inventory), inventory) as running:
        await _poll(running, ready)


async def _poll(running: RunningBot, ready: Callable[[], None]) -> None:
    await Poller(running.bot, running.reception, drain_s=running.services.settings.drain_s).run(ready)


async def in_playground(studio: Settings, inventory: Inventory, port: int, announce: Callable[[str], None]) -> None:
    """Poll a playground of our own until cancelled; ``announce`` is given its page's address.

    Nobody pays with real Stars there, so nothing is sold and no licence is asked for.
    """
    # The database remembers what the people of earlier runs used of the day.
    async with Playground(BotProfile(privacy_mode=False), port=port, numbers=secrets.randbelow(10**9)) as playground:
        settings = BotSettings(
            token=SecretStr(playground.token), api_url=playground.url, mode="polling", redis_url=None
        )
        own = apart(studio)
        async with running_bot(settings, own, running_graph(own, inventory), inventory) as running:
            # Nobody meets this bot twice, and so nobody could ask it later to delete what is theirs. First those whom a
            # playground that was killed has left.
            everybody_leaves = running.services.erasure.delete_all
            await everybody_leaves()
            try:
                await _poll(running, lambda: announce(playground.page_url))
            finally:
                await everybody_leaves()


def apart(studio: Settings) -> Settings:
    """The same studio with a playground's own database and photos, whatever the real bot's are.

    On the real bot's, the playground would take up its people's orders, and find that nobody can be written to.
    """
    own = {"data_dir": studio.data_dir / "playground", "database_url": None, "objects_url": None}
    return studio.model_copy(update=own | {"models_dir": studio.store_dir})
