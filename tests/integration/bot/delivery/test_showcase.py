"""Pictures of ours go to Telegram once, and again where it does not have them any more."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from bot.delivery.messages import Address, Rejected, Unreachable
from bot.presentation.showcase import Exhibit, Showcase
from serve_app.rates import SqlBuckets

ANNA = 1001
WAVE, NIGHT = (Exhibit(f"style/{name}/1", name, f"{name}.jpg", name.encode()) for name in ("wave", "night"))


NUMBERS = itertools.count()


def origin() -> str:
    return f"update:{next(NUMBERS)}"


@pytest.fixture
def showcase(sessions, sender) -> Showcase:
    return Showcase(sessions, sender, SqlBuckets(sessions))


def sent_ids(sender) -> list[list[str | None]]:
    return [[picture.file_id for picture in message.pictures] for _, message in sender.sent]


async def test_what_telegram_has_is_not_sent_to_it_again(showcase, sender) -> None:
    for _ in range(2):
        await showcase.show(Address(ANNA), [WAVE, NIGHT], origin())
    assert sent_ids(sender) == [[None, None], ["file-10", "file-11"]]


async def test_what_many_are_shown_for_the_first_time_at_once_is_shown_to_each_of_them_once(showcase, sender) -> None:
    """Were one of them an error, their photo would come again, and the album with it."""
    await asyncio.gather(*(showcase.show(Address(ANNA + n), [WAVE, NIGHT], origin()) for n in range(8)))
    assert len(sender.sent) == 8


async def test_what_telegram_does_not_have_any_more_is_sent_anew_and_remembered(showcase, sender) -> None:
    """Another token is another bot, and knows none of the first one's files."""
    await showcase.show(Address(ANNA), [WAVE, NIGHT], origin())
    sender.mishaps = [Rejected("Bad Request: wrong file identifier/HTTP URL specified")]
    for _ in range(2):
        await showcase.show(Address(ANNA), [WAVE, NIGHT], origin())
    assert sent_ids(sender)[1:] == [[None, None], ["file-20", "file-21"]]


@pytest.mark.parametrize("mishap", [Rejected("no"), Unreachable("blocked")])
async def test_what_is_refused_for_another_reason_is_not_sent_twice(showcase, sender, mishap) -> None:
    sender.mishaps = [mishap]
    with pytest.raises(type(mishap)):
        await showcase.show(Address(ANNA), [WAVE, NIGHT], origin())
    assert sender.sent == []


async def test_long_titles_fit_the_caption_and_none_is_left_out(showcase, sender) -> None:
    works = [
        Exhibit(f"artwork/{n}/1", f"The {n}. of " + "very " * 38 + "long titles", "a.jpg", b"a") for n in range(10)
    ]
    await showcase.show(Address(ANNA), works, origin())
    (caption,) = sender.texts
    assert len(caption) <= 1024
    assert all(f"{number}\u00a0The {number - 1}. of" in caption for number in range(1, 11))


async def test_who_is_asked_again_because_the_question_did_not_arrive_is_shown_nothing_twice(showcase, sender) -> None:
    for _ in range(3):
        await showcase.show(Address(ANNA), [WAVE, NIGHT], "update:again")
    assert len(sender.sent) == 1
