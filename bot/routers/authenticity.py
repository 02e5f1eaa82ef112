"""Whether a picture is a photograph or made by a machine."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.conversation.visit import Visit
from bot.conversation.wishes import REALITY
from bot.presentation.callbacks import Authenticity


async def authenticity(_query: CallbackQuery, callback_data: Authenticity, visit: Visit) -> None:
    """Order an opinion about every photo."""
    await visit.order(REALITY, callback_data.bundle)


def router() -> Router:
    router = Router(name="authenticity")
    router.callback_query.register(authenticity, Authenticity.filter())
    return router
