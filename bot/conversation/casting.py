"""Asking which face goes where in a swap: faces are found and numbered, asked about one by one, and ordered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiogram.types import Message

from bot.accounts import identities
from bot.conversation.visit import Visit
from bot.delivery.messages import Attachment, Outgoing
from bot.intake.orders import Piece, Request
from bot.intake.tables import Upload
from bot.presentation import keyboards
from bot.presentation.callbacks import MOST_FACES, MapFace, Swap
from bot.services import Services
from deployments.errors import Expired, InvalidField, MasqueradeError, NoFace
from deployments.faces.preview import numbered
from deployments.faces.types import Face
from deployments.imaging import Photo, encode
from deployments.swap.mapping import prominent

LEFT_ALONE = "x"


class PlanNeeded(MasqueradeError):
    """Only subscribers put faces into photos of their own; ``details`` has the offer, and if there are ``artworks``."""

    slug, title, status = "plan-needed", "This is part of the subscription", 402


class TooManyFaces(MasqueradeError):
    """More faces than buttons can tell apart; ``details`` has the ``most`` and those ``given``."""

    slug, title, status = "too-many-faces", "Too many faces", 422


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture with the faces in it, left to right, that people are asked about.

    ``numbers`` are theirs among all its faces: those far in the background, too small to be swapped, count there as well.
    """

    photo: Photo
    faces: tuple[Face, ...]
    numbers: tuple[int, ...]

    def number(self, asked: int) -> int:
        """Among all faces, of one that people were asked about. Raises ``InvalidField`` for one that is not there."""
        if not 0 <= asked < len(self.numbers):
            raise InvalidField("This face is not there any more.", field="mapping")
        return self.numbers[asked]

    async def numbered(self, name: str) -> Attachment:
        """The picture with a number at every face."""
        return Attachment(name, await asyncio.to_thread(lambda: encode(numbered(self.photo, self.faces, first=1))))


def need_own_target(visit: Visit) -> None:
    """Raise :class:`PlanNeeded` unless this person may put faces into photos of their own."""
    tariff = visit.services.settings.tariff
    offer = tariff.subscription
    if offer is not None and not tariff.own_target(visit.account.plan):
        artworks = "yes" if visit.services.artworks.all else "no"
        raise PlanNeeded("It needs the subscription.", daily=offer.daily, stars=offer.stars, artworks=artworks)


async def propose(visit: Visit, wish: Swap) -> None:
    """Show the faces of a bundle by their numbers, and ask which goes where, or what they shall go into."""
    bundle, kept = await visit.services.photos.bundle(wish.bundle, visit.account.id)
    if len(kept) > 2:
        await visit.say(visit.words.html("swap-two-photos"))
    elif wish.identity:
        await _with_saved(visit, wish, kept[-1])
    elif len(kept) == 2:
        await _between_two(visit, bundle.id, kept)
    else:
        await _within_one(visit, bundle.id, kept[0])


async def _between_two(visit: Visit, bundle: int, kept: Sequence[Upload]) -> None:
    need_own_target(visit)
    source, target = await asyncio.gather(*(look(visit.services, photo.key) for photo in kept))
    state = MapFace(bundle=bundle, identity=0, sources=len(source.faces), targets=len(target.faces))
    if await order_if_clear(visit, state):
        return
    pictures = (await source.numbered("faces-1.jpg"), await target.numbered("faces-2.jpg"))
    await visit.answer(Outgoing(visit.words.html("swap-numbers-two"), pictures))
    await ask(visit, state)


async def _with_saved(visit: Visit, wish: Swap, target: Upload) -> None:
    need_own_target(visit)
    services = visit.services
    async with services.sessions() as session:
        await identities.get(session, visit.account.id, wish.identity)
    seen = await look(services, target.key)
    state = MapFace(bundle=wish.bundle, identity=wish.identity, sources=1, targets=len(seen.faces))
    if await order_if_clear(visit, state):
        return
    picture = await seen.numbered("faces.jpg")
    await visit.answer(Outgoing(visit.words.html("swap-numbers-one"), (picture,)))
    await ask(visit, state)


async def _within_one(visit: Visit, bundle: int, only: Upload) -> None:
    """A single photo: its faces go into a work of art or change places, a saved one goes in, or its own is saved."""
    services, words = visit.services, visit.words
    if not services.artworks.all:
        # Without a plan there would be nothing to put a face into: better said before faces are numbered and saved.
        need_own_target(visit)
    seen = await look(services, only.key)
    async with services.sessions() as session:
        saved = await identities.of(session, visit.account.id)
    keyboard = keyboards.swap_sources(words, bundle, saved, artworks=bool(services.artworks.all), faces=len(seen.faces))
    pictures: tuple[Attachment, ...] = ()
    if len(seen.faces) > 1:
        pictures = (await seen.numbered("faces.jpg"),)
    own = "yes" if services.settings.tariff.own_target(visit.account.plan) else "no"
    await visit.answer(Outgoing(words.html("swap-ask-source", own=own), pictures, keyboard=keyboard))


async def kept_photo(services: Services, key: str) -> Photo:
    """A photo that was kept under ``key``. Raises ``Expired``."""
    try:
        data = await asyncio.to_thread(services.objects.get, key)
    except KeyError:
        raise Expired("The photo is no longer here.") from None
    return await services.pipeline.open(data)


async def look(services: Services, key: str) -> Seen:
    """A kept photo's faces. Raises what :func:`kept_photo` and :func:`find` do."""
    return await find(services, await kept_photo(services, key))


async def find(services: Services, photo: Photo) -> Seen:
    """A picture's faces. Raises ``NoFace``, :class:`TooManyFaces` when there are more than buttons can tell apart."""
    seen = await in_front(services, photo)
    if not seen.faces:
        raise NoFace("There is no face in this photo.")
    if len(seen.faces) > MOST_FACES:
        raise TooManyFaces(f"There are more than {MOST_FACES} faces.", most=MOST_FACES, given=len(seen.faces))
    return seen


async def in_front(services: Services, photo: Photo) -> Seen:
    """A picture's faces, however many, without those far in the background."""
    everybody = (await services.pipeline.faces(photo)).value.faces
    numbers = prominent(everybody)
    return Seen(photo, tuple(everybody[number] for number in numbers), tuple(numbers))


async def ask(visit: Visit, state: MapFace, asked: Message | None = None) -> None:
    """Ask about the next target face, in the message that ``asked`` about the one before."""
    services, words = visit.services, visit.words
    name, key = "", "swap-ask-face"
    if state.artwork and state.sources == 1 and not state.identity:
        # There is no number at the only face.
        name, key = words.plain("button-put-face"), "swap-ask-place"
    if state.identity:
        async with services.sessions() as session:
            name = (await identities.get(session, visit.account.id, state.identity)).name
    target = len(state.chosen.split(".")) + 1 if state.chosen else 1
    text = words.html(key, face=target, faces=state.targets)
    question = Outgoing(text, keyboard=keyboards.sources(words, state, name))
    if asked is None:
        await visit.answer(question)
    else:
        await services.sender.edit(asked.chat.id, asked.message_id, question)


async def order_if_clear(visit: Visit, state: MapFace) -> bool:
    """Order the swap where there is one face here and one there. False where it has to be asked who goes where."""
    return state.sources == state.targets == 1 and await order(visit, state.model_copy(update={"chosen": "0"}))


async def order(visit: Visit, state: MapFace) -> bool:
    """Order the swap that was put together. False when every face was left alone."""
    services, account = visit.services, visit.account
    chosen = [(int(source), target) for target, source in enumerate(state.chosen.split(".")) if source != LEFT_ALONE]
    if not chosen:
        return False
    pictures: dict[str, str | bytes] = {}
    fields: dict[str, Any] = {}
    kept: Sequence[Upload] = ()
    reply_to = bundle_id = None
    if state.bundle:
        bundle, kept = await services.photos.bundle(state.bundle, account.id)
        bundle_id, reply_to = bundle.id, bundle.message_id
    elif not (state.identity and state.artwork):
        raise Expired("The photo is no longer here.")
    if state.identity:
        async with services.sessions() as session:
            face = await identities.get(session, account.id, state.identity)
        crop = await asyncio.to_thread(services.vault.get, face.key)
        pictures["source"] = crop
        source = await find(services, await services.pipeline.open(crop))
    else:
        pictures["source"] = kept[0].key
        source = await look(services, kept[0].key)
    if state.artwork:
        artwork = services.artworks.by_code(state.artwork)
        fields["artwork"] = artwork.id
        target = await find(services, await services.pipeline.artwork(artwork.id))
    else:
        need_own_target(visit)
        pictures["target"] = kept[-1].key
        target = source if pictures["target"] == pictures["source"] else await look(services, kept[-1].key)
    pairs = fields["mapping"] = [f"{source.number(giver)}:{target.number(taker)}" for giver, taker in chosen]
    piece = Piece("swap", pictures, units=len(pairs), reply_to=reply_to)
    request = Request(visit.origin, account, "swap", fields, [piece], visit.to, bundle_id=bundle_id)
    await services.counter.place(request)
    return True
