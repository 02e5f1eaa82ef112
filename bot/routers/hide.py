"""Hiding faces."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.conversation.asking import ask_method
from bot.conversation.visit import Visit
from bot.conversation.wishes import hiding
from bot.presentation.callbacks import Hide
from deployments.anonymize.types import Method


async def hide(_query: CallbackQuery, callback_data: Hide, visit: Visit) -> None:
    """Ask how, then order it."""
    if callback_data.method:
        await visit.order(hiding(Method(callback_data.method)), callback_data.bundle)
        return
    await visit.services.photos.bundle(callback_data.bundle, visit.account.id)
    await ask_method(visit, callback_data.bundle)


def router() -> Router:
    router = Router(name="hide")
    router.callback_query.register(hide, Hide.filter())
    return router
