"""The sender and the bank against a strict Bot API server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramMigrateToChat
from aiogram.methods import GetMe, SendPhoto
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice
from PIL import Image

from bot.accounts.bank import StarBank
from bot.accounts.cashier import NotRefundable
from bot.accounts.tariff import MONTH_S
from bot.delivery.limiter import Limiter
from bot.delivery.messages import (
    Address,
    Attachment,
    Flooded,
    NoPictures,
    Outgoing,
    Rejected,
    Uncertain,
    Unreachable,
)
from bot.delivery.outbound import Outbound
from bot.delivery.telegram import BotSender, fits_photo, in_our_words
from bot.playground.faults import Faults
from bot.playground.host import Playground
from bot.playground.limits import Limits
from tests.memory_buckets import MemoryBuckets

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="again", callback_data="again:1")]])


def picture(width: int = 64, height: int = 48) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), (20, 120, 90)).save(data, "JPEG")
    return data.getvalue()


def attachment(width: int = 64, height: int = 48) -> Attachment:
    return Attachment("result.jpg", picture(width, height))


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground() as playground:
        yield playground


@pytest.fixture
async def bot(playground: Playground) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(playground.url, is_local=False))
    async with Bot(playground.token, session=session) as bot:
        yield bot


@pytest.fixture
def sender(bot: Bot) -> BotSender:
    return BotSender(bot)


@pytest.fixture
async def anna(playground: Playground):
    anna = playground.person("Anna")
    await anna.start()
    return anna


async def test_a_text_arrives_with_its_keyboard_as_a_reply(sender, anna) -> None:
    asked = await anna.say("hello")
    sent = await sender.send(
        Address(anna.user.id, reply_to=asked.id), Outgoing("<b>Hi</b> &amp; bye", keyboard=KEYBOARD)
    )
    reply = await anna.chat.next()
    assert (reply.text, reply.message.id, sent.file_ids) == ("Hi & bye", sent.message_ids[0], ())
    assert reply.message.json()["reply_to_message"]["message_id"] == asked.id
    assert reply.button("again")


async def test_an_answer_to_a_message_that_is_gone_comes_without_it(sender, anna) -> None:
    await sender.send(Address(anna.user.id, reply_to=4711), Outgoing("still here"))
    assert (await anna.chat.next()).text == "still here"


async def test_a_picture_arrives_as_a_photo_and_can_be_sent_again_by_its_id(sender, anna) -> None:
    sent = await sender.send(Address(anna.user.id), Outgoing("first", (attachment(),)))
    again = await sender.send(Address(anna.user.id), Outgoing("again", (Attachment("x", file_id=sent.file_ids[0]),)))
    for message_id in (*sent.message_ids, *again.message_ids):
        reply = await anna.chat.next()
        assert reply.message.id == message_id
        assert "photo" in reply.message.json()


async def test_a_picture_arrives_as_a_file_untouched_for_those_who_want_it_so(sender, anna, bot) -> None:
    wanted = attachment()
    sent = await sender.send(Address(anna.user.id), Outgoing("here", (wanted,), as_file=True))
    message = (await anna.chat.next()).message.json()
    assert message["document"]["file_name"] == "result.jpg"
    file = await bot.get_file(sent.file_ids[0])
    assert (await bot.download_file(file.file_path)).read() == wanted.data


@pytest.mark.parametrize("size", [(9000, 1200), (2100, 100)])
async def test_what_telegram_takes_for_no_photo_arrives_as_a_file(sender, anna, size) -> None:
    await sender.send(Address(anna.user.id), Outgoing("", (attachment(*size),)))
    assert "document" in (await anna.chat.next()).message.json()


async def test_a_photo_that_the_server_cannot_read_arrives_as_a_file(sender, anna, monkeypatch) -> None:
    monkeypatch.setattr("bot.delivery.telegram.fits_photo", lambda _: True)
    await sender.send(Address(anna.user.id), Outgoing("", (Attachment("x.jpg", picture(9000, 1200)),)))
    assert "document" in (await anna.chat.next()).message.json()


@pytest.mark.parametrize("as_file", [False, True])
async def test_an_album_arrives_together_with_one_caption(sender, anna, as_file) -> None:
    pictures = tuple(attachment(60 + n, 50) for n in range(3))
    sent = await sender.send(Address(anna.user.id), Outgoing("three", pictures, as_file=as_file))
    messages = [(await anna.chat.next()).message.json() for _ in pictures]
    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message.get("caption") for message in messages] == ["three", None, None]
    assert [message["message_id"] for message in messages] == list(sent.message_ids)
    assert len(set(sent.file_ids)) == 3


async def test_an_album_with_one_picture_that_is_no_photo_is_an_album_of_files(sender, anna) -> None:
    await sender.send(Address(anna.user.id), Outgoing("", (attachment(), attachment(2100, 100))))
    for _ in range(2):
        assert "document" in (await anna.chat.next()).message.json()


@pytest.mark.parametrize("going", ["block", "deactivate"])
async def test_somebody_who_left_cannot_be_reached(sender, anna, going) -> None:
    getattr(anna, going)()
    with pytest.raises(Unreachable):
        await sender.send(Address(anna.user.id), Outgoing("", (attachment(),)))


async def test_a_chat_that_never_was_cannot_be_reached(sender) -> None:
    with pytest.raises(Unreachable):
        await sender.send(Address(4711), Outgoing("hello"))


async def test_a_group_that_threw_the_bot_out_cannot_be_reached(sender, playground, anna) -> None:
    group = playground.group("Friends", anna)
    group.set_bot_status(anna, "kicked")
    with pytest.raises(Unreachable):
        await sender.send(Address(group.group.id), Outgoing("hello"))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("not enough rights to send photos to the chat", NoPictures),
        ("not enough rights to send documents to the chat", NoPictures),
        ("not enough rights to send text messages to the chat", Unreachable),
        ("have no rights to send a message", Unreachable),
    ],
)
async def test_a_group_without_rights_for_pictures_can_still_be_told_so(said: str, meant: type[Exception]) -> None:
    with pytest.raises(meant):
        async with in_our_words():
            raise TelegramBadRequest(SendPhoto(chat_id=1, photo="x"), f"Bad Request: {said}")


async def test_what_the_server_will_never_take_is_rejected(sender, anna) -> None:
    with pytest.raises(Rejected):
        await sender.send(Address(anna.user.id), Outgoing("<b>never closed"))
    with pytest.raises(Rejected):
        await sender.send(Address(anna.user.id), Outgoing(""))


async def test_a_flood_is_a_flood(sender, anna, playground) -> None:
    playground.set_faults(Faults(too_many_requests=1.0))
    with pytest.raises(Flooded) as error:
        await sender.send(Address(anna.user.id), Outgoing("hello"))
    assert error.value.retry_after > 0


@pytest.mark.parametrize("faults", [Faults(server_error=1.0), Faults(cut_before=1.0), Faults(cut_after=1.0)])
async def test_a_bad_connection_leaves_it_uncertain(sender, anna, playground, faults) -> None:
    playground.set_faults(faults)
    with pytest.raises(Uncertain):
        await sender.send(Address(anna.user.id), Outgoing("hello"))


async def test_a_message_of_a_group_that_has_moved_is_gone(bot, sender, monkeypatch) -> None:
    async def moved(*_: object, **__: object) -> None:
        raise TelegramMigrateToChat(GetMe(), "group chat was upgraded", migrate_to_chat_id=-1001)

    monkeypatch.setattr(bot, "edit_message_text", moved)
    await sender.edit(-1, 7, Outgoing("working"))


async def test_a_status_message_is_edited_and_removed(sender, anna) -> None:
    sent = await sender.send(Address(anna.user.id), Outgoing("waiting"))
    reply = await anna.chat.next()
    await sender.edit(anna.user.id, sent.message_ids[0], Outgoing("working"))
    assert reply.text == "working"
    await sender.remove(anna.user.id, sent.message_ids[0])
    assert reply.deleted


async def test_editing_what_is_gone_or_says_so_already_is_fine(sender, anna) -> None:
    sent = await sender.send(Address(anna.user.id), Outgoing("waiting"))
    await sender.edit(anna.user.id, sent.message_ids[0], Outgoing("waiting"))
    await sender.remove(anna.user.id, sent.message_ids[0])
    await sender.edit(anna.user.id, sent.message_ids[0], Outgoing("working"))
    await sender.remove(anna.user.id, sent.message_ids[0])


async def test_an_activity_shown_to_somebody_who_left_is_nobodys_trouble(sender, anna, playground) -> None:
    await sender.act(Address(anna.user.id), "upload_photo")
    anna.block()
    await sender.act(Address(anna.user.id), "upload_photo")


async def test_a_bad_network_does_not_show_through_the_outbound_door(sender, bot, anna, playground) -> None:
    now = 1_000.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    limiter = Limiter(MemoryBuckets(clock=lambda: now), clock=lambda: now, sleep=sleep)
    bot.session.middleware(Outbound(limiter, sleep=sleep))
    playground.set_limits(Limits(enforced=False))
    playground.set_faults(Faults(seed=1, server_error=0.3, too_many_requests=0.2))
    for number in range(10):
        await sender.send(Address(anna.user.id), Outgoing(f"message {number}"))
        assert (await anna.chat.next()).text == f"message {number}"
    assert playground.injected["server_error"] > 0


@pytest.mark.parametrize(
    ("width", "height", "fits"), [(1280, 960, True), (5000, 5000, True), (8000, 2001, False), (2001, 100, False)]
)
def test_photos_have_a_size_telegram_takes(width, height, fits) -> None:
    assert fits_photo(attachment(width, height)) is fits


def test_bytes_that_are_no_picture_are_no_photo() -> None:
    assert not fits_photo(Attachment("x", b"nothing of the kind"))
    assert fits_photo(Attachment("x", file_id="known"))


async def paid(anna, bot, period=None):
    link = await bot.create_invoice_link(
        title="Credits", description="Some", payload="p", currency="XTR",
        prices=[LabeledPrice(label="Credits", amount=50)], subscription_period=period,
    )  # fmt: skip
    paying = asyncio.ensure_future(anna.pay(link))
    while not (updates := await bot.get_updates(offset=-1, timeout=1, allowed_updates=["pre_checkout_query"])):
        pass
    await bot.answer_pre_checkout_query(updates[0].pre_checkout_query.id, ok=True)
    return await paying


async def test_stars_go_back_once_and_asking_again_is_fine(bot, anna) -> None:
    charge = await paid(anna, bot)
    stars = anna.stars
    bank = StarBank(bot)
    await bank.refund(anna.user.id, charge.id)
    await bank.refund(anna.user.id, charge.id)
    assert anna.stars == stars + 50


async def test_a_charge_that_never_was_is_an_error(bot, anna) -> None:
    with pytest.raises(NotRefundable, match="CHARGE_NOT_FOUND") as refusal:
        await StarBank(bot).refund(anna.user.id, "made up")
    assert refusal.value.details == {"reason": "refused"}


async def test_a_subscription_is_not_renewed_once_stopped(bot, anna) -> None:
    charge = await paid(anna, bot, period=MONTH_S)
    assert await StarBank(bot).stop_renewal(anna.user.id, charge.id)
    assert charge.subscription.canceled_by_bot


async def test_a_subscription_that_is_not_there_needs_no_end(bot, anna) -> None:
    charge = await paid(anna, bot)
    assert not await StarBank(bot).stop_renewal(anna.user.id, charge.id)
