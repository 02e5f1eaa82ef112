"""Swapping faces in people's own photos: between two sent together, within one, or with a saved face."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from bot.accounts.accounts import Account
from bot.conversation.casting import ask, need_own_target, order, propose
from bot.delivery.messages import Address, Outgoing
from bot.presentation.callbacks import MapFace, Swap
from bot.presentation.translations import Words
from bot.services import Services


async def swap(
    _query: CallbackQuery, callback_data: Swap, to: Address, services: Services, account: Account, words: Words
) -> None:
    """Show what a swap can be made of."""
    await propose(to, callback_data, services, account, words)


async def map_face(
    query: CallbackQuery,
    callback_data: MapFace,
    origin: str,
    to: Address,
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
        await ask(to, callback_data, services, account, words, asked)
    elif not await order(to, callback_data, origin, services, account):
        nothing = Outgoing(words.html("swap-nothing"))
        if asked is None:
            await services.sender.send(to, nothing)
        else:
            await services.sender.edit(asked.chat.id, asked.message_id, nothing)
    elif asked is not None:
        await services.sender.remove(asked.chat.id, asked.message_id)


def router() -> Router:
    router = Router(name="swap")
    router.callback_query.register(swap, Swap.filter())
    router.callback_query.register(map_face, MapFace.filter())
    return router
