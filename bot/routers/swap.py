"""Swapping faces in people's own photos: between two sent together, within one, or with a saved face."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from bot.conversation.casting import ask, need_own_target, order, propose
from bot.conversation.visit import Visit
from bot.delivery.messages import Outgoing
from bot.presentation.callbacks import MapFace, Swap


async def swap(_query: CallbackQuery, callback_data: Swap, visit: Visit) -> None:
    """Show what a swap can be made of."""
    await propose(visit, callback_data)


async def map_face(query: CallbackQuery, callback_data: MapFace, visit: Visit) -> None:
    """Ask for the next face, or order when all are chosen. Other people's questions are not theirs to answer."""
    if callback_data.bundle:
        await visit.services.photos.bundle(callback_data.bundle, visit.account.id)
    if not callback_data.artwork:
        need_own_target(visit)
    chosen = callback_data.chosen.split(".") if callback_data.chosen else []
    # One message asks about one face after the other; the question before the first face is another message.
    asked = query.message if isinstance(query.message, Message) and chosen else None
    sender = visit.services.sender
    if len(chosen) < callback_data.targets:
        await ask(visit, callback_data, asked)
    elif not await order(visit, callback_data):
        nothing = Outgoing(visit.words.html("swap-nothing"))
        if asked is None:
            await visit.answer(nothing)
        else:
            await sender.edit(asked.chat.id, asked.message_id, nothing)
    elif asked is not None:
        await sender.remove(asked.chat.id, asked.message_id)


def router() -> Router:
    router = Router(name="swap")
    router.callback_query.register(swap, Swap.filter())
    router.callback_query.register(map_face, MapFace.filter())
    return router
