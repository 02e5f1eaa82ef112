"""The port of a gateway that is gone is the next one's at once, and no other program's."""

from __future__ import annotations

import asyncio
import socket

import pytest
from ray.serve._private import replica
from ray.serve.config import HTTPOptions
from starlette.types import Receive, Scope, Send

from serve_app.preflight import StudioError, refuse_taken
from serve_app.proxy import listening
from tests.eventually import until


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def gateway(port: int) -> None:
    """One that listens on ``port``, which is nobody else's then, answers a client, hangs up on it and ends."""
    options = HTTPOptions(host="127.0.0.1", port=port)
    loop = asyncio.get_running_loop()
    start = vars(replica)["start_asgi_http_server"]
    task, server = await start(answer, options, event_loop=loop, enable_so_reuseport=False)
    await until(lambda: server.started)
    with pytest.raises(StudioError, match="taken"):
        refuse_taken("127.0.0.1", port, "--port")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    server.should_exit = True
    await task


async def test_a_gateway_takes_over_the_port_of_one_that_hung_up_on_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(replica), "start_asgi_http_server", vars(replica)["start_asgi_http_server"])
    listening.install()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    await gateway(port)
    refuse_taken("127.0.0.1", port, "--port")
    await gateway(port)


async def test_a_port_on_which_somebody_listens_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    reused: list[bool] = []

    async def start(app: object, http_options: HTTPOptions, *, enable_so_reuseport: bool) -> None:
        reused.append(enable_so_reuseport)

    monkeypatch.setitem(vars(replica), "start_asgi_http_server", start)
    listening.install()
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        options = HTTPOptions(host="127.0.0.1", port=somebody.getsockname()[1])
        await vars(replica)["start_asgi_http_server"](answer, options, enable_so_reuseport=False)
    await vars(replica)["start_asgi_http_server"](answer, options, enable_so_reuseport=False)
    assert reused == [False, True]
