"""A bot that is put together and at work behind the scenes; what is left is to bring it updates."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiogram import Bot

from bot.backstage import backstage
from bot.presentation.profile import introduce
from bot.services import Services, make_bot, open_services
from bot.settings import BotSettings
from bot.updates.albums import SpokenAlbums
from bot.updates.reception import Reception, make_dispatcher
from serve_app.inventory import Inventory
from serve_app.pipeline import Graph
from serve_app.settings import Settings


@dataclass(frozen=True, slots=True)
class RunningBot:
    """``reception`` takes the updates."""

    bot: Bot
    services: Services
    reception: Reception


@contextlib.asynccontextmanager
async def running_bot(
    settings: BotSettings, studio: Settings, graph: Graph, inventory: Inventory
) -> AsyncIterator[RunningBot]:
    """Open everything, work in the background until the block ends, and close it in order."""
    bot = make_bot(settings)
    try:
        async with open_services(bot, settings, studio, graph, inventory) as services:
            me = await bot.me()
            await introduce(bot, services.translations, shop=settings.tariff.sells("free"))
            async with backstage(services), SpokenAlbums(services.photos) as albums:
                dispatcher = make_dispatcher(services, me, albums)
                yield RunningBot(bot, services, Reception(services, dispatcher, bot))
    finally:
        await bot.session.close()
