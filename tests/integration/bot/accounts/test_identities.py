"""Saved faces: up to twenty, under names that are nothing but names."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts import identities
from bot.accounts.identities import MOST, NameTaken, NoName, TooManyIdentities, UnknownIdentity
from serve_app.objects import new_key

ANNA, BORIS = 1001, 1002


@pytest.fixture(autouse=True)
async def people(accounts, sessions) -> None:
    async with sessions.begin() as session:
        for person in (ANNA, BORIS):
            await accounts.open(session, person, "en")


@pytest.fixture
def add(sessions):
    async def add(name, user_id=ANNA):
        async with sessions.begin() as session:
            return await identities.add(session, user_id, name, new_key("in"))

    return add


async def names(sessions, user_id=ANNA):
    async with sessions() as session:
        return [identity.name for identity in await identities.of(session, user_id)]


async def test_faces_are_listed_in_the_order_they_were_saved(add, sessions) -> None:
    for name in ("me", "Grandma", "me in 1990"):
        await add(name)
    assert await names(sessions) == ["me", "Grandma", "me in 1990"]
    assert await names(sessions, BORIS) == []


async def test_one_name_is_one_face_but_other_people_may_use_it(add) -> None:
    await add("me")
    with pytest.raises(NameTaken):
        await add(" me ")
    await add("me", BORIS)


async def test_the_twenty_first_face_is_refused(add, sessions) -> None:
    for number in range(MOST):
        await add(f"face {number}")
    with pytest.raises(TooManyIdentities) as refusal:
        await add("one more")
    assert refusal.value.details == {"most": 20}
    assert len(await names(sessions)) == MOST


async def test_two_saved_at_once_are_not_both_the_twentieth(add, sessions) -> None:
    for number in range(MOST - 1):
        await add(f"face {number}")
    outcomes = await asyncio.gather(*(add(f"last {number}") for number in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, TooManyIdentities) for outcome in outcomes) == 3
    assert len(await names(sessions)) == MOST


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("'; DROP TABLE users; --", "'; DROP TABLE users; --"),
        ("<b>bold</b> & _md_", "<b>bold</b> & _md_"),
        ("two\nlines\tand \u202e tricks\x00", "two lines and tricks"),
        ("x" * 100, "x" * 64),
        ("the \U0001f469\u200d\U0001f3a4", "the \U0001f469\u200d\U0001f3a4"),
    ],
)
async def test_a_name_is_data(add, name, kept) -> None:
    assert (await add(name)).name == kept


@pytest.mark.parametrize("name", ["", "  \n ", "\u200b\x00", "\u200d"])
async def test_a_name_with_nothing_to_read_is_none(add, name) -> None:
    with pytest.raises(NoName):
        await add(name)


async def test_a_removed_face_gives_its_crop_up_and_its_name_free(add, sessions) -> None:
    saved = await add("me")
    async with sessions.begin() as session:
        assert (await identities.remove(session, ANNA, saved.id)).key == saved.key
    assert await names(sessions) == []
    await add("me")


async def test_nobody_touches_other_peoples_faces(add, sessions) -> None:
    saved = await add("me")
    async with sessions.begin() as session:
        with pytest.raises(UnknownIdentity):
            await identities.get(session, BORIS, saved.id)
        with pytest.raises(UnknownIdentity):
            await identities.remove(session, BORIS, saved.id)
    assert await names(sessions) == ["me"]
