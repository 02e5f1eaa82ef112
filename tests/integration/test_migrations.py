"""The database's schema, brought up to date by replicas that start at the same moment."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from serve_app.database import MIGRATION_LOCK, MIGRATIONS, migrate

KEPT = ("bundles", "uploads", "identities", "users")

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


def test_no_number_of_photos_and_faces_is_given_twice_and_none_is_lost_over_it(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    address = f"sqlite+aiosqlite:///{path}"
    migrate(address, "0005")
    face = "INSERT INTO identities (user_id, name, key, created) VALUES (1, ?, ?, 0) RETURNING id"
    photo = """INSERT INTO bundles (key, user_id, chat_id, message_id, caption, expires)
        VALUES (?, 1, 1, 1, '', 9) RETURNING id"""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO users VALUES (1, 'en', 0, 1.0, 0, 0, NULL, 0.0)")
        for number in (1, 2):
            connection.execute(face, (f"face {number}", f"in/{number}")).fetchall()
            connection.execute(photo, (f"update:{number}",)).fetchall()
            connection.execute("INSERT INTO uploads VALUES (?, ?, 5, ?, 64, 48)", (number, number, f"in/{number}"))
        before = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in KEPT}
    migrate(address)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        assert {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in KEPT} == before
        for table in ("bundles", "identities"):
            connection.execute(f"DELETE FROM {table} WHERE id = 2")
        assert connection.execute("SELECT update_id FROM uploads").fetchall() == [(1,)]
        assert connection.execute(face, ("face 3", "in/3")).fetchall() == [(3,)]
        assert connection.execute(photo, ("update:3",)).fetchall() == [(3,)]
        connection.execute("DELETE FROM users")
        assert connection.execute("SELECT id FROM identities").fetchall() == []


def test_keys_that_opened_all_kinds_of_work_open_masterpieces_too_and_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    address = f"sqlite+aiosqlite:///{path}"
    migrate(address, "0009")
    everything = ["anonymize", "authenticity", "faces", "jobs", "lookalike", "moderate", "style", "swap"]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for number, scopes in enumerate((everything, ["jobs", "style"])):
            key = (f"{number}", json.dumps(scopes))
            connection.execute("INSERT INTO api_keys VALUES (?, 'app', '', ?, 60, 20, 0, NULL, NULL)", key)
    migrate(address)
    with closing(sqlite3.connect(path)) as connection:
        scopes = [json.loads(told) for (told,) in connection.execute("SELECT scopes FROM api_keys ORDER BY id")]
    assert scopes == [sorted([*everything, "masterpiece"]), ["jobs", "style"]]


ERROR = {"slug": "no-face", "message": "No face was found in the photo.", "status": 422, "picture": "photo"}
JOB = """INSERT INTO jobs (id, kind, channel, owner, state, turn, request, inputs, error, attempts, created)
    VALUES (:id, 'swap', 'telegram', '7', 'failed', 0, '{}', :inputs, :error, 0, 0)"""
JOBS = {
    "forgotten": ("{}", json.dumps(ERROR), {"slug": "no-face"}),
    "forgotten now": ("{}", '{"slug": "busy"}', {"slug": "busy"}),
    "kept": ('{"photo": "in/1"}', json.dumps(ERROR), ERROR),
    "well": ("{}", "null", None),
    "nothing": ("{}", None, None),
}


async def test_what_an_earlier_release_left_of_the_errors_of_jobs_it_forgot_is_cleared(
    url: str, engine: AsyncEngine
) -> None:
    many = {f"{number:04}": JOBS["forgotten"] for number in range(1500)}
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0012'"))
        rows = [
            {"id": job_id, "inputs": inputs, "error": error} for job_id, (inputs, error, _) in (JOBS | many).items()
        ]
        await connection.execute(text(JOB), rows)
    await asyncio.to_thread(migrate, url)
    async with engine.connect() as connection:
        left = (await connection.execute(text("SELECT id, error FROM jobs"))).all()
    told = {name: json.loads(error) if isinstance(error, str) else error for name, error in left}
    assert told == {name: expected for name, (_, _, expected) in (JOBS | many).items()}


def test_a_database_that_a_later_release_migrated_is_used_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "studio.db"
    address = f"sqlite+aiosqlite:///{path}"
    migrate(address)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    migrate(address)
    assert "revision 9999 of a later release" in caplog.text
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
        connection.execute("UPDATE alembic_version SET version_num = 'somebody-elses'")
    with pytest.raises(CommandError, match="somebody-elses"):
        migrate(address)


def test_the_release_before_a_migration_still_works_on_what_it_leaves(tmp_path: Path) -> None:
    """Nothing is taken away or renamed, and of what is new nothing has to be given that older code does not give."""
    path = tmp_path / "studio.db"
    revisions = sorted(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    before: dict[str, dict[str, bool]] = {}
    for revision in revisions:
        migrate(f"sqlite+aiosqlite:///{path}", revision)
        with closing(sqlite3.connect(path)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            # Of a column: whether a row needs it.
            after = {
                table: {name: bool(needed) and default is None for _, name, _, needed, default, _ in told}
                for table in tables
                for told in [connection.execute(f"PRAGMA table_info({table})").fetchall()]
            }
        for table, columns in before.items():
            assert columns.keys() <= after[table].keys(), (revision, table)
            demanded = {name for name, needed in after[table].items() if needed}
            assert demanded <= {name for name, needed in columns.items() if needed}, (revision, table)
        before = after
