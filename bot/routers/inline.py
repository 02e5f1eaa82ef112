"""Sharing results in any chat: the bot's name, or a result's share button, and a tap."""

from __future__ import annotations

import asyncio
import contextlib
import re

from aiogram import Router
from aiogram.types import (
    InlineQuery,
    InlineQueryResultCachedDocument,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
)

from bot.conversation.visit import Visit
from bot.delivery import archive
from bot.delivery.tables import Delivery
from bot.presentation.translations import Words

# For how long, and how often, the record of a delivery is awaited: it is written when the picture has arrived.
RECORD_S = 5.0
LOOK_S = 0.1

JOB = re.compile(r"[0-9a-f]{32}")


async def results(query: InlineQuery, visit: Visit) -> None:
    """A person's own latest results, or the one whose share button was tapped."""
    job = query.query.strip()
    if JOB.fullmatch(job):
        found = await _recorded(visit, job)
        slips = [found] if found is not None else []
    else:
        async with visit.services.sessions() as session:
            slips = list(await archive.recent(session, visit.account.id))
    offered = [_offer(slip, visit.words) for slip in slips if slip.file_id is not None]
    # The button leads to the bot when there is nothing to share yet.
    nothing = InlineQueryResultsButton(text=visit.words.plain("inline-nothing"), start_parameter="inline")
    await query.answer([*offered], cache_time=0, is_personal=True, button=None if offered else nothing)


async def _recorded(visit: Visit, job: str) -> Delivery | None:
    """The delivery of a result; who taps its button at once is faster than the record, which is awaited then."""
    slip = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RECORD_S):
            while True:
                async with visit.services.sessions() as session:
                    slip = await archive.result(session, visit.account.id, job)
                if slip is None or slip.file_id is not None or slip.sending is None:
                    return slip
                await asyncio.sleep(LOOK_S)
    return slip


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
