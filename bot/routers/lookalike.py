"""Whom a face resembles."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.accounts.accounts import Account
from bot.conversation.replies import beside
from bot.intake.counter import LOOKALIKE
from bot.presentation.callbacks import Lookalike
from bot.presentation.translations import Words
from bot.services import Services


async def lookalike(
    query: CallbackQuery,
    callback_data: Lookalike,
    origin: str,
    services: Services,
    account: Account,
    words: Words,
) -> None:
    """Order a collage with the people a face resembles."""
    await services.counter.order(account, words, origin, LOOKALIKE, callback_data.bundle, beside(query))


def router() -> Router:
    router = Router(name="lookalike")
    router.callback_query.register(lookalike, Lookalike.filter())
    return router
