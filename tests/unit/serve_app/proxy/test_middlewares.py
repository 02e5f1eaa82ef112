"""What a stranger's request loses at the proxy: a say in how Serve treats it, and the time to trickle."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve_app.proxy.middlewares import CleanHeaders, ServeAnswers, middlewares
from serve_app.proxy.replay import Replay
from serve_app.proxy.slow_clients import Anteroom, BodyPace


async def through(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers an application behind the proxy sees."""
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)

    await CleanHeaders(app)({"type": "http", "headers": headers}, None, None)
    return seen["headers"]


@pytest.mark.parametrize(
    "header",
    [
        (b"x-request-id", b"a\xff\xfeb"), (b"x-request-id", b"a" * 65), (b"x-request-id", b'"><script>'),
        (b"x-request-id", b""), (b"x-request-timeout-seconds", b"-1"), (b"x-request-timeout-seconds", b"0"),
        (b"x-request-timeout-seconds", b"inf"), (b"x-request-timeout-seconds", b"1e9"),
        (b"x-request-disconnect-disabled", b"?1"), (b"serve_multiplexed_model_id", b"x"),
        (b"serve-multiplexed-model-id", b"x"), (b"x_session_id", b"x"), (b"x-serve-router-x", b"x"),
        (b"traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"),
    ],
)  # fmt: skip
async def test_what_steers_serve_is_dropped(header: tuple[bytes, bytes]) -> None:
    assert await through([header, (b"host", b"x")]) == [(b"host", b"x")]


@pytest.mark.parametrize(
    "header",
    [(b"x-request-id", b"mine-7"), (b"x-request-timeout-seconds", b"2.5"), (b"authorization", b"Bearer x")],
)
async def test_what_is_harmless_passes(header: tuple[bytes, bytes]) -> None:
    assert await through([header]) == [header]


@given(value=st.binary(max_size=80))
def test_a_request_id_that_passes_is_a_plain_word(value: bytes) -> None:
    for _, passed in asyncio.run(through([(b"x-request-id", value)])):
        assert passed.decode("ascii").replace("-", "").replace(".", "").replace("_", "").replace(":", "").isalnum() or (
            set(passed) <= set(b"-._:")
        )


class Conversation:
    """A client that sends ``parts`` of a body, each when it is due by a clock of its own, and hears the answer."""

    def __init__(self, parts: list[tuple[float, bytes]]) -> None:
        self.parts = list(parts)
        self.now = 0.0
        self.sent: list[dict] = []

    async def receive(self) -> dict:
        if not self.parts:
            await asyncio.Event().wait()
        due, body = self.parts.pop(0)
        self.now = max(self.now, due)
        return {"type": "http.request", "body": body, "more_body": bool(self.parts)}

    async def send(self, message: dict) -> None:
        self.sent.append(message)


async def read_whole(scope, receive, send) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


async def told(status: int, headers: list[tuple[bytes, bytes]], *body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body that come through when an application answers so to a request called ``mine-7``."""
    sent: list[dict] = []

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in body:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def hear(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"x-request-id", b"mine-7")]}
    await ServeAnswers(app)(scope, None, hear)
    start, *rest = sent
    passed = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], passed, b"".join(message["body"] for message in rest)


@pytest.mark.parametrize(
    ("serves", "ours", "slug", "retry_after"),
    [
        (429, 429, "busy", "2"),
        (503, 503, "unavailable", "5"),
        (408, 503, "unavailable", "5"),
        (404, 404, "not-found", None),
    ],
)
async def test_what_serve_says_itself_is_a_problem_too(
    serves: int, ours: int, slug: str, retry_after: str | None
) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")] + ([(b"retry-after", b"2")] if serves == 429 else [])
    status, passed, body = await told(serves, headers, b"Request mine-7 timed out", b" after 120.0s.")
    assert (status, passed["content-type"], passed.get("retry-after")) == (
        ours,
        "application/problem+json",
        retry_after,
    )
    assert int(passed["content-length"]) == len(body)
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == (f"urn:masquerade:problem:{slug}", ours)
    assert problem["instance"] == "urn:request:mine-7"


async def test_other_answers_pass_as_they_are() -> None:
    for status, kind in ((200, b"text/plain"), (422, b"application/problem+json"), (206, b"image/jpeg")):
        _, passed, body = await told(status, [(b"content-type", kind), (b"content-length", b"4")], b"a", b"bcd")
        assert (passed["content-type"].encode(), passed["content-length"], body) == (kind, "4", b"abcd")


async def test_every_answer_carries_the_requests_id_once() -> None:
    _, passed, _ = await told(503, [(b"content-type", b"application/problem+json")])
    assert passed["x-request-id"] == "mine-7"
    _, passed, _ = await told(200, [(b"x-request-id", b"named-already")])
    assert passed == {"x-request-id": "named-already"}


async def test_a_request_without_an_id_is_given_one() -> None:
    scope = {"type": "http", "headers": []}
    await ServeAnswers(read_whole)(scope, Conversation([(0.0, b"")]).receive, Conversation([]).send)
    assert re.fullmatch(r"[0-9a-f-]{36}", dict(scope["headers"])[b"x-request-id"].decode())


def test_serve_is_given_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.proxy.http1.install", lambda: None)
    monkeypatch.setattr("serve_app.proxy.listening.install", lambda: None)
    assert [middleware.cls for middleware in middlewares()] == [Replay, Anteroom, BodyPace, ServeAnswers, CleanHeaders]


def test_whatever_an_operator_lets_be_uploaded_is_gathered_and_can_be_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("serve_app.proxy.http1.install", lambda: None)
    monkeypatch.setattr("serve_app.proxy.listening.install", lambda: None)
    # A proxy is none of those who need a place for models.
    monkeypatch.setenv("MASQUERADE_ENVIRONMENT", "production")
    for max_bytes in (20 * 2**20, 60 * 2**20):
        monkeypatch.setenv("MASQUERADE_LIMITS__MAX_BYTES", str(max_bytes))
        room = {"most_of_one": 2 * max_bytes + 2**20}
        assert {layer.cls: layer.kwargs for layer in middlewares() if layer.kwargs} == {Replay: room, Anteroom: room}
