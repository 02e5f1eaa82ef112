"""What the chat page is made with: people act, their screens are told, and other origins are kept out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.types import BotCommand, InlineQueryResultArticle, InputTextMessageContent, LabeledPrice

from bot.playground.host import Playground

OWN = {"X-Playground": "1"}


class Page:
    """Requests as the page makes them."""

    def __init__(self, http: aiohttp.ClientSession, playground: Playground) -> None:
        self._http = http
        self._base = f"{playground.page_url}api/"

    async def get(self, path: str) -> Any:
        async with self._http.get(self._base + path) as response:
            assert response.status == 200
            return await response.json()

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        data = body if isinstance(body, aiohttp.FormData) else json.dumps(body)
        async with self._http.post(self._base + path, data=data, headers=OWN) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def write(
        self, user: int, chat: int, text: str, files: list[bytes] | None = None, kind: str = "photo"
    ) -> Any:
        form = aiohttp.FormData({"user_id": str(user), "text": text, "as": kind})
        for number, data in enumerate(files or []):
            form.add_field("file", data, filename=f"{number}.jpg", content_type="image/jpeg")
        return await self.post(f"chats/{chat}/messages", form)

    def events(self) -> Any:
        return self._http.get(self._base + "events")


@pytest.fixture
def page(http: aiohttp.ClientSession, playground: Playground) -> Page:
    return Page(http, playground)


@pytest.fixture
async def anna(page: Page) -> int:
    person = await page.post("people", {"first_name": "Anna", "language_code": "ru"})
    await page.write(person["id"], person["id"], "/start")
    return int(person["id"])


async def told(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    async for line in stream.content:
        if line.startswith(b"data: "):
            event: dict[str, Any] = json.loads(line[6:])
            return event
    raise AssertionError("the stream ended")


async def test_a_person_writes_and_sees_the_answer(page: Page, bot: Bot, anna: int) -> None:
    async with page.events() as stream:
        await bot.send_message(anna, "Hello")
        event = await told(stream)
    assert (event["kind"], event["chat_id"], event["message"]["text"]) == ("message", anna, "Hello")
    history = await page.get(f"chats/{anna}")
    assert [(message["text"], message["by_bot"]) for message in history] == [("/start", False), ("Hello", True)]


async def test_pictures_go_as_photos_or_as_files(
    page: Page, bot: Bot, anna: int, make_picture: Callable[..., bytes]
) -> None:
    data = make_picture()
    await page.write(anna, anna, "two", [data, data])
    await page.write(anna, anna, "", [data], kind="file")
    first, second, document = (await page.get(f"chats/{anna}"))[1:]
    assert first["media_group_id"] == second["media_group_id"]
    assert (first["caption"], "caption" in second) == ("two", False)
    assert document["document"]["file_size"] == len(data)
    updates = await bot.get_updates()
    assert [update.message is not None for update in updates] == [True] * 4


async def test_files_are_shown_only_if_they_are_pictures(
    http: aiohttp.ClientSession, playground: Playground, page: Page, anna: int, make_picture: Callable[..., bytes]
) -> None:
    files = playground.telegram.files
    photo = files.add_photo(make_picture())
    script = files.add_file("document", b"<script>alert(1)</script>", name="a.html", mime="text/html")
    drawing = files.add_file("document", b"<svg onload=alert(1)>", name="a.svg", mime="image/svg+xml")
    async with http.get(f"{playground.page_url}api/files/{photo.main.file_id}") as response:
        assert response.content_type == "image/jpeg"
    for file in (script, drawing):
        async with http.get(f"{playground.page_url}api/files/{file.main.file_id}") as response:
            assert response.content_type == "application/octet-stream"
            assert response.headers["Content-Disposition"] == "attachment"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_tap_waits_for_the_bots_answer(page: Page, bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, "Go?")
    tapping = asyncio.create_task(
        page.post(f"chats/{anna}/taps", {"user_id": anna, "message_id": sent.message_id, "data": "go"})
    )
    (update,) = await bot.get_updates(timeout=5, allowed_updates=["callback_query"], offset=-1)
    while update.callback_query is None:
        (update,) = await bot.get_updates(timeout=5, offset=update.update_id + 1)
    await bot.answer_callback_query(update.callback_query.id, text="Gone", show_alert=True)
    assert await tapping == {"text": "Gone", "show_alert": True, "url": ""}


async def test_paying_moves_stars_or_says_why_not(page: Page, bot: Bot, playground: Playground, anna: int) -> None:
    playground.updates.clear()
    link = await bot.create_invoice_link("Pack", "Ten", "pack", "XTR", [LabeledPrice(label="Pack", amount=400)])
    for number in range(2):
        paying = asyncio.create_task(page.post("payments", {"user_id": anna, "link": link}))
        updates = await bot.get_updates(timeout=5)
        query = updates[-1].pre_checkout_query
        assert query is not None
        await bot.answer_pre_checkout_query(query.id, ok=True)
        assert (await paying)["stars"] == 1000 - 400 * (number + 1)
        await bot.get_updates(offset=updates[-1].update_id + 2)
    refused = await page.post("payments", {"user_id": anna, "link": link}, status=422)
    assert refused == {"error": "BALANCE_TOO_LOW"}


async def test_inline_results_are_shared_into_a_group(page: Page, bot: Bot, playground: Playground, anna: int) -> None:
    group = await page.post("groups", {"title": "Friends", "user_id": anna})
    playground.updates.clear()
    asking = asyncio.create_task(page.post("inline", {"user_id": anna, "query": "hi"}))
    (update,) = await bot.get_updates(timeout=5)
    assert update.inline_query is not None
    content = InputTextMessageContent(message_text="Shared")
    await bot.answer_inline_query(
        update.inline_query.id, [InlineQueryResultArticle(id="1", title="T", input_message_content=content)]
    )
    offered = await asking
    await page.post("inline/shared", {"query_id": offered["query_id"], "result_id": "1", "chat_id": group["id"]})
    assert (await page.get(f"chats/{group['id']}"))[-1]["text"] == "Shared"


async def test_the_state_names_people_groups_and_commands_in_their_language(page: Page, bot: Bot, anna: int) -> None:
    await bot.set_my_commands([BotCommand(command="start", description="Begin")])
    await bot.set_my_commands([BotCommand(command="start", description="Начать")], language_code="ru")
    state = await page.get("state?language=ru")
    assert state["commands"] == [{"command": "start", "description": "Начать"}]
    assert (await page.get("state?language=de"))["commands"][0]["description"] == "Begin"
    assert state["people"][0]["language_code"] == "ru"
    assert "token" not in json.dumps(state)


async def test_a_block_can_be_taken_back(page: Page, anna: int) -> None:
    assert (await page.post(f"people/{anna}/block", {}))["blocked_bot"] is True
    refused = await page.post(
        f"chats/{anna}/messages", aiohttp.FormData({"user_id": str(anna), "text": "a"}), status=422
    )
    assert refused == {"error": "the bot is blocked"}
    assert (await page.post(f"people/{anna}/block", {}))["blocked_bot"] is False


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("people", {"first_name": " "}),
        ("people", []),
        ("groups", {"user_id": 1}),
        ("payments", {"user_id": "x"}),
        ("inline/shared", {"query_id": "1"}),
        ("chats/1/taps", {}),
    ],
)
async def test_requests_that_make_no_sense_are_refused(page: Page, path: str, body: Any) -> None:
    assert "error" in await page.post(path, body, status=422)


async def test_other_origins_are_kept_out(http: aiohttp.ClientSession, playground: Playground) -> None:
    url = f"{playground.page_url}api/people"
    async with http.post(url, json={"first_name": "Mallory"}) as response:
        assert response.status == 403
    async with http.get(f"{playground.page_url}api/state", headers={"Host": "evil.example"}) as response:
        assert response.status == 403
    assert not playground.telegram.users


async def test_the_page_loads_nothing_from_elsewhere(http: aiohttp.ClientSession, playground: Playground) -> None:
    async with http.get(playground.page_url) as response:
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
        text = await response.text()
    assert "http://" not in text
    assert "https://" not in text
    for name in ("chat.css", "chat.js", "dom.js", "messages.js", "words.js", "mask.svg"):
        async with http.get(f"{playground.page_url}static/{name}") as response:
            assert response.status == 200
            assert "innerHTML" not in await response.text()
