"""Paintings that come back: how they are told from other messages, had, and paid for."""

from __future__ import annotations

from bot.playground.client import Person
from bot.playground.conversation import Reply
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import FINE

WAVE, NIGHT = (10, 10, 200), (10, 10, 100)


def is_result(reply: Reply) -> bool:
    """A picture alone with buttons, unlike the album of styles."""
    return reply.kind in {"photo", "document"} and reply.message.media_group_id is None


async def painted(person: Person, style: str = "The Wave") -> Reply:
    await person.send_photo(FINE)
    question = await person.chat.find("Choose a style")
    await person.tap(question, style)
    return await person.chat.find(is_result)


async def quota_left(running: RunningBot, person: Person) -> int:
    async with running.services.sessions() as session:
        return (await running.services.credits.balance(session, person.user.id)).quota_left
