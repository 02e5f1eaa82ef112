"""Albums in groups: one photo's caption speaks for all of them, in whatever order and however often they come."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import pytest
from aiogram.types import Chat, Message

from bot.intake.photos import Photos
from bot.updates.albums import SpokenAlbums
from tests.eventually import until


class Kept:
    """The albums that another replica has photos of."""

    def __init__(self) -> None:
        self.albums: set[tuple[int, str]] = set()

    async def gathers(self, chat_id: int, album: str) -> bool:
        return (chat_id, album) in self.albums


class Handled:
    def __init__(self) -> None:
        self.parts: list[int] = []
        self.failing: set[int] = set()
        self.failed = 0

    async def handle(self, number: int) -> int:
        if number in self.failing:
            self.failed += 1
            raise OSError("the database is away")
        self.parts.append(number)
        return number


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def albums(kept: Kept) -> SpokenAlbums:
    return SpokenAlbums(cast(Photos, kept))


@pytest.fixture
def handled() -> Handled:
    return Handled()


def part(number: int, album: str = "a") -> Any:
    chat = Chat(id=-5, type="supergroup")
    return Message(message_id=number, date=datetime.now(UTC), chat=chat, media_group_id=album)


async def test_parts_before_and_after_the_caption_are_handled_with_it(albums: SpokenAlbums, handled: Handled) -> None:
    assert await albums.silent(part(1), partial(handled.handle, 1)) is None
    assert handled.parts == []
    assert await albums.spoken(part(2), partial(handled.handle, 2)) == 2
    assert await albums.silent(part(3), partial(handled.handle, 3)) == 3
    assert sorted(handled.parts) == [1, 2, 3]


async def test_other_albums_stay_where_they_are(albums: SpokenAlbums, handled: Handled) -> None:
    await albums.silent(part(1, "b"), partial(handled.handle, 1))
    await albums.spoken(part(2), partial(handled.handle, 2))
    await albums.silent(part(3, "b"), partial(handled.handle, 3))
    assert handled.parts == [2]


async def test_an_album_whose_caption_another_replica_got_is_heard(
    albums: SpokenAlbums, kept: Kept, handled: Handled
) -> None:
    kept.albums.add((-5, "a"))
    assert await albums.silent(part(1), partial(handled.handle, 1)) == 1


async def all_of(handled: Handled, *parts: int) -> None:
    await until(lambda: sorted(handled.parts) == sorted(parts))


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.updates.albums.LOOK_S", 0.005)
    monkeypatch.setattr("bot.updates.albums.LOOKS", 2000)


@pytest.mark.usefixtures("watchful")
async def test_parts_that_were_here_before_another_replica_had_the_caption_are_heard_as_well(
    albums: SpokenAlbums, kept: Kept, handled: Handled
) -> None:
    for number in (1, 2):
        assert await albums.silent(part(number), partial(handled.handle, number)) is None
    kept.albums.add((-5, "a"))
    await all_of(handled, 1, 2)
    assert await albums.silent(part(3), partial(handled.handle, 3)) == 3


@pytest.mark.usefixtures("watchful")
async def test_a_part_that_fails_then_is_tried_again(albums: SpokenAlbums, kept: Kept, handled: Handled) -> None:
    handled.failing = {1}
    await albums.silent(part(1), partial(handled.handle, 1))
    kept.albums.add((-5, "a"))
    await until(lambda: handled.failed)
    handled.failing = set()
    await all_of(handled, 1)


async def test_nobody_looks_out_any_more_when_the_bot_closes(kept: Kept, handled: Handled) -> None:
    before = asyncio.all_tasks()
    async with SpokenAlbums(cast(Photos, kept)) as albums:
        await albums.silent(part(1), partial(handled.handle, 1))
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("failing", [1, 2])
async def test_a_failure_is_the_captions_and_the_parts_come_again_with_it(
    albums: SpokenAlbums, handled: Handled, failing: int
) -> None:
    handled.failing = {failing}
    await albums.silent(part(1), partial(handled.handle, 1))
    with pytest.raises(OSError, match="away"):
        await albums.spoken(part(2), partial(handled.handle, 2))
    handled.failing = set()
    await albums.spoken(part(2), partial(handled.handle, 2))
    assert set(handled.parts) == {1, 2}


async def test_what_nothing_speaks_for_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, albums: SpokenAlbums, handled: Handled
) -> None:
    monkeypatch.setattr("bot.updates.albums.REMEMBER_S", 0.0)
    await albums.silent(part(1), partial(handled.handle, 1))
    forgotten = asyncio.Event()
    asyncio.get_running_loop().call_later(0.0, forgotten.set)
    await forgotten.wait()
    await albums.spoken(part(2), partial(handled.handle, 2))
    assert handled.parts == [2]
