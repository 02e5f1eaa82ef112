"""Who was answered or refused before all was said reads that answer, and is listened to for a while only."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from serve_app.proxy.http1 import PunctualHttp
from tests.eventually import until

from .talking import BAD_CHUNK, GET, POST, SLOW, Impatient, answer, by_the_head, echo, refusal, serving, talk


class Leaving(PunctualHttp):
    """Listens for a moment only to those who were answered early."""

    silence_s = 0.5
    linger_s = 1.5


def deaf(port: int, words: bytes) -> tuple[bytes, socket.socket]:
    """What a client reads that sends all it has before it reads; as many libraries do."""
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.sendall(words)
    read = b""
    while b"too large" not in read and (piece := client.recv(65_536)):
        read += piece
    return read, client


@pytest.mark.parametrize("head", [b"POST /close HTTP/1.1\r\nHost: x\r\n", b"POST /close HTTP/1.0\r\n"])
async def test_who_sends_on_after_an_early_answer_reads_it(head: bytes) -> None:
    body = b"b" * 20_000_000
    async with serving(PunctualHttp, by_the_head) as port:
        words = head + b"Content-Length: 20000000\r\n\r\n" + body
        read, client = await asyncio.to_thread(deaf, port, words)
        assert read.startswith(b"HTTP/1.1 413 ")
        assert client.recv(1) == b"", "it is told that nothing more is said"
        client.close()


async def test_who_sends_on_after_a_refusal_reads_it() -> None:
    async with serving(PunctualHttp) as port:
        words = POST + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(50):
            writer.write(words)
            await asyncio.sleep(0.01)
        assert refusal(await reader.read()) == 400
        writer.close()


async def hung_up(writer: asyncio.StreamWriter, period_s: float) -> float:
    """Seconds until the server no longer listens to somebody who goes on sending, or who is silent (0)."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            while not writer.transport.is_closing():
                if period_s:
                    writer.write(b"b")
                    await writer.drain()
                await asyncio.sleep(period_s or 0.05)
    return time.monotonic() - began


@pytest.mark.parametrize("path", [b"/close", b"/keep"])
async def test_who_never_stops_sending_is_listened_to_for_a_while_only(path: bytes) -> None:
    async with serving(Leaving, by_the_head) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert (await reader.readuntil(b"too large")).startswith(b"HTTP/1.1 413 ")
        assert Leaving.linger_s - 0.2 < await hung_up(writer, 0.05) < 5


async def test_who_stops_sending_without_a_word_is_left_sooner() -> None:
    async with serving(Leaving, by_the_head) as port:
        client = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 20)
        client.sendall(b"POST /close HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        began = time.monotonic()
        while await asyncio.to_thread(client.recv, 65_536):
            pass
        assert time.monotonic() - began < Leaving.silence_s, "the answer has ended"
        await asyncio.sleep(2 * Leaving.silence_s)
        client.sendall(b"b")
        await asyncio.sleep(0.1)
        with pytest.raises(ConnectionError):
            client.sendall(b"b")
        client.close()


async def test_an_early_answer_that_does_not_end_the_connection_leaves_it_open() -> None:
    async with serving(Leaving, by_the_head) as port:
        post = b"POST /keep HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        _, client = await asyncio.to_thread(deaf, port, post + b"b" * 1_000_000)
        await asyncio.sleep(1.2 * Leaving.linger_s)
        client.sendall(GET + b"Connection: close\r\n\r\n")
        assert (await asyncio.to_thread(client.recv, 65_536)).startswith(b"HTTP/1.1 413 ")
        client.close()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([SLOW + b"garbage\r\n\r\n"], 400),
        ([SLOW, b"garbage\r\n\r\n", b"and more of it\r\n\r\n"], 400),
        ([SLOW + BAD_CHUNK], 400),
        ([SLOW + GET, b"X: " + b"x" * 70_000], 431),
        ([SLOW + GET], 408),
    ],
)
async def test_what_comes_behind_a_request_and_is_none_waits_for_its_answer(words: list[bytes], status: int) -> None:
    async def slow_echo(scope, receive, send) -> None:
        assert scope["path"] == "/slow", "what is refused reaches nobody"
        await asyncio.sleep(0.5)
        await echo(scope, receive, send)

    async with serving(Impatient if status == 408 else PunctualHttp, slow_echo) as port:
        first, _, second = (await talk(port, *words, pause_s=0.05)).partition(b"first")
        assert first.startswith(b"HTTP/1.1 200 ")
        assert refusal(second) == status


async def test_a_body_that_is_none_ends_the_request_it_belongs_to() -> None:
    ends = []

    async def until_the_end(scope, receive, send) -> None:
        while (message := await receive())["type"] == "http.request":
            pass
        ends.append(message["type"])
        await answer(send, b"nobody hears this")

    async with serving(PunctualHttp, until_the_end) as port:
        assert refusal(await talk(port, BAD_CHUNK[:-11], BAD_CHUNK[-11:], pause_s=0.1)) == 400
        await until(lambda: ends == ["http.disconnect"])


async def test_an_answer_that_has_begun_is_not_taken_back() -> None:
    async def early(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        while (await receive())["type"] == "http.request":
            pass
        await send({"type": "http.response.body", "body": b"other"})

    async with serving(PunctualHttp, early) as port:
        assert (await talk(port, BAD_CHUNK[:-11], BAD_CHUNK[-11:], pause_s=0.1)).endswith(b"\r\n\r\nhalf")
