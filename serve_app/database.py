"""The SQL database: a SQLite file by default, PostgreSQL in a cluster, the same statements on both."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosqlite
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

MIGRATIONS = Path(__file__).with_name("migrations")

MIGRATION_LOCK = 0x6D617371
"""PostgreSQL's advisory lock that whoever migrates holds."""

POOL_SIZE = 5
"""Connections to PostgreSQL of one process at most. Nobody keeps one for longer than a few statements take."""

PATIENCE_S = 10.0
"""How long PostgreSQL may take to let somebody in, or to say that it is still there."""

_AWAY = (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError, socket.gaierror)
# PostgreSQL's classes of errors (its appendix A): no connection, the server stops or starts, it is full.
_AWAY_STATES = ("08", "57P", "53")


class NoDatabase(RuntimeError):
    """The database cannot be opened; the message says why."""


class Base(DeclarativeBase):
    """Base of every table. Constraints get predictable names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def connect(url: str) -> AsyncEngine:
    """An engine for ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://…``.

    SQLite runs in WAL mode with immediate transactions: two writers queue instead of failing when a transaction that
    began as a read wants to write. A process has one connection, so that its tasks queue in order of arrival: SQLite
    itself lets waiting connections try again now and then, and under load some of them wait for their timeout.
    """
    # What is written is people's: names, captions. Errors of the database end in logs, and must not quote it.
    if make_url(url).get_backend_name() != "sqlite":
        return _connected_to_server(url)
    arguments = {"timeout": 30, "factory": Connection, "async_creator_fn": _opened}
    engine = create_async_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=60, connect_args=arguments, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # SQLAlchemy begins transactions itself (below); the driver must not begin its own deferred ones.
        connection.isolation_level = None
        cursor = connection.cursor()
        # What is deleted is overwritten, and not left where it was until something else needs the room.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _connected_to_server(url: str) -> AsyncEngine:
    """A connection that has rested is asked whether it still is one, and given up unless it says so in :data:`PATIENCE_S`.

    A server whose machine is gone, or that is cut off, says nothing at all; left alone, a call would wait for it for minutes.
    """
    engine = create_async_engine(
        url, pool_size=POOL_SIZE, max_overflow=0, connect_args={"timeout": PATIENCE_S}, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def ask(connection: Any, _record: Any, _proxy: Any) -> None:
        ends = asyncio.get_running_loop().call_later(PATIENCE_S, connection.driver_connection.terminate)
        try:
            connection.ping()
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool connects anew, and asks none of its others, which led to the same server.
            raise InvalidatePoolError from error
        finally:
            ends.cancel()

    return engine


async def empty_log(sessions: async_sessionmaker[AsyncSession]) -> None:
    """Empty SQLite's write-ahead log: its older pages still hold what was deleted. PostgreSQL's is its operator's.

    Not within a transaction. While others read, it stays as it is until the next time.
    """
    engine = sessions.kw["bind"]
    if engine.dialect.name != "sqlite":
        return
    async with engine.connect() as connection:
        # Past SQLAlchemy, which would begin a transaction for it.
        driver = (await connection.get_raw_connection()).driver_connection
        await (await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")).close()


def unreachable(error: BaseException) -> bool:
    """Whether SQLAlchemy or a driver raised ``error`` because there is no database to speak to now, or none with room."""
    if isinstance(error, _AWAY):
        return True
    if not isinstance(error, DBAPIError):
        return False
    # What asyncpg has no kind of error for comes as the base of all of them.
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state.startswith(_AWAY_STATES)


class Connection(sqlite3.Connection):
    """A connection whose end ends its transaction as well.

    SQLite does not close a connection while a statement is unfinished, and a reader that was cancelled leaves one
    unfinished for as long as its traceback lives. Writers would wait for a transaction that nobody will end.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()


async def _opened(path: str, **options: Any) -> aiosqlite.Connection:
    """A connection, once it is open: it belongs to a thread, which answers to this loop.

    Whoever is called off meanwhile (a studio that closes again at once) waits until it is open and closed again. Left
    alone, the thread would answer to a loop that is no more.
    """
    opening = asyncio.ensure_future(_open(path, options))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(sqlite3.Error):
            await (await opening).close()
        raise


async def _open(path: str, options: dict[str, Any]) -> aiosqlite.Connection:
    connection = aiosqlite.connect(path, **options)
    # As SQLAlchemy does where it opens them itself: a process that ends does not wait for it.
    connection._thread.daemon = True  # noqa: SLF001
    return await connection


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to the newest revision, or to an earlier one. Safe to call at every start, by any number of replicas.

    A schema that a later release has brought further stays as it is.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        _keep_private(Path(parsed.database))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


def _keep_private(file: Path) -> None:
    """A database is its owner's to read; what SQLite lays beside it gets the same mode. Earlier releases left it to all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(0o600)
    for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
        # A database of somebody else's is theirs to open and close.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            path.chmod(path.stat().st_mode & ~stat.S_IRWXO)


def bring_up_to_date(url: str) -> None:
    """Migrate the database at ``url``. Raises :class:`NoDatabase`."""
    try:
        migrate(url)
    except Exception as error:
        # Each driver has errors of its own, and all of them mean that there is no database to use.
        raise _unusable(error) from error


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Sessions on the database at ``url``, which is brought up to date, for as long as one command needs them.

    Raises :class:`NoDatabase`, also where it breaks meanwhile.
    """
    await asyncio.to_thread(bring_up_to_date, url)
    engine = connect(url)
    try:
        yield async_sessionmaker(engine, expire_on_commit=False)
    except (SQLAlchemyError, *_AWAY) as error:
        raise _unusable(error) from error
    finally:
        await engine.dispose()


def _unusable(error: Exception) -> NoDatabase:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return NoDatabase(f"The database cannot be used: {reason}")
