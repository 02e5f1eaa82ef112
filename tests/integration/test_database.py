"""What PostgreSQL says while it takes nobody is known from what it says of a fault of ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from serve_app.database import POOL_SIZE, connect, unreachable
from serve_app.topology import BOT, CLUSTER

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def admin(postgresql_url: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(postgresql_url)
    yield engine
    await engine.dispose()


async def run(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def error_of(engine: AsyncEngine, statement: str) -> Exception:
    with pytest.raises(DBAPIError) as caught:
        await run(engine, statement)
    return caught.value


async def test_a_server_that_has_no_connection_left_is_out_of_reach(admin: AsyncEngine, postgresql_url: str) -> None:
    await run(admin, "CREATE ROLE app LOGIN CONNECTION LIMIT 0")
    app = connect(make_url(postgresql_url).set(username="app").render_as_string())
    assert unreachable(await error_of(app, "SELECT 1"))
    await app.dispose()
    await run(admin, "DROP ROLE app")


async def test_a_server_that_shuts_down_in_the_middle_of_a_call_is_out_of_reach(
    admin: AsyncEngine, postgresql_url: str
) -> None:
    app = connect(postgresql_url)
    await run(app, "SELECT 1")
    asked = asyncio.create_task(error_of(app, "SELECT pg_sleep(60)"))
    theirs = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
    async with admin.connect() as connection:
        while not (await connection.execute(text(f"SELECT count(*) {theirs} AND state = 'active'"))).scalar_one():
            await connection.rollback()
        # What a restart, a failover or an operator does to whoever is connected.
        await connection.execute(text(f"SELECT pg_terminate_backend(pid) {theirs}"))
    assert unreachable(await asked)
    await run(app, "SELECT 1")
    await app.dispose()


async def test_a_server_that_falls_silent_is_out_of_reach_and_is_found_again_elsewhere(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.database.PATIENCE_S", 0.5)
    server = make_url(postgresql_url)
    silent = False
    cut_off: list[asyncio.StreamWriter] = []

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if writer not in cut_off:
                writer.write(data)
        writer.close()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(server.host, server.port)
        between_us.extend([writer, back])
        if silent:
            cut_off.extend([writer, back])
        await asyncio.gather(passed_on(reader, back), passed_on(there, writer))

    between_us: list[asyncio.StreamWriter] = []
    relay = await asyncio.start_server(between, "127.0.0.1", 0)
    app = connect(server.set(port=relay.sockets[0].getsockname()[1]).render_as_string(hide_password=False))
    await asyncio.gather(*(run(app, "SELECT pg_sleep(0.2)") for _ in range(POOL_SIZE)))
    # A standby takes over: who connects is answered, and what was connected never will be.
    cut_off.extend(between_us)
    began = time.monotonic()
    await asyncio.gather(*(run(app, "SELECT 1") for _ in range(POOL_SIZE)))
    silent = True
    cut_off.extend(between_us)
    with pytest.raises(Exception) as caught:  # whose kind is what is asked here
        await run(app, "SELECT 1")
    assert unreachable(caught.value)
    assert time.monotonic() - began < 10
    silent = False
    await run(app, "SELECT 1")
    relay.close()
    for writer in between_us:
        writer.close()
    await app.dispose()


@pytest.mark.parametrize("statement", ["SELECT * FROM nothing", "SELECT 1 / 0", "SELECT 'a'::integer"])
async def test_a_fault_of_ours_is_none_of_the_server(admin: AsyncEngine, statement: str) -> None:
    assert not unreachable(await error_of(admin, statement))


def test_the_runbook_says_how_many_connections_there_are_at_full_scale() -> None:
    gateway, bot = CLUSTER["Gateway"], BOT["cluster"]
    assert gateway.scaling is not None
    assert bot.scaling is not None
    gateways, bots = gateway.scaling.max_replicas, bot.scaling.max_replicas
    surge = gateways * gateway.surge_percent // 100
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"{POOL_SIZE} × ({gateways} + {bots}) = {POOL_SIZE * (gateways + bots)}" in runbook
    assert f"{POOL_SIZE * (gateways + surge + bots)} while new code takes over" in runbook
