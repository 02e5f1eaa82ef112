"""Alembic's entry: runs the revisions over an async connection."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, func, select

from serve_app.database import MIGRATION_LOCK, connect


def _run(connection: Connection) -> None:
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Replicas start at the same moment. One migrates, the others wait and find nothing left to do; on SQLite
            # every transaction is such a lock.
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        context.run_migrations()


async def _main() -> None:
    engine = connect(context.config.attributes["url"])
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_main())
