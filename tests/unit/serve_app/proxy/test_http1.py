"""A request's head has to be whole in time, of a decent size and well-formed, on every request of a connection.

Whatever a client does wrong, it reads what it is told of it, and the answers to what it did right before.
"""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn
from uvicorn.config import HTTP_PROTOCOLS

from serve_app.proxy.http1 import PunctualHttp, install

from .talking import GET, POST, Impatient, answer, echo, refusal, serving, talk


class InOnePiece(PunctualHttp):
    """Is given everything up to the end of a head at once, as a network may do."""

    _words = b""

    def data_received(self, data: bytes) -> None:
        self._words += data
        if self._words.endswith(b"\r\n\r\n"):
            words, self._words = self._words, b""
            super().data_received(words)


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
