"""Photos are kept once, without what they need not tell, and albums are gathered however their parts arrive."""

from __future__ import annotations

import asyncio
import io
import itertools

import pytest
from PIL import Image
from sqlalchemy import delete, func, select

from bot.accounts.accounts import Keeping
from bot.accounts.tables import User
from bot.delivery.tables import Delivery
from bot.intake.photos import GATHER_S, Incoming, Overtaken, Photos
from bot.intake.tables import Bundle, Upload
from deployments.errors import Expired, NotAnImage
from deployments.imaging import Photo
from tests.eventually import until

ANNA, BORIS = 1001, 1002


def picture(colour: int = 120, comment: bytes = b"") -> bytes:
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    Image.new("RGB", (64, 48), (colour, 80, 40)).save(data, "JPEG", exif=exif)
    return data.getvalue()


async def open_photo(data: bytes) -> Photo:
    return Photo.open(data)


@pytest.fixture
def photos(sessions, objects, clock) -> Photos:
    return Photos(sessions, objects, open_photo, keeping=Keeping(3600, 86_400), prompt_lease_s=60, clock=clock)


@pytest.fixture
async def anna(accounts, sessions):
    async with sessions.begin() as session:
        return await accounts.open(session, ANNA, "en")


numbers = itertools.count(1)


def incoming(update_id=None, **details) -> Incoming:
    number = next(numbers) if update_id is None else update_id
    return Incoming(**({"update_id": number, "chat_id": ANNA, "message_id": number, "data": picture()} | details))


async def test_a_photo_is_kept_without_its_metadata(photos, anna, objects) -> None:
    bundle = await photos.keep(anna, incoming(caption="'; DROP TABLE uploads; --<b>"))
    found, (kept,) = await photos.bundle(bundle.id, ANNA)
    assert (found.caption, found.due, kept.width, kept.height) == ("'; DROP TABLE uploads; --<b>", None, 64, 48)
    assert b"taken at home" not in objects.get(kept.key)


async def test_what_is_no_photo_is_refused_and_not_kept(photos, anna, objects, tmp_path) -> None:
    with pytest.raises(NotAnImage):
        await photos.keep(anna, incoming(data=b"%PDF-1.7"))
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []


async def test_an_update_delivered_again_is_the_same_photo(photos, anna, tmp_path) -> None:
    first = await photos.keep(anna, incoming(7_000))
    again = await photos.keep(anna, incoming(7_000))
    assert first.id == again.id
    assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) == 1


async def test_an_update_delivered_to_ten_replicas_at_once_is_one_photo(photos, anna, tmp_path) -> None:
    kept = await asyncio.gather(*(photos.keep(anna, incoming(7_001)) for _ in range(10)))
    assert len({bundle.id for bundle in kept}) == 1
    assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) == 1


async def test_a_photo_of_somebody_who_deleted_everything_meanwhile_is_not_kept(
    photos, anna, sessions, tmp_path
) -> None:
    async with sessions.begin() as session:
        await session.execute(delete(User))
    for album in (None, "a"):
        with pytest.raises(Overtaken):
            await photos.keep(anna, incoming(album=album))
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []
    async with sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Bundle))).scalar_one() == 0


async def test_a_single_photo_is_not_waited_for(photos, anna, clock) -> None:
    await photos.keep(anna, incoming())
    clock.now += 60
    assert await photos.whole() is None


async def test_the_parts_of_an_album_are_one_bundle_in_the_order_they_were_sent(photos, anna, clock) -> None:
    parts = [incoming(album="a", message_id=message) for message in (12, 10, 11)]
    for part in parts:
        await photos.keep(anna, part)
        clock.now += 0.4
    assert await photos.whole() is None
    clock.now += GATHER_S
    bundle = await photos.whole()
    found, kept = await photos.bundle(bundle.id, ANNA)
    assert (found.message_id, [part.message_id for part in kept]) == (10, [10, 11, 12])


async def test_parts_that_arrive_through_ten_replicas_at_once_are_one_bundle(photos, anna, clock, sessions) -> None:
    await asyncio.gather(*(photos.keep(anna, incoming(album="a")) for _ in range(10)))
    async with sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Bundle))).scalar_one() == 1
        assert (await session.execute(select(func.count()).select_from(Upload))).scalar_one() == 10


async def test_the_caption_is_the_albums_whichever_part_has_it(photos, anna) -> None:
    for caption in ("", "wave", ""):
        bundle = await photos.keep(anna, incoming(album="a", caption=caption))
    assert bundle.caption == "wave"


async def test_albums_of_other_chats_and_other_albums_keep_apart(photos, anna) -> None:
    where = [{"album": "a"}, {"album": "b"}, {"album": "a", "chat_id": -5}, {"album": "a_"}]
    bundles = [await photos.keep(anna, incoming(**place)) for place in where]
    assert len({bundle.id for bundle in bundles}) == 4


async def test_an_album_is_known_by_its_first_photo_in_its_own_chat(photos, anna) -> None:
    await photos.keep(anna, incoming(album="a_", chat_id=-5))
    places = [(-5, "a_"), (-5, "a"), (-5, "ab"), (5, "a_")]
    assert [await photos.gathers(*place) for place in places] == [True, False, False, False]


async def test_a_whole_album_is_handed_to_one(photos, anna, clock) -> None:
    await photos.keep(anna, incoming(album="a"))
    clock.now += GATHER_S + 1
    taken = await asyncio.gather(*(photos.whole() for _ in range(5)))
    assert sum(bundle is not None for bundle in taken) == 1


async def test_an_album_whose_asker_died_is_handed_out_again(photos, anna, clock) -> None:
    await photos.keep(anna, incoming(album="a"))
    clock.now += GATHER_S + 1
    first = await photos.whole()
    clock.now += 60 - 1
    assert await photos.whole() is None
    clock.now += 2
    again = await photos.whole()
    assert again.id == first.id
    await photos.prompted(again)
    clock.now += 60 + 1
    assert await photos.whole() is None


async def test_an_album_in_hand_is_handed_to_nobody_else_however_long_it_takes(sessions, objects, anna, clock) -> None:
    photos = Photos(sessions, objects, open_photo, keeping=Keeping(9, 9), prompt_lease_s=0.03, clock=clock)
    await photos.keep(anna, incoming(album="a"))
    clock.now += GATHER_S + 1
    taken = await photos.whole()
    async with photos.in_hand(taken):
        for _ in range(2):
            clock.now += 0.02
            await until(lambda: taken.due >= clock.now + 0.03)
        assert await photos.whole() is None
        await photos.prompted(taken)
    clock.now += 1
    assert await photos.whole() is None


async def test_a_part_that_comes_after_the_question_is_asked_about_by_itself(photos, anna, clock) -> None:
    first = await photos.keep(anna, incoming(album="a"))
    await photos.prompted(first)
    late = await photos.keep(anna, incoming(album="a"))
    later = await photos.keep(anna, incoming(album="a"))
    assert late.id == later.id != first.id
    assert len((await photos.bundle(first.id, ANNA))[1]) == 1
    await photos.prompted(late)
    assert (await photos.keep(anna, incoming(album="a"))).id not in {first.id, late.id}


async def test_a_late_part_does_what_the_albums_caption_says(photos, anna) -> None:
    first = await photos.keep(anna, incoming(album="a", caption="wave"))
    await photos.prompted(first)
    late = await photos.keep(anna, incoming(album="a"))
    assert late.id != first.id
    assert late.caption == "wave"


async def test_a_caption_that_comes_after_the_question_answers_it(photos, anna, clock) -> None:
    asked = await photos.keep(anna, incoming(album="a"))
    await photos.prompted(asked)
    await photos.keep(anna, incoming(album="a", caption="wave"))
    clock.now += GATHER_S + 1
    again = await photos.whole()
    assert again is not None
    assert (again.id, again.caption) == (asked.id, "wave")
    assert len((await photos.bundle(again.id, ANNA))[1]) == 2


async def test_a_late_caption_that_joins_a_later_part_speaks_of_the_part_asked_about_as_well(
    photos, anna, clock
) -> None:
    asked = await photos.keep(anna, incoming(album="a"))
    await photos.prompted(asked)
    second = await photos.keep(anna, incoming(album="a"))
    await photos.keep(anna, incoming(album="a", caption="wave"))
    clock.now += GATHER_S + 1
    again = [await photos.whole(), await photos.whole()]
    assert {(bundle.id, bundle.caption) for bundle in again} == {(asked.id, "wave"), (second.id, "wave")}


async def test_what_is_asked_while_an_album_gathers_is_its_caption(photos, anna, clock) -> None:
    album, single = await photos.keep(anna, incoming(album="a")), await photos.keep(anna, incoming())
    assert await photos.speak(album, "wave " * 1000)
    assert not await photos.speak(album, "night"), "it has a caption"
    assert not await photos.speak(single, "wave"), "nothing is gathering there"
    clock.now += GATHER_S + 1
    taken = await photos.whole()
    assert taken is not None
    assert (taken.id, taken.caption) == (album.id, ("wave " * 1000)[:1024])


async def test_a_caption_that_comes_after_a_tap_speaks_of_its_own_part(photos, anna, sessions) -> None:
    asked = await photos.keep(anna, incoming(album="a"))
    await photos.prompted(asked)
    slip = Delivery(
        job_id="j", user_id=ANNA, chat_id=ANNA, bundle_id=asked.id, units=1, cost=1, as_file=False, repeats=0, expires=0
    )
    async with sessions.begin() as session:
        session.add(slip)
    assert (await photos.keep(anna, incoming(album="a", caption="wave"))).id != asked.id


async def test_a_part_that_comes_while_the_album_is_attended_to_is_attended_to_as_well(photos, anna, clock) -> None:
    await photos.keep(anna, incoming(album="a"))
    clock.now += GATHER_S + 1
    taken = await photos.whole()
    await photos.keep(anna, incoming(album="a"))
    await photos.prompted(taken)
    clock.now += GATHER_S + 1
    again = await photos.whole()
    assert again is not None
    assert again.id == taken.id
    assert len((await photos.bundle(again.id, ANNA))[1]) == 2


async def test_other_peoples_photos_are_as_good_as_gone(photos, anna) -> None:
    bundle = await photos.keep(anna, incoming())
    with pytest.raises(Expired):
        await photos.bundle(bundle.id, BORIS)
    with pytest.raises(Expired):
        await photos.bundle(4711, ANNA)


@pytest.mark.parametrize(("keep_history", "hours"), [(False, 1), (True, 24)])
async def test_photos_expire_when_it_was_said(photos, accounts, sessions, clock, keep_history, hours) -> None:
    async with sessions.begin() as session:
        await accounts.open(session, ANNA, "en")
        account = await accounts.save(session, ANNA, keep_history=keep_history)
    bundle = await photos.keep(account, incoming())
    clock.now += hours * 3600 - 1
    await photos.bundle(bundle.id, ANNA)
    clock.now += 1
    with pytest.raises(Expired):
        await photos.bundle(bundle.id, ANNA)
