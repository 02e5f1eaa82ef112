"""The database's schema, brought up to date by replicas that start at the same moment."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from serve_app.database import MIGRATION_LOCK

MIGRATE = "import sys; from serve_app.database import migrate; migrate(sys.argv[1])"


async def waiting_for_the_lock(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return (await connection.execute(text(waiting))).scalar_one()


async def test_replicas_that_start_together_on_an_empty_server_all_come_up(postgresql_url: str) -> None:
    admin = create_async_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text("CREATE DATABASE fresh"))
    fresh = make_url(postgresql_url).set(database="fresh")
    engine = create_async_engine(fresh)
    async with engine.begin() as connection:
        # Held until both have come to the door, so that they do start at the same moment.
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        replicas = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", MIGRATE, fresh.render_as_string(), stderr=asyncio.subprocess.PIPE
            )
            for _ in range(2)
        ]
        while await waiting_for_the_lock(engine) < 2:
            assert all(replica.returncode is None for replica in replicas)
    said = [(await replica.communicate())[1].decode() for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0, 0], said
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM jobs"))).scalar_one() == 0
    await engine.dispose()
    async with admin.connect() as connection:
        await connection.execute(text("DROP DATABASE fresh"))
    await admin.dispose()
