"""What goes on behind the conversation: working jobs off, delivering, reporting progress, gathering albums, tidying."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from bot.attending import attend
from bot.delivery.messages import NotSent, Rejected, Unreachable
from bot.services import Services
from serve_app.duties import Duty, keep_doing

log = logging.getLogger(__name__)

ALBUMS_POLL_S = 0.3
RESTART_S = 1.0


@contextlib.asynccontextmanager
async def backstage(services: Services) -> AsyncIterator[None]:
    """Run all of it until the block ends; what is in hand is then given back or brought to its end."""
    runs: list[Duty] = [
        *(worker.run for worker in services.workers),
        services.courier.run,
        services.progress.run,
        services.janitor.run,
        services.broadcaster.run,
        Albums(services).run,
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

    async def run(self) -> None:
        """Attend to albums until cancelled."""
        while True:
            if not await self.attend():
                await asyncio.sleep(ALBUMS_POLL_S)

    async def attend(self) -> bool:
        """Attend to one album that is whole. False when there is none; one that fails comes again a while later."""
        services = self._services
        bundle = await services.photos.whole()
        if bundle is None:
            return False
        async with services.sessions() as session:
            account = await services.accounts.get(session, bundle.user_id)
        if account is not None:
            try:
                await attend(services, account, services.translations.words(account.language), bundle)
            except (Unreachable, Rejected) as error:
                log.info("an album's owner cannot be asked: %s", error)
                await services.photos.prompted(bundle)
            except NotSent as error:
                log.info("an album's owner could not be asked: %s", error)
        return True
