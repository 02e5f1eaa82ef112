"""A bot that is put together and at work behind the scenes; what is left is to bring it updates."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiogram import Bot

from bot.conversation.attending import Albums
from bot.presentation.profile import introduce
from bot.services import Services, make_bot, open_services
from bot.settings import BotSettings
from bot.updates.albums import SpokenAlbums
from bot.updates.dispatcher import make_dispatcher
from bot.updates.latecomers import Latecomers
from bot.updates.reception import Reception
from serve_app.duties import Duty, beside, keep_doing
from serve_app.inventory import Inventory
from serve_app.pipeline import Graph
from serve_app.settings import Settings

ALBUM_HANDS = 8
"""How many albums are attended to at a time: a chat that has no room for a question holds up no other."""

RESTART_S = 1.0


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
            async with _backstage(services), SpokenAlbums(services.photos) as albums:
                reception = Reception(services, make_dispatcher(services, me, albums), bot)
                async with beside(Latecomers(services.waiting, reception, bot).run()):
                    yield RunningBot(bot, services, reception)
    finally:
        await bot.session.close()


@contextlib.asynccontextmanager
async def _backstage(services: Services) -> AsyncIterator[None]:
    """Work, deliver, report progress, gather albums and tidy up until the block ends.

    What is in hand then is given back or brought to its end.
    """
    albums = Albums(services)
    runs: list[Duty] = [
        *(worker.run for worker in services.workers),
        services.courier.run,
        services.progress.run,
        services.janitor.run,
        services.broadcaster.run,
        *(albums.run for _ in range(ALBUM_HANDS)),
    ]
    # A bot that goes on talking while its workers are gone would be worse than one that is gone.
    tasks = [asyncio.create_task(keep_doing(run, RESTART_S)) for run in runs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
