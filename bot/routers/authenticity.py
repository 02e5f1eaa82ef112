"""Whether a picture is a photograph or made by a machine."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.accounts.accounts import Account
from bot.delivery.messages import Address
from bot.intake.counter import REALITY
from bot.presentation.callbacks import Authenticity
from bot.services import Services


async def authenticity(
    _query: CallbackQuery,
    callback_data: Authenticity,
    origin: str,
    to: Address,
    services: Services,
    account: Account,
) -> None:
    """Order an opinion about every photo."""
    await services.counter.order(account, origin, REALITY, callback_data.bundle, to)


def router() -> Router:
    router = Router(name="authenticity")
    router.callback_query.register(authenticity, Authenticity.filter())
    return router
