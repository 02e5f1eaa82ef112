"""Whether a picture is a photograph or made by a machine."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.accounts.accounts import Account
from bot.conversation.replies import beside
from bot.intake.counter import REALITY
from bot.presentation.callbacks import Authenticity
from bot.presentation.translations import Words
from bot.services import Services


async def authenticity(
    query: CallbackQuery,
    callback_data: Authenticity,
    origin: str,
    services: Services,
    account: Account,
    words: Words,
) -> None:
    """Order an opinion about every photo."""
    await services.counter.order(account, words, origin, REALITY, callback_data.bundle, beside(query))


def router() -> Router:
    router = Router(name="authenticity")
    router.callback_query.register(authenticity, Authenticity.filter())
    return router
