"""Sharing results in any chat: the bot's name, or a result's share button, and a tap."""

from __future__ import annotations

import re

from aiogram import Router
from aiogram.types import (
    InlineQuery,
    InlineQueryResultCachedDocument,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
)

from bot.accounts.accounts import Account
from bot.delivery.tables import Delivery
from bot.services import Services
from bot.translations import Words

JOB = re.compile(r"[0-9a-f]{32}")


async def results(query: InlineQuery, services: Services, account: Account, words: Words) -> None:
    """A person's own latest results, or the one whose share button was tapped."""
    job = query.query.strip()
    async with services.sessions() as session:
        if JOB.fullmatch(job):
            found = await services.archive.result(session, account.id, job)
            slips = [found] if found is not None else []
        else:
            slips = list(await services.archive.recent(session, account.id))
    offered = [_offer(slip, words) for slip in slips if slip.file_id is not None]
    # The button leads to the bot when there is nothing to share yet.
    button = None if offered else InlineQueryResultsButton(text=words.plain("inline-nothing"), start_parameter="inline")
    await query.answer([*offered], cache_time=0, is_personal=True, button=button)


def _offer(slip: Delivery, words: Words) -> InlineQueryResultCachedPhoto | InlineQueryResultCachedDocument:
    file_id = slip.file_id or ""
    if slip.as_file:
        return InlineQueryResultCachedDocument(
            id=slip.job_id, title=words.plain("inline-picture"), document_file_id=file_id
        )
    return InlineQueryResultCachedPhoto(id=slip.job_id, photo_file_id=file_id)


def router() -> Router:
    router = Router(name="inline")
    router.inline_query.register(results)
    return router
