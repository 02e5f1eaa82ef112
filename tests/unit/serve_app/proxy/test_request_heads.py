"""A request's head has to be whole in time and of a decent size, on every request of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import uvicorn
from uvicorn.config import HTTP_PROTOCOLS

from serve_app.proxy.request_heads import PunctualHttp, install
from tests.eventually import until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def echo(scope, receive, send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving(protocol: type[PunctualHttp]) -> AsyncIterator[int]:
    config = uvicorn.Config(echo, port=0, http=protocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


class Impatient(PunctualHttp):
    head_s = 0.2


class InOnePiece(PunctualHttp):
    """Is given everything up to the end of a head at once, as a network may do."""

    _words = b""

    def data_received(self, data: bytes) -> None:
        self._words += data
        if self._words.endswith(b"\r\n\r\n"):
            words, self._words = self._words, b""
            super().data_received(words)


HUNG_UP = b"HTTP/1.1 431 (unread)"


async def talk(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Everything that comes back until the server hangs up; :data:`HUNG_UP` when it did so over our unread words."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionError:
        return HUNG_UP
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def refusal(answer: bytes) -> int:
    """The status of a problem document that is all of the answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    document = json.loads(body)
    assert len(body) == int(headers["content-length"])
    assert document["instance"] == f"urn:request:{headers['x-request-id']}"
    assert document["detail"]
    assert first == f"HTTP/1.1 {document['status']} {document['title']}"
    return int(document["status"])


async def test_a_head_that_trickles_is_cut_off() -> None:
    async with serving(Impatient) as port:
        assert refusal(await talk(port, GET + b"X-")) == 408
        assert refusal(await talk(port)) == 408, "not even a first byte"


@pytest.mark.parametrize(
    "words",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"FROB / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        GET + b"X-Y: \0\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_told_so_in_a_problem_document(words: bytes) -> None:
    async with serving(PunctualHttp) as port:
        assert refusal(await talk(port, words)) == 400


@pytest.mark.parametrize("long", [b"X-Long: " + b"a" * 70_000, b"X: yyyyyyyyyy\r\n" * 7_000 + b"Z: z"])
async def test_a_large_head_that_comes_whole_is_as_large(long: bytes) -> None:
    async with serving(InOnePiece) as port:
        assert refusal(await talk(port, GET + long + b"\r\n\r\n")) == 431
        first = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nok"
        answer = await talk(port, first + GET + b"X-Fine: " + b"a" * 30_000 + b"\r\nConnection: close\r\n\r\n")
        assert answer.count(b"HTTP/1.1 200 ") == 2


async def test_a_head_without_end_is_cut_off() -> None:
    async with serving(PunctualHttp) as port:
        for endless in (b"X-Long: " + b"a" * 200_000, b"X: y\r\n" * 40_000):
            assert (await talk(port, GET + endless)).startswith(b"HTTP/1.1 431 ")


async def test_a_second_request_has_its_own_time() -> None:
    whole = GET + b"\r\n"
    async with serving(Impatient) as port:
        answer = await talk(port, whole, GET, pause_s=0.1)
        assert answer.count(b"HTTP/1.1 200") == 1
        assert answer.count(b"HTTP/1.1 408") == 1


async def test_a_body_may_take_longer_and_be_larger_than_a_head() -> None:
    body = b"b" * 300_000
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n"
    async with serving(Impatient) as port:
        answer = await talk(port, head, body[:1000], body[1000:], pause_s=0.3)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(body)


async def test_a_head_that_follows_a_large_body_at_once_is_not_taken_for_a_large_head() -> None:
    body = b"b" * 200_000
    first = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + body
    async with serving(PunctualHttp) as port:
        answer = await talk(port, first + GET[:9], GET[9:] + b"Connection: close\r\n\r\n", pause_s=0.1)
        assert answer.count(b"HTTP/1.1 200 ") == 2


def test_it_becomes_the_protocol_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", HTTP_PROTOCOLS["auto"])
    install()
    config = uvicorn.Config(echo, lifespan="off", log_config=None)
    config.load()
    assert config.http_protocol_class is PunctualHttp
