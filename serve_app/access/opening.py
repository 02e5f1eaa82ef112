"""The book of keys of a studio, opened for as long as one command needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serve_app import database
from serve_app.access.keys import KeyBook
from serve_app.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[KeyBook]:
    """The keys in the database that ``settings`` name, which is brought up to date. Raises ``NoDatabase``."""
    async with database.opened(settings.sql_url) as sessions:
        yield KeyBook(sessions)
