"""Swapping faces: between two photos sent together, within one photo, or with a saved face."""

from __future__ import annotations

import asyncio

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from bot import keyboards
from bot.accounts.accounts import Account
from bot.callbacks import MapFace, Swap
from bot.delivery.messages import Address, Attachment, Outgoing
from bot.intake import Piece, Request
from bot.numbering import numbered
from bot.photos import Expired, Kept
from bot.replies import beside
from bot.services import Services
from bot.translations import Words
from deployments.errors import InvalidField, NoFace
from deployments.faces.types import Face
from deployments.imaging import Photo

LEFT_ALONE = "x"
MOST_FACES = 8


async def swap(query: CallbackQuery, callback_data: Swap, services: Services, account: Account, words: Words) -> None:
    """Show the faces by their numbers, and ask which goes where."""
    bundle, kept = await services.photos.bundle(callback_data.bundle, account.id)
    to = beside(query)
    if len(kept) > 2:
        await services.sender.send(to, Outgoing(words.html("swap-two-photos")))
        return
    if callback_data.identity:
        await _with_saved(to, callback_data, kept[-1], services, account, words)
    elif len(kept) == 2:
        (source, givers), (target, takers) = await asyncio.gather(*(_look(services, photo) for photo in kept))
        pictures = (
            Attachment("faces-1.jpg", await asyncio.to_thread(numbered, source, givers)),
            Attachment("faces-2.jpg", await asyncio.to_thread(numbered, target, takers)),
        )
        await services.sender.send(to, Outgoing(words.html("swap-numbers-two"), pictures))
        state = MapFace(bundle=bundle.id, identity=0, sources=len(givers), targets=len(takers))
        await _ask(to, state, services, account, words)
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
    """Ask for the next face, or order when all are chosen."""
    chosen = callback_data.chosen.split(".") if callback_data.chosen else []
    # One message asks about one face after the other; the question before the first face is another message.
    asked = query.message if isinstance(query.message, Message) and chosen else None
    if len(chosen) < callback_data.targets:
        await _ask(beside(query), callback_data, services, account, words, asked)
        return
    pairs = [f"{source}:{target}" for target, source in enumerate(chosen) if source != LEFT_ALONE]
    if not pairs:
        await services.sender.send(beside(query), Outgoing(words.html("swap-nothing")))
        return
    bundle, kept = await services.photos.bundle(callback_data.bundle, account.id)
    piece = Piece(
        "swap",
        {"source": await _source(services, account, callback_data.identity, kept), "target": kept[-1].key},
        units=len(pairs),
        reply_to=bundle.message_id,
    )
    request = Request(origin, account, "swap", {"mapping": pairs}, [piece], beside(query), bundle_id=bundle.id)
    await services.counter.place(words, request)
    if asked is not None:
        await services.sender.remove(asked.chat.id, asked.message_id)


async def _with_saved(
    to: Address, wish: Swap, target: Kept, services: Services, account: Account, words: Words
) -> None:
    async with services.sessions() as session:
        await services.identities.get(session, account.id, wish.identity)
    photo, faces = await _look(services, target)
    if len(faces) > 1:
        picture = Attachment("faces.jpg", await asyncio.to_thread(numbered, photo, faces))
        await services.sender.send(to, Outgoing(words.html("swap-numbers-one"), (picture,)))
    state = MapFace(bundle=wish.bundle, identity=wish.identity, sources=1, targets=len(faces))
    await _ask(to, state, services, account, words)


async def _within_one(to: Address, bundle: int, only: Kept, services: Services, account: Account, words: Words) -> None:
    """A single photo: its faces can change places, a saved one can go in, or its own can be saved."""
    photo, faces = await _look(services, only)
    async with services.sessions() as session:
        saved = await services.identities.of(session, account.id)
    keyboard = keyboards.swap_sources(words, bundle, saved, among=len(faces), can_keep=len(faces) == 1)
    pictures: tuple[Attachment, ...] = ()
    if len(faces) > 1:
        pictures = (Attachment("faces.jpg", await asyncio.to_thread(numbered, photo, faces)),)
    await services.sender.send(to, Outgoing(words.html("swap-ask-source"), pictures, keyboard=keyboard))


async def _ask(
    to: Address, state: MapFace, services: Services, account: Account, words: Words, asked: Message | None = None
) -> None:
    """Ask about the next target face, in the message that ``asked`` about the one before."""
    name = ""
    if state.identity:
        async with services.sessions() as session:
            name = (await services.identities.get(session, account.id, state.identity)).name
    target = len(state.chosen.split(".")) + 1 if state.chosen else 1
    text = words.html("swap-ask-face", face=target, faces=state.targets)
    question = Outgoing(text, keyboard=keyboards.sources(words, state, name))
    if asked is None:
        await services.sender.send(to, question)
    else:
        await services.sender.edit(asked.chat.id, asked.message_id, question)


async def _look(services: Services, kept: Kept) -> tuple[Photo, tuple[Face, ...]]:
    """A photo and its faces. Raises ``NoFace``, ``InvalidField`` when there are more than buttons can tell apart."""
    try:
        data = await asyncio.to_thread(services.objects.get, kept.key)
    except KeyError:
        raise Expired("The photo is no longer here.") from None
    photo = await services.pipeline.open(data)
    faces = (await services.pipeline.faces(photo)).value.faces
    if not faces:
        raise NoFace("There is no face in this photo.")
    if len(faces) > MOST_FACES:
        raise InvalidField(f"There are more than {MOST_FACES} faces.", field="faces")
    return photo, faces


async def _source(services: Services, account: Account, identity: int, kept: tuple[Kept, ...]) -> str | bytes:
    """The picture faces are taken from: a saved face, the first of two photos, or the only one."""
    if not identity:
        return kept[0].key
    async with services.sessions() as session:
        face = await services.identities.get(session, account.id, identity)
    return await asyncio.to_thread(services.vault.get, face.key)


def router() -> Router:
    router = Router(name="swap")
    router.callback_query.register(swap, Swap.filter())
    router.callback_query.register(map_face, MapFace.filter())
    return router
