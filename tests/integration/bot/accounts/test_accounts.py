"""People: first contact, what they choose, bans."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts.accounts import owner_of
from bot.accounts.tables import User

ANNA = 1001


async def open_account(accounts, sessions, user_id=ANNA, language="en"):
    async with sessions.begin() as session:
        return await accounts.open(session, user_id, language)


async def test_first_contact_makes_an_account_in_telegrams_language(accounts, sessions) -> None:
    account = await open_account(accounts, sessions, language="ru")
    assert (account.id, account.language, account.plan, account.banned) == (ANNA, "ru", "free", False)
    assert account.owner == owner_of(ANNA) == "tg:1001"


async def test_a_chosen_language_outlives_telegrams_opinion(accounts, sessions) -> None:
    await open_account(accounts, sessions, language="ru")
    async with sessions.begin() as session:
        await accounts.save(session, ANNA, language="en")
    assert (await open_account(accounts, sessions, language="de")).language == "en"


async def test_ten_first_messages_at_once_make_one_account(accounts, credits, sessions) -> None:
    opened = await asyncio.gather(*(open_account(accounts, sessions) for _ in range(10)))
    assert {account.id for account in opened} == {ANNA}
    async with sessions() as session:
        assert (await credits.balance(session, ANNA)).credits == 0


async def test_settings_change_one_by_one(accounts, sessions) -> None:
    await open_account(accounts, sessions)
    async with sessions.begin() as session:
        await accounts.save(session, ANNA, strength=0.4)
    async with sessions.begin() as session:
        account = await accounts.save(session, ANNA, as_file=True)
    assert (account.strength, account.as_file, account.keep_history) == (0.4, True, False)


async def test_a_plan_lasts_as_long_as_it_is_paid_for(accounts, sessions, clock) -> None:
    await open_account(accounts, sessions)
    async with sessions.begin() as session:
        (await session.get(User, ANNA)).plus_until = clock.now + 100
    assert (await open_account(accounts, sessions)).plan == "plus"
    clock.now += 100
    assert (await open_account(accounts, sessions)).plan == "free"


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
async def test_a_strength_out_of_range_is_refused(accounts, sessions, strength) -> None:
    await open_account(accounts, sessions)
    async with sessions.begin() as session:
        with pytest.raises(ValueError, match="0 to 1"):
            await accounts.save(session, ANNA, strength=strength)


async def test_nobody_in_particular_has_no_settings(accounts, sessions) -> None:
    async with sessions.begin() as session:
        assert await accounts.get(session, ANNA) is None
        with pytest.raises(LookupError):
            await accounts.save(session, ANNA, as_file=True)


async def test_a_ban_holds_until_it_is_lifted(accounts, sessions) -> None:
    await open_account(accounts, sessions)
    for banned in (True, False):
        async with sessions.begin() as session:
            assert await accounts.ban(session, ANNA, banned=banned)
        assert (await open_account(accounts, sessions)).banned is banned
    async with sessions.begin() as session:
        for nobody in (4711, 10**30):
            assert not await accounts.ban(session, nobody, banned=True)
