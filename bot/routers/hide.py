"""Hiding faces."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.accounts.accounts import Account
from bot.conversation.replies import beside
from bot.delivery.messages import Address, Outgoing
from bot.intake.counter import hiding
from bot.presentation import keyboards
from bot.presentation.callbacks import Hide
from bot.presentation.translations import Words
from bot.services import Services
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
