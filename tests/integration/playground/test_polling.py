"""A bot of aiogram's in long-polling mode, met by people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramConflictError

from bot.playground.host import Playground
from bot.playground.telegram.payments import PaymentFailed


@pytest.fixture
async def dispatcher(bot: Bot, sample_dispatcher: Dispatcher) -> AsyncIterator[Dispatcher]:
    polling = asyncio.create_task(sample_dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    yield sample_dispatcher
    await sample_dispatcher.stop_polling()
    await polling


@pytest.fixture
def talking(dispatcher: Dispatcher, playground: Playground) -> Playground:
    return playground


async def test_a_person_is_greeted_taps_and_sees_the_edit(talking: Playground) -> None:
    anna = talking.person("Anna <3", language="ru")
    await anna.start()
    greeting = await anna.chat.next()
    assert greeting.text == "Hello, Anna <3"
    assert greeting.entities[0]["type"] == "bold"
    tap = await anna.tap(greeting, "Go")
    answer = await anna.answer(tap)
    assert (answer.text, answer.alert) == ("Going", True)
    assert (await anna.chat.edited(greeting, "went")).text == "went go:1"
    assert greeting.labels == []


async def test_a_photo_is_downloaded_and_comes_back_in_every_form(
    talking: Playground, make_picture: Callable[..., bytes]
) -> None:
    anna = talking.person("Anna")
    sent = await anna.send_photo(make_picture(2000, 1000), "my caption")
    reply = await anna.chat.next()
    size = sent.content["photo"][-1]["file_size"]
    assert reply.text == f"{size} bytes"
    assert reply.message.reply_to is sent
    assert reply.file().startswith(b"\xff\xd8")
    album = await anna.chat.album()
    assert [item.text for item in album] == ["first", ""]
    assert album[0].file_id == reply.file_id
    document = await anna.chat.next()
    assert document.file_name == "original.jpg"
    assert len(document.file()) == size
    assert anna.chat.actions == ["upload_photo"]


async def test_a_file_reaches_the_bot_byte_for_byte(talking: Playground, make_picture: Callable[..., bytes]) -> None:
    anna = talking.person("Anna")
    data = make_picture(300, 300, "PNG")
    await anna.send_document(data, "a.png", "image/png")
    assert (await anna.chat.find("bytes")).text == f"{len(data)} bytes"
    assert (await anna.chat.find(lambda reply: reply.kind == "document")).file() == data


async def test_an_invoice_is_paid_again_and_again(talking: Playground, dispatcher: Dispatcher) -> None:
    anna = talking.person("Anna", stars=120)
    await anna.say("/buy")
    invoice = await anna.chat.next()
    first, second = await anna.pay(invoice), await anna.pay(invoice)
    assert anna.stars == 20
    await anna.chat.find("Thank you")
    await anna.chat.find("Thank you")
    anna.repeat_success(first)
    await anna.chat.find("Thank you")
    assert dispatcher["charges"] == [first.id, second.id, first.id]
    with pytest.raises(PaymentFailed, match="BALANCE_TOO_LOW"):
        await anna.pay(invoice)


async def test_a_subscription_goes_through_its_life(talking: Playground, dispatcher: Dispatcher) -> None:
    anna = talking.person("Anna", stars=100)
    await anna.say("/buy")
    link = await anna.chat.find("https://t.me/$")
    subscription = (await anna.pay(link.text)).subscription
    assert subscription is not None
    assert anna.renew(subscription) is not None
    assert anna.renew(subscription) is None
    anna.cancel(subscription)
    anna.resume(subscription)
    await anna.say("sync")
    await anna.chat.find("sync")
    assert dispatcher["subscriptions"] == ["failed", "canceled", "active"]


async def test_groups_are_heard_as_privacy_mode_allows(talking: Playground) -> None:
    anna, boris = talking.person("Anna"), talking.person("Boris")
    group = talking.group("Friends", anna)
    group.add(boris)
    await anna.say("nobody listens", to=group)
    await boris.say("/listen", to=group)
    reply = await group.chat.next()
    assert reply.text == "/listen"
    await anna.say("an answer", to=group, reply_to=reply)
    assert (await group.chat.next()).text == "an answer"


async def test_an_inline_photo_is_shared(talking: Playground, make_picture: Callable[..., bytes]) -> None:
    anna = talking.person("Anna")
    await anna.send_photo(make_picture())
    photo = await anna.chat.next()
    query = await anna.inline(photo.file_id)
    shared = anna.choose(query, "1")
    assert shared.content["photo"] == photo.message.content["photo"]
    assert shared.via_bot


async def test_updates_the_bot_has_no_handler_for_are_not_sent(talking: Playground) -> None:
    anna = talking.person("Anna")
    await anna.start()
    await anna.chat.next()
    anna.block()
    assert len(talking.updates) == 0
    assert "my_chat_member" not in talking.updates.allowed


async def test_two_pollers_conflict(playground: Playground, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    while not playground.polled:
        await asyncio.sleep(0)
    second = asyncio.create_task(bot.get_updates(timeout=30))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await first
    await playground.person("Anna").start()
    assert len(await second) == 1
