"""A bot whose inline mode is off, as BotFather leaves it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.intake.tables import Bundle
from bot.playground.host import Playground
from bot.playground.telegram.model import BotProfile
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import FINE
from tests.integration.bot.flows.steps import is_result, painted, prefer_files, send


@pytest.fixture
def profile() -> BotProfile:
    return BotProfile(privacy_mode=False, inline=False)


async def test_a_painting_has_all_buttons_but_the_one_that_would_share_it(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    first = await painted(ann)
    assert len(first.labels) == 5
    assert "Share" not in str(first.labels)
    await ann.tap(first, "Again")
    again = await ann.chat.find(lambda reply: is_result(reply) and reply is not first)
    assert again.labels == first.labels


@pytest.mark.parametrize("wish", ["Who do I look like", "Hide faces"])
async def test_a_result_that_could_only_be_shared_has_only_the_button_that_goes_on(
    running: RunningBot, playground: Playground, wish: str
) -> None:
    ann = playground.person("Ann")
    await prefer_files(ann)
    await send(ann, FINE, then=wish)
    if wish == "Hide faces":
        await ann.tap(await ann.chat.find(lambda reply: "Blur" in reply.labels), "Blur")
    assert (await ann.chat.find(is_result)).labels == ["✨ Something else"]


async def test_a_text_that_answers_a_result_is_about_the_result(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.say("blur the faces", reply_to=await painted(ann))
    await ann.chat.find("Nobody to be seen")
    async with running.services.sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Bundle))).scalar_one() == 2
