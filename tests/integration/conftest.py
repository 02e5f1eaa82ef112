"""Real services for the tests: a PostgreSQL and a Ray of our own, started once and gone afterwards."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

# So that every table is known and emptied.
import bot.accounts.tables
import bot.delivery.tables
import bot.intake.tables  # noqa: F401
import serve_app.access.keys
import serve_app.rates  # noqa: F401
from drills.databases import NotInstalled, postgresql
from serve_app.database import Base, connect, migrate


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of an empty database on a server of its own."""
    try:
        with postgresql() as url:
            yield url
    except NotInstalled as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def migrated_server(postgresql_url: str) -> str:
    migrate(postgresql_url)
    return postgresql_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with the newest schema: what asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("migrated_server"))
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "studio.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """Empty, whatever an earlier test left there."""
    engine = connect(url)
    async with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(table.delete())
    yield engine
    await engine.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3 server that only these tests know."""
    moto_server = pytest.importorskip("moto.server")
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()
    running._server.server_close()  # which stop() forgets


@pytest.fixture
def s3_credentials(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What boto3 finds in the environment leads to ``endpoint``."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def local_serve() -> Iterator[None]:
    """Ray and Serve on this machine, with the flags the product runs with, a GPU by name only, and no HTTP."""
    import ray
    from ray import serve

    ray.init(
        address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False, configure_logging=False
    )
    serve.start(proxy_location="Disabled")
    yield
    serve.shutdown()
    ray.shutdown()
