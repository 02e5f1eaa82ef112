"""Hiding faces."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot import keyboards
from bot.accounts.accounts import Account
from bot.callbacks import Hide
from bot.counter import Wish
from bot.delivery.messages import Outgoing
from bot.replies import beside
from bot.services import Services
from bot.translations import Words


async def hide(
    query: CallbackQuery, callback_data: Hide, origin: str, services: Services, account: Account, words: Words
) -> None:
    """Ask how, then order it."""
    if not callback_data.method:
        await services.photos.bundle(callback_data.bundle, account.id)
        keyboard = keyboards.methods(words, callback_data.bundle)
        await services.sender.send(beside(query), Outgoing(words.html("ask-method"), keyboard=keyboard))
        return
    wish = Wish("anonymize", {"method": callback_data.method, "keep": []})
    await services.counter.order(account, words, origin, wish, callback_data.bundle, beside(query))


def router() -> Router:
    router = Router(name="hide")
    router.callback_query.register(hide, Hide.filter())
    return router
