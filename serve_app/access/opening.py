"""The book of keys of a studio, opened for as long as one command needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker

from serve_app.access.keys import KeyBook
from serve_app.database import connect, migrate
from serve_app.settings import Settings


class NoDatabase(RuntimeError):
    """The database cannot be opened; the message says why."""


def bring_up_to_date(url: str) -> None:
    """Migrate the database at ``url``. Raises :class:`NoDatabase`."""
    try:
        migrate(url)
    except Exception as error:
        # Each driver has errors of its own, and all of them mean that there is no database to use.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise NoDatabase(f"The database cannot be used: {reason}") from error


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[KeyBook]:
    """The keys in the database that ``settings`` name, which is brought up to date. Raises :class:`NoDatabase`."""
    url = settings.sql_url
    await asyncio.to_thread(bring_up_to_date, url)
    engine = connect(url)
    try:
        yield KeyBook(async_sessionmaker(engine, expire_on_commit=False))
    finally:
        await engine.dispose()
