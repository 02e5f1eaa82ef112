"""A database with the newest schema, and the keys in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from serve_app.access.keys import Key, KeyBook
from serve_app.access.scopes import SCOPES
from serve_app.database import connect
from serve_app.settings import Settings

ADMIN_KEY = "a-key-nobody-will-guess-in-a-year"


@pytest.fixture
def studio(tmp_path: Path, migrated_file: Path) -> Settings:
    """A studio that works for nobody without a key."""
    shutil.copy(migrated_file, tmp_path / "masquerade.db")
    return Settings(data_dir=tmp_path, require_keys=True, admin_key=ADMIN_KEY)


@pytest.fixture
def with_keys(studio: Settings) -> Iterator[Callable]:
    """Runs a coroutine function over the studio's key book."""

    def run(work):
        async def main():
            engine = connect(studio.sql_url)
            try:
                return await work(KeyBook(async_sessionmaker(engine, expire_on_commit=False)))
            finally:
                await engine.dispose()

        return asyncio.run(main())

    return run


@pytest.fixture
def issue(with_keys) -> Callable[..., tuple[Key, str]]:
    def new(*scopes: str, per_minute: int = 600, burst: int = 100) -> tuple[Key, str]:
        return with_keys(lambda book: book.issue("app", scopes or SCOPES[:-1], per_minute=per_minute, burst=burst))

    return new
