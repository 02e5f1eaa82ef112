"""Broadcasts: to everybody once, whatever happens in between."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import CopyMessage
from aiohttp import ClientConnectorError
from sqlalchemy import func, select, text

from bot.delivery.broadcast import FIRST_IN_TURN, LOST_S, Broadcaster
from bot.delivery.tables import Recipient
from tests.integration.bot.delivery.conftest import FakeSender

BOSS, NEWS = 1, 77
CALL = CopyMessage(chat_id=1, from_chat_id=BOSS, message_id=NEWS)


class FakeBot:
    """``mishaps`` are raised for these people instead of sending, once each."""

    def __init__(self) -> None:
        self.copied: list[int] = []
        self.mishaps: dict[int, BaseException] = {}

    async def copy_message(self, chat_id: int, from_chat_id: int, message_id: int) -> None:
        assert (from_chat_id, message_id) == (BOSS, NEWS)
        await asyncio.sleep(0)
        if (mishap := self.mishaps.pop(chat_id, None)) is not None:
            raise mishap
        self.copied.append(chat_id)


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()


@pytest.fixture
def make(bot, sessions, sender, clock):
    return lambda: Broadcaster(bot, sessions, sender, clock=clock)


@pytest.fixture
async def people(sessions, accounts) -> list[int]:
    ids = list(range(1, 9))
    async with sessions.begin() as session:
        for user_id in ids:
            await accounts.open(session, user_id, "en")
    return ids


async def finish(broadcaster: Broadcaster) -> None:
    while await broadcaster.step():
        pass


async def test_everybody_gets_it_once_and_the_operator_hears_how_it_went(make, people, bot, sender, sessions) -> None:
    assert await make().order("update:5", BOSS, NEWS) == len(people)
    await finish(make())
    assert bot.copied == people
    assert sender.texts == ["broadcast done: 8 reached, 0 gone, 0 failed"]
    async with sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Recipient))).scalar_one() == 0


async def test_the_same_order_again_is_the_same_broadcast(make, people, bot, sender) -> None:
    for _ in range(2):
        await make().order("update:5", BOSS, NEWS)
    await finish(make())
    await make().order("update:5", BOSS, NEWS)
    await finish(make())
    assert bot.copied == people
    assert len(sender.texts) == 1


async def test_two_broadcasts_reach_everybody_one_after_the_other(make, people, bot, sender) -> None:
    for update in (5, 6):
        await make().order(f"update:{update}", BOSS, NEWS)
    await finish(make())
    assert bot.copied == people * 2
    assert sender.texts == ["broadcast done: 8 reached, 0 gone, 0 failed"] * 2


async def test_a_restart_goes_on_where_it_stopped(make, people, bot, sender) -> None:
    before = make()
    await before.order("update:5", BOSS, NEWS)
    for _ in range(3):
        await before.step()
    await finish(make())
    assert bot.copied == people
    assert sender.texts == ["broadcast done: 8 reached, 0 gone, 0 failed"]


async def test_whoever_was_in_hand_at_a_crash_is_not_written_to_again(make, people, bot, sender, clock) -> None:
    crashing = make()
    await crashing.order("update:5", BOSS, NEWS)
    bot.mishaps[3] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        await finish(crashing)
    await finish(make())
    assert sender.texts == []
    clock.now += LOST_S + 1
    await finish(make())
    assert bot.copied == [user_id for user_id in people if user_id != 3]
    assert sender.texts == ["broadcast done: 7 reached, 0 gone, 0 failed, 1 uncertain"]


async def test_many_replicas_write_to_nobody_twice(make, people, bot, sender) -> None:
    replicas = [make() for _ in range(4)]
    await replicas[0].order("update:5", BOSS, NEWS)
    await asyncio.gather(*(finish(replica) for replica in replicas))
    await finish(make())
    assert sorted(bot.copied) == people
    assert len(sender.texts) == 1


async def test_refusals_are_told_apart(make, people, bot, sender, clock) -> None:
    bot.mishaps = {
        2: TelegramForbiddenError(CALL, "bot was blocked by the user"),
        4: TelegramRetryAfter(CALL, "Flood", 60),
        6: TelegramNetworkError(CALL, "the connection broke"),
    }
    broadcaster = make()
    await broadcaster.order("update:5", BOSS, NEWS)
    await finish(broadcaster)
    clock.now += LOST_S + 1
    await finish(broadcaster)
    assert sorted(bot.copied) == [1, 3, 4, 5, 7, 8]
    assert sender.texts == ["broadcast done: 6 reached, 1 gone, 0 failed, 1 uncertain"]


def no_route() -> TelegramNetworkError:
    problem = TelegramNetworkError(CALL, "ClientConnectorError")
    problem.__cause__ = ClientConnectorError(SimpleNamespace(), OSError("no route to host"))  # type: ignore[arg-type]
    return problem


@pytest.mark.parametrize(
    "away",
    [ConnectionError("Redis does not answer"), no_route(), TelegramUnauthorizedError(CALL, "Unauthorized")],
    ids=["limits", "telegram", "token"],
)
async def test_while_nothing_can_be_sent_nobody_is_passed_over(make, people, bot, sender, away) -> None:
    broadcaster = make()
    await broadcaster.order("update:5", BOSS, NEWS)
    bot.mishaps[3] = away
    with pytest.raises(ConnectionError):
        await finish(broadcaster)
    await finish(broadcaster)
    assert bot.copied == people
    assert sender.texts == ["broadcast done: 8 reached, 0 gone, 0 failed"]


async def test_who_is_banned_or_leaves_meanwhile_gets_nothing(make, people, bot, sessions, accounts, sender) -> None:
    from sqlalchemy import delete

    from bot.accounts.tables import User

    broadcaster = make()
    await broadcaster.order("update:5", BOSS, NEWS)
    async with sessions.begin() as session:
        await accounts.ban(session, 2, banned=True)
        await session.execute(delete(User).where(User.id == 3))
    await finish(broadcaster)
    assert bot.copied == [1, 4, 5, 6, 7, 8]
    assert sender.texts == ["broadcast done: 6 reached, 1 gone, 0 failed"]


async def test_what_is_in_hand_at_shutdown_is_recorded(make, people, bot, sender) -> None:
    broadcaster = make()
    await broadcaster.order("update:5", BOSS, NEWS)
    running = asyncio.create_task(broadcaster.run())
    async with asyncio.timeout(20):
        while not bot.copied:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await finish(make())
    assert bot.copied == people
    assert sender.texts == ["broadcast done: 8 reached, 0 gone, 0 failed"]


async def test_whose_turn_it_is_is_not_sought_among_those_who_have_it(sessions) -> None:
    async with sessions() as session:
        dialect = session.get_bind().dialect
        asked = str(FIRST_IN_TURN.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        if dialect.name == "postgresql":
            # It would read an empty table from end to end.
            await session.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN" if dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = str((await session.execute(text(f"{explain} {asked}"))).all())
        assert "ix_broadcast_recipients_waiting" in plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


def test_the_waiting_are_named_in_the_statement_itself() -> None:
    sent = FIRST_IN_TURN.compile(compile_kwargs={"render_postcompile": True})
    assert "state = 'waiting'" in str(sent)
    assert "waiting" not in sent.params
