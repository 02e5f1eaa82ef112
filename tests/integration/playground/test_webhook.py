"""Webhooks: delivered in order, again after failures, never longer than an update lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError, TelegramRetryAfter
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.playground.clock import ManualClock
from bot.playground.faults import Faults
from bot.playground.host import Playground
from bot.playground.limits import Limits
from bot.playground.telegram.webhook import SECRET_HEADER


class Receiver:
    """A bot's address that answers as it is told to: by default 200."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.answers: list[web.Response] = []
        self.held: asyncio.Event | None = None
        self._came = asyncio.Condition()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        async with self._came:
            self.bodies.append(body)
            self.headers.append(request.headers)
            self._came.notify_all()
        if self.held is not None:
            await self.held.wait()
        return self.answers.pop(0) if self.answers else web.Response()

    async def received(self, count: int) -> list[str]:
        async with self._came, asyncio.timeout(10):
            await self._came.wait_for(lambda: len(self.bodies) >= count)
        return [body["message"]["text"] for body in self.bodies if "message" in body]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def playground(clock: ManualClock) -> AsyncIterator[Playground]:
    async with Playground(clock=clock, limits=Limits(enforced=False)) as running:
        yield running


async def failures(playground: Playground, count: int) -> None:
    """Wait until the server has taken note of so many failed deliveries in a row."""
    assert playground.webhook is not None
    async with asyncio.timeout(10):
        while playground.webhook.failures < count:
            await asyncio.sleep(0)


async def idle(playground: Playground) -> None:
    async with asyncio.timeout(10):
        while len(playground.updates):
            await asyncio.sleep(0)


async def test_updates_come_with_the_secret_token(playground: Playground, bot: Bot, receiver: Receiver) -> None:
    await bot.set_webhook(receiver.url, secret_token="s3cret-_A")
    await playground.person("Anna").start()
    assert await receiver.received(1) == ["/start"]
    assert receiver.headers[0][SECRET_HEADER] == "s3cret-_A"
    assert receiver.headers[0]["Content-Type"] == "application/json"


async def test_what_waited_before_the_webhook_was_set_is_delivered(
    playground: Playground, bot: Bot, receiver: Receiver
) -> None:
    await playground.person("Anna").start()
    await bot.set_webhook(receiver.url)
    assert await receiver.received(1) == ["/start"]


async def test_a_failed_delivery_is_repeated_at_once_and_then_with_growing_pauses(
    playground: Playground, bot: Bot, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.answers = [web.Response(status=500) for _ in range(4)]
    await bot.set_webhook(receiver.url)
    await playground.person("Anna").start()
    await failures(playground, 2)
    assert len(receiver.bodies) == 2
    clock.advance(1.9)
    await failures(playground, 2)
    assert len(receiver.bodies) == 2
    clock.advance(0.1)
    await failures(playground, 3)
    clock.advance(4)
    await failures(playground, 4)
    info = await bot.get_webhook_info()
    assert (info.pending_update_count, info.last_error_message) == (
        1,
        "Wrong response from the webhook: 500 Internal Server Error",
    )
    clock.advance(8)
    assert await receiver.received(5) == ["/start"] * 5
    assert len({body["update_id"] for body in receiver.bodies}) == 1
    await idle(playground)


async def test_retry_after_is_obeyed(playground: Playground, bot: Bot, receiver: Receiver, clock: ManualClock) -> None:
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "30"})]
    await bot.set_webhook(receiver.url)
    await playground.person("Anna").start()
    await failures(playground, 1)
    clock.advance(29)
    await failures(playground, 1)
    assert len(receiver.bodies) == 1
    clock.advance(1)
    await receiver.received(2)


async def test_a_chat_is_in_order_and_others_do_not_wait_for_it(
    playground: Playground, bot: Bot, receiver: Receiver, clock: ManualClock
) -> None:
    anna, boris = playground.person("Anna"), playground.person("Boris")
    receiver.answers = [web.Response(status=500), web.Response(status=500)]
    await bot.set_webhook(receiver.url)
    await anna.say("first")
    await failures(playground, 2)
    await anna.say("second")
    await boris.say("other")
    assert await receiver.received(3) == ["first", "first", "other"]
    clock.advance(2)
    assert (await receiver.received(5))[3:] == ["first", "second"]


async def test_no_more_connections_than_asked_for(playground: Playground, bot: Bot, receiver: Receiver) -> None:
    receiver.held = asyncio.Event()
    await bot.set_webhook(receiver.url, max_connections=2)
    for number in range(5):
        await playground.person(f"Person {number}").start()
    await receiver.received(2)
    await bot.get_me()
    assert len(receiver.bodies) == 2
    receiver.held.set()
    assert len(await receiver.received(5)) == 5


async def test_an_update_that_got_too_old_is_dropped(
    playground: Playground, bot: Bot, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.answers = [web.Response(status=500) for _ in range(2)]
    anna = playground.person("Anna")
    await anna.start()
    message = await bot.send_message(anna.user.id, "Go?")
    playground.updates.clear()
    await bot.set_webhook(receiver.url)
    await anna.tap_data(anna.chat.replies[0], "go")
    await failures(playground, 2)
    clock.advance(150)
    await idle(playground)
    assert len(receiver.bodies) == 2
    assert message.message_id


async def test_each_update_is_delivered_as_often_as_the_drill_asks(
    playground: Playground, bot: Bot, receiver: Receiver, clock: ManualClock
) -> None:
    playground.set_faults(Faults(seed=3, deliveries=3, redelivery_spread=5))
    await bot.set_webhook(receiver.url)
    for number in range(6):
        await playground.person(f"Person {number}").start()
    await receiver.received(6)
    clock.advance(5)
    repeats = playground.injected["repeated"]
    assert repeats > 0
    await receiver.received(6 + repeats)
    counts = [
        sum(body["update_id"] == known for body in receiver.bodies)
        for known in {b["update_id"] for b in receiver.bodies}
    ]
    assert max(counts) <= 3
    assert sum(counts) == 6 + repeats


async def test_polling_is_refused_while_a_webhook_is_set(playground: Playground, bot: Bot, receiver: Receiver) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=30))
    while not playground.polled:
        await asyncio.sleep(0)
    await bot.set_webhook(receiver.url)
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
        await polling
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates(offset=-1) == []
    assert (await bot.get_webhook_info()).url == ""


async def test_pending_updates_can_be_dropped(playground: Playground, bot: Bot, receiver: Receiver) -> None:
    await playground.person("Anna").start()
    await bot.set_webhook(receiver.url, drop_pending_updates=True)
    await playground.person("Boris").say("after")
    assert await receiver.received(1) == ["after"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "ftp://127.0.0.1/hook"}, "invalid webhook URL specified"),
        ({"url": "http://[", "secret_token": "a"}, "invalid webhook URL specified"),
        ({"url": "http://127.0.0.1/", "secret_token": "with space"}, "secret token contains unallowed characters"),
        ({"url": "http://127.0.0.1/", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
async def test_refused_webhooks(bot: Bot, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(TelegramBadRequest, match=message):
        await bot.set_webhook(**arguments)


async def test_replicas_that_set_the_webhook_at_once_are_told_to_wait(
    bot: Bot, receiver: Receiver, clock: ManualClock
) -> None:
    await bot.set_webhook(receiver.url)
    with pytest.raises(TelegramRetryAfter):
        await bot.set_webhook(receiver.url)
    clock.advance(1)
    assert await bot.set_webhook(receiver.url)


async def test_an_address_nobody_answers_at_is_tried_again(
    playground: Playground, bot: Bot, unused_tcp_port: int
) -> None:
    await bot.set_webhook(f"http://127.0.0.1:{unused_tcp_port}/hook")
    await playground.person("Anna").start()
    await failures(playground, 2)
    assert (await bot.get_webhook_info()).last_error_message == "Connection refused"


async def test_a_bot_of_aiograms_is_served_by_webhook(sample_dispatcher: Dispatcher) -> None:
    async with Playground(limits=Limits(enforced=False)) as playground:
        bot = Bot(playground.token, session=AiohttpSession(api=TelegramAPIServer.from_base(playground.url)))
        app = web.Application()
        handler = SimpleRequestHandler(sample_dispatcher, bot, handle_in_background=True, secret_token="s")
        handler.register(app, path="/hook")
        async with TestServer(app) as server:
            await bot.set_webhook(str(server.make_url("/hook")), secret_token="s")
            anna = playground.person("Anna")
            await anna.start()
            greeting = await anna.chat.next()
            await anna.tap(greeting, "Go")
            assert (await anna.chat.edited(greeting)).text == "went go:1"
            await bot.delete_webhook()
