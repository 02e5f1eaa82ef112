"""Photos are all there: do what their caption, or a text about them, says, or ask what to do."""

from __future__ import annotations

from bot.accounts.accounts import Account
from bot.intake.counter import LOOKALIKE, REALITY, address_of, hiding, painting
from bot.intake.orders import AlbumTooLarge
from bot.intake.tables import Bundle
from bot.presentation.answers import refusal
from bot.presentation.callbacks import Hide, Swap
from bot.presentation.translations import Words
from bot.routers.hide import ask_method
from bot.routers.swap import propose
from bot.services import Services
from deployments.errors import MasqueradeError


async def attend(services: Services, account: Account, words: Words, bundle: Bundle) -> None:
    """Once for every bundle, however often it is called."""
    if bundle.prompted is not None:
        return
    try:
        await serve(services, account, words, bundle, bundle.caption, f"bundle:{bundle.id}")
    except MasqueradeError as error:
        await services.sender.send(address_of(bundle), refusal(words, error, services.settings.tariff, account))
    await services.photos.prompted(bundle)


async def serve(services: Services, account: Account, words: Words, bundle: Bundle, spoken: str, origin: str) -> None:
    """Do with a bundle's photos what was ``spoken`` of them, as the order of ``origin``; else ask what to do."""
    _, kept = await services.photos.bundle(bundle.id, account.id)
    most = services.settings.tariff.album(account.plan)
    if len(kept) > most:
        raise AlbumTooLarge(f"At most {most} photos can be done at once.", most=most, given=len(kept))
    to, wish = address_of(bundle), None
    understood = await services.captions.understand(spoken) if spoken else None
    match understood.feature if understood is not None else None:
        case "style" if understood is not None and understood.style is not None:
            wish = painting([understood.style.name], account.strength)
        case "lookalike":
            wish = LOOKALIKE
        case "authenticity":
            wish = REALITY
        case "anonymize" if understood is not None and understood.method is not None:
            wish = hiding(understood.method)
        case "anonymize":
            await ask_method(to, Hide(bundle=bundle.id), services, words)
            return
        case "swap":
            await propose(to, Swap(bundle=bundle.id), services, account, words)
            return
    if wish is None:
        await services.counter.ask(words, bundle)
    else:
        await services.counter.order(account, words, origin, wish, bundle.id, to)
