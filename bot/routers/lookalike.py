"""Whom a face resembles."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.accounts.accounts import Account
from bot.delivery.messages import Address
from bot.intake.counter import resemblance
from bot.presentation.callbacks import Lookalike
from bot.presentation.translations import Words
from bot.services import Services


async def lookalike(
    _query: CallbackQuery,
    callback_data: Lookalike,
    origin: str,
    to: Address,
    services: Services,
    account: Account,
    words: Words,
) -> None:
    """Order a collage with the people a face resembles."""
    await services.counter.order(account, origin, resemblance(words), callback_data.bundle, to)


def router() -> Router:
    router = Router(name="lookalike")
    router.callback_query.register(lookalike, Lookalike.filter())
    return router
