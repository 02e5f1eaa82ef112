"""The book of keys of a studio, opened for as long as one command needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker

from serve_app.access.keys import KeyBook
from serve_app.database import bring_up_to_date, connect
from serve_app.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[KeyBook]:
    """The keys in the database that ``settings`` name, which is brought up to date. Raises ``NoDatabase``."""
    url = settings.sql_url
    await asyncio.to_thread(bring_up_to_date, url)
    engine = connect(url)
    try:
        yield KeyBook(async_sessionmaker(engine, expire_on_commit=False))
    finally:
        await engine.dispose()
