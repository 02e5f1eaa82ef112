"""A studio that closes: who is inside is served to the end, who comes later is sent away with a time to come back."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from serve_app.http.door import Door, Doorkeeper


def behind(door: Door, go_on: asyncio.Event, inside: asyncio.Event) -> httpx.AsyncClient:
    app = FastAPI()

    @app.get("/work")
    async def work() -> str:
        inside.set()
        await go_on.wait()
        return "done"

    app.add_middleware(Doorkeeper, door=door)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://studio")


async def test_a_request_in_hand_is_answered_while_the_door_closes_behind_it() -> None:
    door, go_on, inside = Door(), asyncio.Event(), asyncio.Event()
    async with behind(door, go_on, inside) as client:
        working = asyncio.create_task(client.get("/work"))
        await inside.wait()
        closing = asyncio.create_task(door.close(20))
        while not door.closed:
            await asyncio.sleep(0)
        late = await client.get("/work")
        assert (late.status_code, late.headers["retry-after"], late.headers["connection"]) == (503, "5", "close")
        assert late.headers["content-type"] == "application/problem+json"
        assert late.json()["type"] == "urn:masquerade:problem:unavailable"
        assert not closing.done()
        go_on.set()
        assert (await working).json() == "done"
        assert await closing


async def test_an_empty_studio_closes_at_once() -> None:
    assert await Door().close(20)


async def test_who_never_leaves_is_not_waited_for_for_ever() -> None:
    door = Door()
    door.enter()
    assert not await door.close(0.01)


async def test_a_client_that_hung_up_is_inside_no_more() -> None:
    door, inside = Door(), asyncio.Event()
    async with behind(door, asyncio.Event(), inside) as client:
        working = asyncio.create_task(client.get("/work"))
        await inside.wait()
        working.cancel()
        assert await door.close(20)
