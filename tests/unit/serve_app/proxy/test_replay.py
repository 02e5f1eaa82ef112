"""A request whose replica died is asked again, where twice does no more than once, and nobody is left without an answer."""

from __future__ import annotations

import json

import pytest

from serve_app.proxy.replay import Replay, repeatable

MOST_OF_ONE = 1024


class Replicas:
    """An application whose first ``deaths`` replicas read the body and die without an answer."""

    def __init__(self, deaths: int) -> None:
        self.deaths = deaths
        self.bodies: list[bytes] = []

    async def __call__(self, scope, receive, send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        if len(self.bodies) > self.deaths:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})


class Client:
    """Sends a body in two parts and hears the answer; ``stays`` or hangs up in the middle."""

    def __init__(self, body: bytes = b"a photo", *, stays: bool = True) -> None:
        half = len(body) // 2
        self.parts = [(body[:half], True), (body[half:], False)] if stays else [(body[:half], True)]
        self.heard: list[dict] = []

    async def receive(self) -> dict:
        if not self.parts:
            return {"type": "http.disconnect"}
        body, more = self.parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(self, message: dict) -> None:
        self.heard.append(message)

    @property
    def status(self) -> int:
        (status,) = [message["status"] for message in self.heard if message["type"] == "http.response.start"]
        return status


async def ask(
    app: Replicas, client: Client, path: str = "/v1/style", headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    async def at_once(_seconds: float) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers or []}
    await Replay(app, MOST_OF_ONE, pause=at_once)(scope, client.receive, client.send)


async def test_what_is_answered_is_asked_once() -> None:
    app, client = Replicas(deaths=0), Client()
    await ask(app, client)
    assert client.status == 200
    assert app.bodies == [b"a photo"]


async def test_whoever_has_waited_long_is_told_instead_of_waiting_for_another_try(monkeypatch) -> None:
    monkeypatch.setattr("serve_app.proxy.replay.PATIENCE_S", -1.0)
    app, client = Replicas(deaths=1), Client()
    await ask(app, client)
    assert client.status == 503
    assert len(app.bodies) == 1


async def test_the_next_replica_gets_the_whole_request_again() -> None:
    app, client = Replicas(deaths=2), Client()
    await ask(app, client)
    assert client.status == 200
    assert app.bodies == [b"a photo"] * 3


async def test_replicas_that_keep_dying_are_told_of_with_when_to_come_back() -> None:
    app, client = Replicas(deaths=10**9), Client()
    await ask(app, client)
    assert client.status == 503
    assert (b"retry-after", b"1") in client.heard[0]["headers"]
    assert json.loads(client.heard[1]["body"])["type"] == "urn:masquerade:problem:lost"


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/models/style/rollback", "/elsewhere"])
async def test_what_must_not_happen_twice_is_not_asked_again(path: str) -> None:
    app, client = Replicas(deaths=1), Client()
    await ask(app, client, path)
    assert client.status == 503
    assert len(app.bodies) == 1
    assert b"retry-after" not in dict(client.heard[0]["headers"])


async def test_an_order_under_an_idempotency_key_is_asked_again() -> None:
    app, client = Replicas(deaths=1), Client()
    await ask(app, client, "/v1/jobs", [(b"Idempotency-Key", b"7")])
    assert client.status == 200


class Young:
    """A proxy that knows of no routes the first ``times`` times."""

    def __init__(self, times: int) -> None:
        self.times = times

    async def __call__(self, scope, receive, send) -> None:
        self.times -= 1
        kind, status = (b"text/plain", 404) if self.times >= 0 else (b"application/problem+json", 404)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": kind})


@pytest.mark.parametrize("path", ["/v1/style", "/v1/jobs"])
async def test_a_proxy_that_knows_no_routes_yet_is_given_time(path: str) -> None:
    client = Client()
    await ask(Young(times=2), client, path)
    assert [message.get("body") for message in client.heard] == [None, b"application/problem+json"]


async def test_a_proxy_that_never_learns_its_routes_says_come_back() -> None:
    client = Client()
    await ask(Young(times=10**9), client)
    assert client.status == 503
    assert (b"retry-after", b"1") in client.heard[0]["headers"]


async def test_what_lies_under_no_route_at_all_is_asked_once() -> None:
    client, young = Client(), Young(times=10**9)
    await ask(young, client, "*")
    assert (client.status, young.times) == (404, 10**9 - 1)


async def test_nobody_is_asked_for_a_client_who_hung_up() -> None:
    app, client = Replicas(deaths=1), Client(stays=False)
    await ask(app, client)
    assert not client.heard
    assert not app.bodies


async def test_a_body_too_large_to_be_kept_is_not_sent_again() -> None:
    app, client = Replicas(deaths=1), Client(bytes(MOST_OF_ONE + 1))
    await ask(app, client)
    assert client.status == 503
    assert len(app.bodies) == 1


@pytest.mark.parametrize(("method", "expected"), [("GET", True), ("DELETE", True), ("POST", False), ("PATCH", False)])
def test_reading_and_deleting_may_always_be_repeated(method: str, *, expected: bool) -> None:
    assert repeatable(method, "/v1/models", []) is expected
