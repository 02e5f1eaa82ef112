"""The Bot API over HTTP: bodies of every kind, downloads, refusals, and faults on demand."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter, TelegramServerError
from aiogram.types import BufferedInputFile

from bot.playground.clock import ManualClock
from bot.playground.faults import Faults
from bot.playground.host import Playground
from bot.playground.limits import Limits
from bot.playground.telegram.files import MAX_UPLOAD


@pytest.fixture
async def chat_id(playground: Playground) -> int:
    anna = playground.person("Anna")
    await anna.start()
    return anna.user.id


@pytest.fixture
def api(playground: Playground) -> str:
    return f"{playground.url}/bot{playground.token}"


async def answer(response: Any) -> dict[str, Any]:
    async with response as received:
        body: dict[str, Any] = await received.json()
        assert received.status == (200 if body["ok"] else body["error_code"])
        return body


async def test_every_kind_of_body_is_understood(http: aiohttp.ClientSession, api: str, chat_id: int) -> None:
    args = {"chat_id": str(chat_id), "text": "héllo"}
    url = f"{api}/sendMessage"
    multipart = aiohttp.FormData(args, default_to_multipart=True)
    bodies = [
        await answer(http.get(url, params=args)),
        await answer(http.post(url, data=args)),
        await answer(http.post(url, data=multipart)),
        await answer(http.post(url, json={"chat_id": chat_id, "text": "héllo", "reply_markup": None})),
        await answer(http.post(f"{api}/SENDMESSAGE", params={"text": "héllo"}, json={"chat_id": chat_id})),
    ]
    assert [body["result"]["text"] for body in bodies] == ["héllo"] * 5


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("/bot1:wrong/getMe", 401, "Unauthorized"),
        ("/botnonsense/getMe", 401, "Unauthorized: invalid token specified"),
        ("/file/bot1:wrong/photos/file_0.jpg", 401, "Unauthorized"),
    ],
)
async def test_other_tokens_are_refused(
    http: aiohttp.ClientSession, playground: Playground, path: str, status: int, description: str
) -> None:
    body = await answer(http.get(f"{playground.url}{path}"))
    assert (body["error_code"], body["description"]) == (status, description)


async def test_unknown_methods_are_not_found(http: aiohttp.ClientSession, api: str) -> None:
    body = await answer(http.post(f"{api}/paintMessage"))
    assert (body["error_code"], body["description"]) == (404, "Not Found: method not found")


async def test_broken_json_is_refused(http: aiohttp.ClientSession, api: str) -> None:
    for broken in ("{", "[]"):
        body = await answer(http.post(f"{api}/getMe", data=broken, headers={"Content-Type": "application/json"}))
        assert body["error_code"] == 400


async def test_uploads_that_are_too_large_are_refused(http: aiohttp.ClientSession, api: str, chat_id: int) -> None:
    form = aiohttp.FormData({"chat_id": str(chat_id)})
    form.add_field("document", io.BytesIO(bytes(MAX_UPLOAD + 2**20)), filename="large.bin")
    body = await answer(http.post(f"{api}/sendDocument", data=form))
    assert (body["error_code"], body["description"]) == (413, "Request Entity Too Large")


async def test_a_download_path_expires_after_an_hour(
    http: aiohttp.ClientSession, make_picture: Callable[..., bytes]
) -> None:
    clock = ManualClock()
    async with Playground(clock=clock) as playground:
        anna = playground.person("Anna")
        data = make_picture()
        message = await anna.send_document(data)
        api = f"{playground.url}/bot{playground.token}"
        file_id = message.content["document"]["file_id"]
        path = (await answer(http.get(f"{api}/getFile", params={"file_id": file_id})))["result"]["file_path"]
        url = f"{playground.url}/file/bot{playground.token}/{path}"
        async with http.get(url) as response:
            assert await response.read() == data
        clock.advance(3600)
        body = await answer(http.get(url))
        assert (body["error_code"], body["description"]) == (404, "Not Found")


async def test_the_real_limits_answer_429_with_the_time_to_wait(http: aiohttp.ClientSession) -> None:
    async with Playground(clock=ManualClock(), limits=Limits(chat_burst=1)) as playground:
        anna = playground.person("Anna")
        await anna.start()
        url = f"{playground.url}/bot{playground.token}/sendMessage"
        args = {"chat_id": anna.user.id, "text": "a"}
        assert (await answer(http.post(url, data=args)))["ok"]
        async with http.post(url, data=args) as response:
            assert response.status == 429
            assert response.headers["Retry-After"] == "1"
            assert (await response.json())["parameters"] == {"retry_after": 1}
        assert playground.traffic.refused == 1
        assert playground.refusals == ["sendmessage: Too Many Requests: retry after 1"]


async def test_injected_refusals_leave_nothing_behind(playground: Playground, bot: Bot, chat_id: int) -> None:
    playground.set_faults(Faults(too_many_requests=1))
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(chat_id, "a")
    playground.set_faults(Faults(server_error=1))
    with pytest.raises(TelegramServerError):
        await bot.send_message(chat_id, "b")
    assert await bot.get_me()
    playground.set_faults(Faults())
    await bot.send_message(chat_id, "c")
    assert [message.content["text"] for message in playground.telegram.chats[chat_id].messages.values()] == [
        "/start",
        "c",
    ]


async def test_a_cut_connection_loses_the_request_or_only_the_answer(
    playground: Playground, bot: Bot, chat_id: int
) -> None:
    playground.set_faults(Faults(cut_before=1))
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(chat_id, "before")
    playground.set_faults(Faults(cut_after=1))
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(chat_id, "after")
    texts = [message.content["text"] for message in playground.telegram.chats[chat_id].messages.values()]
    assert texts == ["/start", "after"]
    assert playground.injected == {"cut_after": 1}


async def test_latency_delays_answers(http: aiohttp.ClientSession) -> None:
    clock = ManualClock()
    async with Playground(clock=clock, faults=Faults(latency=(2.0, 2.0))) as playground:
        request = asyncio.create_task(answer(http.get(f"{playground.url}/bot{playground.token}/getMe")))
        while not clock.sleeping:
            await asyncio.sleep(0)
        clock.advance(2)
        assert (await request)["ok"]


async def test_identifiers_are_escaped_json(bot: Bot, chat_id: int) -> None:
    nasty = "</script> \u2028 '; DROP TABLE users; -- {{x}} %s"
    sent = await bot.send_message(chat_id, nasty)
    assert sent.text == nasty
    document = await bot.send_document(chat_id, BufferedInputFile(b"x", 'a"b\\c.txt'))
    assert document.document is not None
    assert json.dumps(document.document.file_name)


async def test_who_hung_up_is_refused_nothing(
    http: aiohttp.ClientSession, playground: Playground, api: str, chat_id: int
) -> None:
    newest = (await answer(await http.get(f"{api}/getUpdates?offset=-1")))["result"][0]["update_id"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await http.get(f"{api}/getUpdates?offset={newest + 1}&timeout=50")
    assert (await answer(await http.get(f"{api}/setWebhook?url=http://127.0.0.1:9/")))["ok"]
    assert playground.refusals == []
