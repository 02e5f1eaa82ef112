"""Servers of our protocol, and clients that say word by word what they like."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from serve_app.proxy.http1 import PunctualHttp
from tests.eventually import until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
SLOW = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst"
BAD_CHUNK = b"POST /second HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n"


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
