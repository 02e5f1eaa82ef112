"""The bot's rooms over real databases: every test here runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

import bot.accounts.tables
import bot.delivery.tables  # noqa: F401 - so that every table is known and emptied
import bot.intake.tables  # noqa: F401 - so that every table is known and emptied
from bot.accounts.accounts import Accounts
from bot.accounts.credits import Credits
from bot.accounts.events import Events
from bot.accounts.payments import Payments
from bot.accounts.tariff import Pack, Subscription, Tariff
from serve_app.database import Base, connect, migrate
from serve_app.jobs.ledger import Ledger
from serve_app.objects import FolderObjects

Sessions = async_sessionmaker[AsyncSession]

MIDDAY = 1_750_075_200.0
"""2025-06-16 12:00 UTC, a Monday."""


class Clock:
    def __init__(self) -> None:
        self.now = MIDDAY

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database as the migrations make it; tests take copies."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def migrated_server(postgresql_url: str) -> str:
    migrate(postgresql_url)
    return postgresql_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("migrated_server"))
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "studio.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(url)
    async with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(table.delete())
    yield engine
    await engine.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> Sessions:
    return async_sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tariff() -> Tariff:
    return Tariff(
        free_daily=3,
        free_album=3,
        plus_album=10,
        costs={"style": 1, "swap": 2},
        packs=(Pack(name="small", stars=50, credits=10), Pack(name="large", stars=200, credits=50)),
        subscription=Subscription(stars=250, daily=20),
    )


@pytest.fixture
def credits(tariff: Tariff, clock: Clock) -> Credits:
    return Credits(tariff, clock=clock)


@pytest.fixture
def accounts(credits: Credits, clock: Clock) -> Accounts:
    return Accounts(credits, b"a key for tests", clock=clock)


@pytest.fixture
def payments(tariff: Tariff, credits: Credits, clock: Clock) -> Payments:
    return Payments(tariff, credits, clock=clock)


@pytest.fixture
def events(clock: Clock) -> Events:
    return Events(clock=clock)


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(clock=clock)


@pytest.fixture
def objects(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "objects")


@pytest.fixture
def vault(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "vault")
