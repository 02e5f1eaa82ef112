"""Connections to the database: whoever is called off leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import async_sessionmaker

from serve_app import database
from serve_app.database import connect, empty_log, migrate
from serve_app.settings import Settings


@pytest.mark.parametrize("steps", range(24))
def test_who_is_called_off_while_the_database_opens_leaves_no_thread_behind(tmp_path: Path, steps: int) -> None:
    """Called off after so many turns of the loop: before, while and after the connection opens."""
    before = set(threading.enumerate())

    async def main() -> None:
        engine = connect(f"sqlite+aiosqlite:///{tmp_path}/studio.db")

        async def ask() -> None:
            async with engine.connect() as connection:
                await connection.execute(text("select 1"))

        asking = asyncio.create_task(ask())
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await engine.dispose()

    # A thread that answered to the loop after its end would say so: warnings are errors here.
    asyncio.run(main())
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


async def test_who_is_called_off_in_a_transaction_keeps_nobody_waiting(tmp_path: Path) -> None:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    async with engine.begin() as connection:
        await connection.execute(text("create table counted (number integer)"))
        await connection.execute(text("insert into counted values (1), (2), (3)"))
    called_off: list[BaseException] = []

    async def work() -> None:
        try:
            async with engine.begin() as connection:
                await connection.execute(text("delete from counted where number = 1 returning number"))
                await connection.execute(text("select number from counted"))
        except asyncio.CancelledError as error:
            # Its traceback holds all that the work held, as it does where a job is given back.
            called_off.append(error)
            async with asyncio.timeout(10), engine.begin() as connection:
                await connection.execute(text("insert into counted values (4)"))
            raise

    for steps in range(40):
        working = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    assert called_off
    await engine.dispose()


async def test_errors_of_the_database_quote_nothing_that_was_to_be_written(tmp_path: Path) -> None:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}")
    with pytest.raises(OperationalError) as failure:
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:caption)"), {"caption": "Grandmother in Lyon"})
    await engine.dispose()
    assert "Grandmother" not in str(failure.value)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def test_a_database_and_what_lies_beside_it_are_its_owners_to_read(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}"
    await asyncio.to_thread(migrate, url)
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.execute(text("create table told (words text)"))
    assert modes(tmp_path) == {"studio.db": 0o600, "studio.db-wal": 0o600, "studio.db-shm": 0o600}
    await engine.dispose()


def test_a_database_that_an_earlier_release_left_to_all_is_closed_to_others(tmp_path: Path) -> None:
    for name in ("studio.db", "studio.db-wal", "other.txt"):
        (tmp_path / name).touch(0o644)
    migrate(f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}")
    assert (modes(tmp_path)["studio.db"], modes(tmp_path)["other.txt"]) == (0o640, 0o644)


async def test_what_was_deleted_stands_in_no_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    engine = connect(f"sqlite+aiosqlite:///{path}")
    sessions = async_sessionmaker(engine)
    async with sessions.begin() as session:
        await session.execute(text("create table told (words text)"))
        await session.execute(text("insert into told values ('Grandmother in Lyon'), ('something else')"))
    async with sessions.begin() as session:
        await session.execute(text("delete from told where words like 'Grandmother%'"))
    await empty_log(sessions)
    left = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert not [name for name, data in left.items() if b"Grandmother" in data]
    assert left["studio.db-wal"] == b""
    assert b"something else" in left["studio.db"]
    async with sessions.begin() as session:
        assert (await session.execute(text("select count(*) from told"))).scalar_one() == 1
    await engine.dispose()


async def test_the_log_is_left_alone_while_another_process_reads(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}"
    ours, theirs = connect(url), connect(url)
    async with ours.begin() as connection:
        await connection.execute(text("create table told (words text)"))
    async with theirs.begin() as reading:
        await reading.execute(text("select * from told"))
        emptying = asyncio.create_task(empty_log(async_sessionmaker(ours)))
        await asyncio.sleep(0.2)
    await emptying
    for engine in (ours, theirs):
        await engine.dispose()


def test_a_checkout_and_a_data_folder_may_have_any_sign_in_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "100% ours #1 $HOME"
    shutil.copytree(database.MIGRATIONS, odd / "migrations")
    monkeypatch.setattr(database, "MIGRATIONS", odd / "migrations")
    migrate(Settings(data_dir=odd / "it's a 'data' folder").sql_url)
    assert (odd / "it's a 'data' folder" / "masquerade.db").is_file()
