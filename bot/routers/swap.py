"""Swapping faces in people's own photos: between two sent together, within one, or with a saved face."""

from __future__ import annotations

import asyncio

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from bot.accounts.accounts import Account
from bot.conversation.casting import ask, look, need_own_target, order
from bot.conversation.replies import beside
from bot.delivery.messages import Address, Attachment, Outgoing
from bot.intake.photos import Kept
from bot.presentation import keyboards
from bot.presentation.callbacks import MapFace, Swap
from bot.presentation.translations import Words
from bot.services import Services


async def swap(query: CallbackQuery, callback_data: Swap, services: Services, account: Account, words: Words) -> None:
    """Show what a swap can be made of."""
    await propose(beside(query), callback_data, services, account, words)


async def propose(to: Address, wish: Swap, services: Services, account: Account, words: Words) -> None:
    """Show the faces by their numbers, and ask which goes where."""
    bundle, kept = await services.photos.bundle(wish.bundle, account.id)
    if len(kept) > 2:
        await services.sender.send(to, Outgoing(words.html("swap-two-photos")))
    elif wish.identity:
        await _with_saved(to, wish, kept[-1], services, account, words)
    elif len(kept) == 2:
        await _between_two(to, bundle.id, kept, services, account, words)
    else:
        await _within_one(to, bundle.id, kept[0], services, account, words)


async def map_face(
    query: CallbackQuery,
    callback_data: MapFace,
    origin: str,
    services: Services,
    account: Account,
    words: Words,
) -> None:
    """Ask for the next face, or order when all are chosen. Other people's questions are not theirs to answer."""
    if callback_data.bundle:
        await services.photos.bundle(callback_data.bundle, account.id)
    if not callback_data.artwork:
        need_own_target(services, account)
    chosen = callback_data.chosen.split(".") if callback_data.chosen else []
    # One message asks about one face after the other; the question before the first face is another message.
    asked = query.message if isinstance(query.message, Message) and chosen else None
    if len(chosen) < callback_data.targets:
        await ask(beside(query), callback_data, services, account, words, asked)
    elif not await order(beside(query), callback_data, origin, services, account, words):
        nothing = Outgoing(words.html("swap-nothing"))
        if asked is None:
            await services.sender.send(beside(query), nothing)
        else:
            await services.sender.edit(asked.chat.id, asked.message_id, nothing)
    elif asked is not None:
        await services.sender.remove(asked.chat.id, asked.message_id)


async def _between_two(
    to: Address, bundle: int, kept: tuple[Kept, ...], services: Services, account: Account, words: Words
) -> None:
    need_own_target(services, account)
    source, target = await asyncio.gather(*(look(services, photo.key) for photo in kept))
    pictures = (await source.numbered("faces-1.jpg"), await target.numbered("faces-2.jpg"))
    await services.sender.send(to, Outgoing(words.html("swap-numbers-two"), pictures))
    state = MapFace(bundle=bundle, identity=0, sources=len(source.faces), targets=len(target.faces))
    await ask(to, state, services, account, words)


async def _with_saved(
    to: Address, wish: Swap, target: Kept, services: Services, account: Account, words: Words
) -> None:
    need_own_target(services, account)
    async with services.sessions() as session:
        await services.identities.get(session, account.id, wish.identity)
    seen = await look(services, target.key)
    if len(seen.faces) > 1:
        picture = await seen.numbered("faces.jpg")
        await services.sender.send(to, Outgoing(words.html("swap-numbers-one"), (picture,)))
    state = MapFace(bundle=wish.bundle, identity=wish.identity, sources=1, targets=len(seen.faces))
    await ask(to, state, services, account, words)


async def _within_one(to: Address, bundle: int, only: Kept, services: Services, account: Account, words: Words) -> None:
    """A single photo: its faces go into a work of art or change places, a saved one goes in, or its own is saved."""
    if not services.artworks.all:
        # Without a plan there would be nothing to put a face into: better said before faces are numbered and saved.
        need_own_target(services, account)
    seen = await look(services, only.key)
    async with services.sessions() as session:
        saved = await services.identities.of(session, account.id)
    keyboard = keyboards.swap_sources(
        words,
        bundle,
        saved,
        artworks=bool(services.artworks.all),
        among=len(seen.faces),
        can_keep=len(seen.faces) == 1,
    )
    pictures: tuple[Attachment, ...] = ()
    if len(seen.faces) > 1:
        pictures = (await seen.numbered("faces.jpg"),)
    own = "yes" if services.settings.tariff.own_target(account.plan) else "no"
    await services.sender.send(to, Outgoing(words.html("swap-ask-source", own=own), pictures, keyboard=keyboard))


def router() -> Router:
    router = Router(name="swap")
    router.callback_query.register(swap, Swap.filter())
    router.callback_query.register(map_face, MapFace.filter())
    return router
