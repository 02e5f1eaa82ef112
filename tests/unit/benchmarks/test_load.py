"""Load that is measured from when it was due."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest
from aiohttp import web

from benchmarks import load


@pytest.fixture
async def server():
    """Answers ``/slow`` one at a time, ``/bad`` with 500, ``/both`` with what two pictures are."""
    turn = asyncio.Lock()

    async def slow(request: web.Request) -> web.Response:
        form = await request.post()
        assert form["image"].file.read() in {b"one", b"two"}
        async with turn:
            await asyncio.sleep(0.02)
        return web.Response(text=str(form["style"]))

    async def bad(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    app = web.Application()

    async def both(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(
            headers={"X-Model": "-".join(form[name].file.read().decode() for name in ("source", "target"))}
        )

    app.add_routes([web.post("/slow", slow), web.post("/bad", bad), web.post("/both", both)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_closed_loop_makes_every_request_once(server) -> None:
    async with asyncio.timeout(30):
        loaded = await load.closed_loop(
            server, load.post("/slow", [b"one", b"two"], {"style": "wave"}), clients=3, requests=10
        )
    assert len(loaded.milliseconds) == 10
    assert loaded.failed == 0
    assert loaded.rate == pytest.approx(10 / loaded.seconds)


async def test_in_an_open_loop_a_queue_shows_as_latency(server) -> None:
    ask = load.post("/slow", [b"one"], {"style": "wave"})
    async with asyncio.timeout(60):
        loaded = await load.open_loop(server, ask, rate=200, seconds=0.2)
    # Forty requests due within 0.2 s at a server that takes 0.02 s for each: the last waits for all the others.
    assert len(loaded.milliseconds) == 40
    assert loaded.quantile(1) > 40 * 20 - 200


async def test_a_request_may_carry_several_pictures(server) -> None:
    ask = load.post("/both", [b"one", b"two"], {}, files=("source", "target"))
    async with asyncio.timeout(30):
        loaded = await load.closed_loop(server, ask, clients=1, requests=2)
    assert [answer.model for answer in loaded.answers] == ["one-two", "two-one"]


async def test_answers_other_than_200_count_as_failed(server) -> None:
    async with asyncio.timeout(30):
        loaded = await load.closed_loop(server, load.post("/bad", [b"one"], {}), clients=1, requests=3)
    assert loaded.failed == 3
    assert math.isnan(loaded.quantile(0.5))


async def test_a_server_that_is_not_there_counts_as_failed() -> None:
    async with asyncio.timeout(30):
        loaded = await load.closed_loop("http://127.0.0.1:9", load.post("/slow", [b"one"], {}), clients=1, requests=2)
    assert loaded.failed == 2


async def test_requests_arrive_at_a_constant_rate_until_the_block_ends_and_all_of_them_are_waited_for() -> None:
    opened = asyncio.Event()

    async def send(number: int) -> load.Reply:
        if number == 4:
            opened.set()
        await opened.wait()
        return load.Reply(200 if number != 2 else 503, model=f"net@{number}")

    async with asyncio.timeout(30), load.constant_arrival(send, rate=100) as loaded:
        # A server that does not answer keeps nobody from coming.
        await opened.wait()
    dues = [answer.due for answer in loaded.answers]
    assert len(dues) >= 5
    assert [later - earlier for earlier, later in itertools.pairwise(sorted(dues))] == pytest.approx(
        [0.01] * (len(dues) - 1)
    )
    assert [answer.model for answer in loaded.lost] == ["net@2"]
    assert len(loaded.since(min(dues) + 0.015).answers) == len(dues) - 2
