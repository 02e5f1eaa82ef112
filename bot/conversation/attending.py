"""Photos that are all there: doing what their caption, or a text about them, says, or asking what to do with them."""

from __future__ import annotations

import asyncio
import logging

from bot.accounts.accounts import Account
from bot.conversation.asking import ask_method, ask_wish
from bot.conversation.casting import propose
from bot.conversation.replies import bundle_address
from bot.conversation.visit import Visit
from bot.conversation.wishes import REALITY, hiding, painting, resemblance
from bot.delivery.messages import NotSent, Rejected, Unreachable
from bot.intake.orders import AlbumTooLarge
from bot.intake.tables import Bundle
from bot.presentation.answers import refusal
from bot.presentation.callbacks import Swap
from bot.presentation.captions import Understood
from bot.services import Services
from deployments.anonymize.types import Method
from deployments.errors import MasqueradeError
from deployments.style.engine import StyleInfo

log = logging.getLogger(__name__)

ALBUMS_POLL_S = 0.3


async def attend(services: Services, account: Account, bundle: Bundle) -> None:
    """Do what a bundle's caption says, or ask. Once for every bundle, however often it is called."""
    if bundle.prompted is not None:
        return
    words = services.translations.words(account.language)
    visit = Visit(services, account, words, bundle_address(bundle), f"bundle:{bundle.id}")
    try:
        await serve(visit, bundle, bundle.caption)
    except MasqueradeError as error:
        await visit.answer(refusal(words, error, services.settings.tariff, account))
    await services.photos.prompted(bundle)


async def serve(visit: Visit, bundle: Bundle, spoken: str) -> None:
    """Do with a bundle's photos what was ``spoken`` of them; else ask what to do."""
    services, account = visit.services, visit.account
    _, kept = await services.photos.bundle(bundle.id, account.id)
    most = services.settings.tariff.album(account.plan)
    if len(kept) > most:
        raise AlbumTooLarge(f"At most {most} photos can be done at once.", most=most, given=len(kept))
    match await services.captions.understand(spoken) if spoken else None:
        case Understood(style=StyleInfo(name=name)):
            wish = painting([name], account.strength)
        case Understood(method=Method() as method):
            wish = hiding(method)
        case Understood("lookalike"):
            wish = resemblance(visit.words.language)
        case Understood("authenticity"):
            wish = REALITY
        case Understood("anonymize"):
            await ask_method(visit, bundle.id)
            return
        case Understood("swap"):
            await propose(visit, Swap(bundle=bundle.id))
            return
        case _:
            await ask_wish(visit, bundle, asked_for=False)
            return
    await visit.order(wish, bundle.id)


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
            await attend(services, account, bundle)
        except (Unreachable, Rejected) as error:
            log.info("an album's owner cannot be asked: %s", error)
            await services.photos.prompted(bundle)
        except NotSent as error:
            log.info("an album's owner could not be asked: %s", error)
