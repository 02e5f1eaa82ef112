"""Hiding faces."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.accounts.accounts import Account
from bot.delivery.messages import Address
from bot.intake.counter import hiding
from bot.presentation.callbacks import Hide
from bot.presentation.translations import Words
from bot.services import Services
from deployments.anonymize.types import Method


async def hide(
    _query: CallbackQuery,
    callback_data: Hide,
    origin: str,
    to: Address,
    services: Services,
    account: Account,
    words: Words,
) -> None:
    """Ask how, then order it."""
    if not callback_data.method:
        await services.photos.bundle(callback_data.bundle, account.id)
        await services.counter.ask_method(words, callback_data.bundle, to)
        return
    wish = hiding(Method(callback_data.method))
    await services.counter.order(account, origin, wish, callback_data.bundle, to)


def router() -> Router:
    router = Router(name="hide")
    router.callback_query.register(hide, Hide.filter())
    return router
