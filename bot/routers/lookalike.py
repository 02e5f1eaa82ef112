"""Whom a face resembles."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.conversation.visit import Visit
from bot.conversation.wishes import resemblance
from bot.presentation.callbacks import Lookalike


async def lookalike(_query: CallbackQuery, callback_data: Lookalike, visit: Visit) -> None:
    """Order a collage with the people a face resembles."""
    await visit.order(resemblance(visit.words.language), callback_data.bundle)


def router() -> Router:
    router = Router(name="lookalike")
    router.callback_query.register(lookalike, Lookalike.filter())
    return router
