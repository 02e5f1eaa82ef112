"""Who may speak in Telegram's name, and what is acknowledged."""

from __future__ import annotations

import httpx
import pytest
from aiogram.types import Update
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from bot.updates.reception import Outcome, Received
from bot.updates.webhook import MAX_BODY, SECRET_HEADER, Webhook, webhook_app

SECRET = "a-secret-that-nobody-guesses"
UPDATE = b'{"update_id": 7}'


class Reception:
    def __init__(self) -> None:
        self.seen: list[int] = []
        self.outcome = Outcome.HANDLED
        self.pause_s = 0.0

    async def receive(self, update: Update) -> Received:
        self.seen.append(update.update_id)
        return Received(self.outcome, self.pause_s)


@pytest.fixture
def reception() -> Reception:
    return Reception()


@pytest.fixture
def client(reception: Reception) -> httpx.AsyncClient:
    webhook = Webhook(SECRET)
    webhook.reception = reception  # type: ignore[assignment]  # a stand-in
    return httpx.AsyncClient(transport=httpx.ASGITransport(webhook_app(webhook)), base_url="http://bot")


async def post(client: httpx.AsyncClient, body: bytes, secret: str | None = SECRET, path: str = "/telegram") -> int:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    return (await client.post(path, content=body, headers=headers)).status_code


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET[:-1]])
async def test_without_the_secret_nobody_is_heard(
    client: httpx.AsyncClient, reception: Reception, secret: str | None
) -> None:
    assert await post(client, UPDATE, secret) == 401
    assert reception.seen == []


@pytest.mark.parametrize("path", ["/", "/telegram", "/telegram/"])
async def test_an_update_that_was_handled_is_acknowledged_wherever_the_proxy_put_us(
    client: httpx.AsyncClient, reception: Reception, path: str
) -> None:
    assert await post(client, UPDATE, path=path) == 200
    assert reception.seen == [7]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.WAITING])
async def test_an_update_that_was_not_handled_has_to_come_again(
    client: httpx.AsyncClient, reception: Reception, outcome: Outcome
) -> None:
    reception.outcome = outcome
    response = await client.post("/", content=UPDATE, headers={SECRET_HEADER: SECRET})
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


async def test_an_update_that_telegram_has_to_be_left_alone_for_comes_again_after_that(
    client: httpx.AsyncClient, reception: Reception
) -> None:
    reception.outcome, reception.pause_s = Outcome.WAITING, 59.2
    response = await client.post("/", content=UPDATE, headers={SECRET_HEADER: SECRET})
    assert (response.status_code, response.headers["retry-after"]) == (503, "60")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"update_id": "seven"}', b"\xff\xfe", b"[" * 200_000, b'{"a":' * 100_000]
)
async def test_what_can_never_be_read_is_not_asked_for_again(
    client: httpx.AsyncClient, reception: Reception, body: bytes
) -> None:
    assert await post(client, body) == 200
    assert reception.seen == []


async def test_a_body_without_end_is_cut_off(client: httpx.AsyncClient) -> None:
    assert await post(client, b"x" * (MAX_BODY + 1)) == 413


async def test_before_the_bot_is_open_updates_have_to_wait() -> None:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(webhook_app(Webhook(SECRET))), base_url="http://bot")
    assert await post(client, UPDATE) == 503


async def test_only_post_is_taken(client: httpx.AsyncClient) -> None:
    assert (await client.get("/telegram", headers={SECRET_HEADER: SECRET})).status_code == 405


def test_a_web_socket_is_turned_away() -> None:
    client = TestClient(webhook_app(Webhook(SECRET)))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/telegram"):
        pass


def test_a_webhook_without_a_secret_is_not_built() -> None:
    with pytest.raises(ValueError, match="secret"):
        Webhook("")
