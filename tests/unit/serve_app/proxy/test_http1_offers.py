"""Clients that ask before they send, and such as offer another protocol."""

from __future__ import annotations

import asyncio

import pytest

from serve_app.proxy.http1 import PunctualHttp

from .talking import GET, POST, SLOW, answer, by_the_head, echo, serving, talk

EXPECT = b"Expect: 100-continue\r\n"


@pytest.mark.parametrize("length", [b"Content-Length: 2\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_who_asks_before_sending_is_told_to_go_on_and_keeps_the_connection(length: bytes) -> None:
    body = b"ok" if b"Content-Length" in length else b"2\r\nok\r\n0\r\n\r\n"
    async with serving(PunctualHttp) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(POST + EXPECT + length)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(body)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_who_asks_behind_another_request_is_told_to_go_on_after_its_answer() -> None:
    async def slow_echo(scope, receive, send) -> None:
        await asyncio.sleep(0.2)
        await echo(scope, receive, send)

    async with serving(PunctualHttp, slow_echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(SLOW + POST + EXPECT + b"Content-Length: 2\r\n\r\n")
        assert (await reader.readuntil(b"first")).startswith(b"HTTP/1.1 200 ")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.close()


# Who offers another protocol

# As Java's HttpClient and curl --http2 do.
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
SAID = {
    "declared": (b"Content-Length: 3\r\n\r\n", b"abc"),
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("pieces", ["whole", "head and body", "bytes"])
@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
async def test_who_offers_another_protocol_is_heard_to_the_end_in_this_one(
    said: tuple[bytes, bytes], pieces: str
) -> None:
    head, body = POST + OFFER + said[0], said[1]
    parts = {"whole": [head + body], "head and body": [head, body], "bytes": [bytes([byte]) for byte in head + body]}
    async with serving(PunctualHttp) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            for _ in range(2):
                for part in parts[pieces]:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                assert (await reader.readuntil(b"abc")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_an_offer_takes_no_request_behind_it_away() -> None:
    async def path(scope, receive, send) -> None:
        await answer(send, scope["path"].encode() + b".")

    async with serving(PunctualHttp, path) as port:
        heads = [b"GET /%d HTTP/1.1\r\nHost: x\r\n" % number + OFFER + b"\r\n" for number in range(100)]
        answers = await talk(port, b"".join(heads) + b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answers.count(b" 200 OK") == 101
    assert answers.endswith(b"/last.")


@pytest.mark.parametrize("asking", [GET, POST + b"Content-Length: 3\r\n"], ids=["GET", "POST"])
async def test_who_offers_a_websocket_is_answered_as_anybody(asking: bytes) -> None:
    head = asking + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    async with serving(PunctualHttp) as port:
        assert (await talk(port, head + b"abc")).startswith(b"HTTP/1.1 200 ")


async def test_a_tunnel_is_no_offer() -> None:
    async with serving(PunctualHttp, by_the_head) as port:
        assert (await talk(port, b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n" + OFFER + b"\r\n")).startswith(b"HTTP/1.1 4")
