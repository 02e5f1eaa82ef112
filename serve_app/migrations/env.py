"""Alembic's entry: runs the revisions over an async connection."""

from __future__ import annotations

import asyncio
import logging

from alembic import context
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from serve_app.database import MIGRATION_LOCK, connect

log = logging.getLogger("serve_app.migrations")


def _run(connection: Connection) -> None:
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Replicas start at the same moment. One migrates, the others wait and find nothing left to do; on SQLite
            # every transaction is such a lock.
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        if not _is_ahead():
            context.run_migrations()


def _is_ahead() -> bool:
    """Whether a later release has been here, whose schema this one can work on: migrations only add and widen."""
    present = context.get_context().get_current_revision() or ""
    newest = ScriptDirectory.from_config(context.config).get_current_head() or ""
    ahead = present.isdecimal() and int(present) > int(newest)
    if ahead:
        log.warning(
            "the database has revision %s of a later release; this one knows %s and uses it as it is", present, newest
        )
    return ahead


async def _main() -> None:
    engine = connect(context.config.attributes["url"])
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(_main())
