"""Putting a face, one's photo's or a saved one, into a work of art."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.accounts import identities
from bot.conversation.casting import Seen, TooManyFaces, ask, find, look, order_if_clear
from bot.conversation.visit import Visit
from bot.delivery.messages import Outgoing
from bot.presentation import keyboards
from bot.presentation.callbacks import IntoArtwork, MapFace, ShowArtworks
from bot.services import Services
from deployments.errors import NoFace, UnknownArtwork
from deployments.swap.artworks import Artwork


async def show(_query: CallbackQuery, callback_data: ShowArtworks, visit: Visit) -> None:
    """The works as an album and as buttons; groups see the buttons only."""
    await _source(visit, callback_data.bundle, callback_data.identity)
    artworks = visit.services.artworks
    works = keyboards.page_of(artworks.all, callback_data.page)
    if not works:
        raise UnknownArtwork("There are no works of art.")
    if visit.to.chat_id > 0 and len(works) > 1:
        await visit.services.showcase.show(visit.to, [await artworks.exhibit(work) for work in works], visit.origin)
    await visit.say(visit.words.html("artworks-ask"), keyboards.artworks(visit.words, callback_data, artworks.all))


async def choose(_query: CallbackQuery, callback_data: IntoArtwork, visit: Visit) -> None:
    """Show the numbers and ask who goes where; with one face here and one there, that is clear."""
    artwork = visit.services.artworks.by_code(callback_data.artwork)
    source = await _source(visit, callback_data.bundle, callback_data.identity)
    target = await _in_artwork(visit.services, artwork)
    state = MapFace(
        bundle=callback_data.bundle,
        identity=callback_data.identity,
        sources=len(source.faces) if source is not None else 1,
        targets=len(target.faces),
        artwork=callback_data.artwork,
    )
    if await order_if_clear(visit, state):
        return
    await _show_numbers(visit, source, target)
    await ask(visit, state)


async def _source(visit: Visit, bundle_id: int, identity: int) -> Seen | None:
    """The photo with the faces that are to go in; None for a saved face. Raises when it is not (or no longer) theirs."""
    services = visit.services
    if identity:
        async with services.sessions() as session:
            await identities.get(session, visit.account.id, identity)
        return None
    _, kept = await services.photos.bundle(bundle_id, visit.account.id)
    return await look(services, kept[0].key)


async def _in_artwork(services: Services, artwork: Artwork) -> Seen:
    try:
        return await find(services, await services.pipeline.artwork(artwork.id))
    except (NoFace, TooManyFaces) as error:
        # The person's photo is fine; it is the gallery that cannot be used like this.
        raise UnknownArtwork("Nobody in this work of art can be replaced.") from error


async def _show_numbers(visit: Visit, source: Seen | None, target: Seen) -> None:
    """Numbers where there is more than one face; a single one needs none."""
    if source is not None and len(source.faces) > 1:
        both = (await source.numbered("faces.jpg"), await target.numbered("artwork.jpg"))
        await visit.answer(Outgoing(visit.words.html("artworks-numbers-two"), both))
    elif len(target.faces) > 1:
        picture = await target.numbered("artwork.jpg")
        await visit.answer(Outgoing(visit.words.html("artworks-numbers-one"), (picture,)))


def router() -> Router:
    router = Router(name="artworks")
    router.callback_query.register(show, ShowArtworks.filter())
    router.callback_query.register(choose, IntoArtwork.filter())
    return router
