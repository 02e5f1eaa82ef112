"""A request's head has to be whole in time, of a decent size and well-formed, on every request of a connection.

Whatever a client does wrong, it reads what it is told of it, and the answers to what it did right before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.config import HTTP_PROTOCOLS

from serve_app.proxy.http1 import PunctualHttp, install
from tests.eventually import until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def echo(scope, receive, send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await answer(send, body)


async def answer(send, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def by_the_head(scope, receive, send) -> None:
    """Answers ``/close`` and ``/keep`` without a look at the body, and says of the connection what the path says."""
    closing = [(b"connection", b"close")] if scope["path"] == "/close" else []
    await answer(send, b"too large", *closing, status=413)


@contextlib.asynccontextmanager
async def serving(protocol: type[PunctualHttp], app: Any = echo) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=protocol, lifespan="off", log_config=None)
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
        b"FROB / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n",
        GET + b"X-Y: \0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        GET + b"Host: x\r\n\r\n",
        GET + b"Host: y\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_told_so_in_a_problem_document(words: bytes) -> None:
    async with serving(PunctualHttp) as port:
        assert refusal(await talk(port, words)) == 400


@pytest.mark.parametrize("host", [b"x", b"", b"a_b.example:80", b"[::1]:8000", b"b%C3%BCro"])
async def test_a_request_names_its_host_once(host: bytes) -> None:
    async with serving(PunctualHttp) as port:
        words = b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
        assert (await talk(port, words)).startswith(b"HTTP/1.1 200 ")
        assert (await talk(port, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 "), "old clients name none"


@pytest.mark.parametrize("long", [b"X-Long: " + b"a" * 70_000, b"X: yyyyyyyyyy\r\n" * 7_000 + b"Z: z"])
async def test_a_large_head_that_comes_whole_is_as_large(long: bytes) -> None:
    async with serving(InOnePiece) as port:
        assert refusal(await talk(port, GET + long + b"\r\n\r\n")) == 431
        first = POST + b"Content-Length: 2\r\n\r\nok"
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


async def test_of_several_request_ids_the_first_counts_and_none_comes_behind_the_body() -> None:
    async def heard(scope, receive, send) -> None:
        while (await receive()).get("more_body"):
            pass
        await answer(send, b"".join(value for name, value in scope["headers"] if name == b"x-request-id"))

    head = POST + b"X-Request-Id: 1\r\nX-Request-Id: 2\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(PunctualHttp, heard) as port:
        assert (await talk(port, head + b"0\r\nX-Request-Id: 3\r\n\r\n")).endswith(b"\r\n\r\n1")


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


SLOW = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst"
BAD_CHUNK = b"POST /second HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n"


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


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such limit")
async def test_who_reads_nothing_of_an_answer_is_hung_up_on() -> None:
    lost = asyncio.Event()

    class Hasty(PunctualHttp):
        unread_s = 0.5

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async def large(scope, receive, send) -> None:
        await answer(send, bytes(16 * 2**20))

    async with serving(Hasty, large) as port:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(GET + b"\r\n")
            async with asyncio.timeout(30):
                await lost.wait()


def test_it_becomes_the_protocol_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", HTTP_PROTOCOLS["auto"])
    install()
    config = uvicorn.Config(echo, lifespan="off", log_config=None)
    config.load()
    assert config.http_protocol_class is PunctualHttp
