"""What goes on behind the conversation: working jobs off, delivering, reporting progress, gathering albums, tidying."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from bot.conversation.attending import attend
from bot.delivery.messages import NotSent, Rejected, Unreachable
from bot.intake.tables import Bundle
from bot.services import Services
from serve_app.duties import Duty, keep_doing

log = logging.getLogger(__name__)

ALBUMS_POLL_S = 0.3
ALBUM_HANDS = 8
"""How many albums are attended to at a time: a chat that has no room for a question holds up no other."""

RESTART_S = 1.0


@contextlib.asynccontextmanager
async def backstage(services: Services) -> AsyncIterator[None]:
    """Run all of it until the block ends; what is in hand is then given back or brought to its end."""
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


class Albums:
    """Attends to albums once all their parts have come."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Attend to albums until cancelled. Several may run, of which one at a time looks out for the next album."""
        while True:
            bundle = await self._next()
            async with self._services.photos.in_hand(bundle):
                await self._attend(bundle)

    async def _next(self) -> Bundle:
        async with self._turn:
            while True:
                if (bundle := await self._services.photos.whole()) is not None:
                    return bundle
                await asyncio.sleep(ALBUMS_POLL_S)

    async def _attend(self, bundle: Bundle) -> None:
        """Attend to one album; one that fails comes again a while later."""
        services = self._services
        async with services.sessions() as session:
            account = await services.accounts.get(session, bundle.user_id)
        if account is None:
            return
        try:
            await attend(services, account, services.translations.words(account.language), bundle)
        except (Unreachable, Rejected) as error:
            log.info("an album's owner cannot be asked: %s", error)
            await services.photos.prompted(bundle)
        except NotSent as error:
            log.info("an album's owner could not be asked: %s", error)
