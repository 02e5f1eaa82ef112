"""Hiding faces."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot import keyboards
from bot.accounts.accounts import Account
from bot.callbacks import Hide
from bot.counter import hiding
from bot.delivery.messages import Address, Outgoing
from bot.replies import beside
from bot.services import Services
from bot.translations import Words
from deployments.anonymize.types import Method


async def hide(
    query: CallbackQuery, callback_data: Hide, origin: str, services: Services, account: Account, words: Words
) -> None:
    """Ask how, then order it."""
    if not callback_data.method:
        await services.photos.bundle(callback_data.bundle, account.id)
        await ask_method(beside(query), callback_data, services, words)
        return
    wish = hiding(Method(callback_data.method))
    await services.counter.order(account, words, origin, wish, callback_data.bundle, beside(query))


async def ask_method(to: Address, about: Hide, services: Services, words: Words) -> None:
    """Ask how the faces are to be hidden."""
    keyboard = keyboards.methods(words, about.bundle)
    await services.sender.send(to, Outgoing(words.html("ask-method"), keyboard=keyboard))


def router() -> Router:
    router = Router(name="hide")
    router.callback_query.register(hide, Hide.filter())
    return router
