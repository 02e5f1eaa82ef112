"""Token buckets that several replicas share, through the database or through Redis."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.intake.flood import FloodGate
from bot.settings import FloodLimits
from serve_app.rates import Buckets, Rate, RedisBuckets, SqlBuckets, Want
from tests.memory_buckets import MemoryBuckets


@pytest.fixture(scope="session")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Redis of our own, reached through a file."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("Redis is not installed (Debian: apt install redis-server)")
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    command = [server, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            while "ready to accept connections" not in (line := process.stdout.readline()).lower():
                assert line, "Redis did not start"
            yield socket
        finally:
            process.terminate()


@pytest.fixture
async def redis(redis_socket: Path) -> AsyncIterator[Redis]:
    redis = Redis(unix_socket_path=str(redis_socket))
    await redis.flushall()
    yield redis
    await redis.aclose()


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if backend == "postgresql":
        return str(request.getfixturevalue("migrated_server"))
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "studio.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}"


@pytest.fixture
def replicas(backend: str, request: pytest.FixtureRequest, clock) -> list[Buckets]:
    """Two replicas' views of the same buckets."""
    if backend == "redis":
        redis = request.getfixturevalue("redis")
        return [RedisBuckets(redis, clock=clock) for _ in range(2)]
    sessions = request.getfixturevalue("sessions")
    return [SqlBuckets(sessions, clock=clock) for _ in range(2)]


async def test_they_agree_with_buckets_in_memory_step_by_step(replicas, clock) -> None:
    reference = MemoryBuckets(clock=clock)
    slow, fast = Want("slow", Rate(0.5, 2)), Want("fast", Rate(10, 1), 3)
    for step in range(40):
        clock.now += (step % 5) * 0.3
        wants = [[slow], [fast], [slow, fast]][step % 3]
        if step == 20:
            await reference.block(slow, 4)
            await replicas[0].block(slow, 4)
        expected = await reference.take(wants)
        assert await replicas[step % 2].take(wants) == pytest.approx(expected, abs=1e-4)
        assert await replicas[step % 2].wait(slow) == pytest.approx(await reference.wait(slow), abs=1e-4)


async def test_many_at_once_get_no_more_than_there_is(replicas) -> None:
    want, other = Want("a", Rate(0.001, 5)), Want("b", Rate(0.001, 50))
    outcomes = await asyncio.gather(*(replicas[n % 2].take([want, other]) for n in range(20)))
    assert sum(not any(waits) for waits in outcomes) == 5


async def test_two_that_want_the_same_two_in_another_order_do_not_wait_for_each_other(replicas) -> None:
    one, two = Want("one", Rate(100, 100)), Want("two", Rate(100, 100))
    calls = (replicas[n % 2].take([one, two] if n % 2 else [two, one]) for n in range(20))
    outcomes = await asyncio.wait_for(asyncio.gather(*calls), 30)
    assert all(waits == (0.0, 0.0) for waits in outcomes)


async def test_the_parts_of_an_album_count_once_through_whichever_replica_they_come(replicas) -> None:
    gates = [FloodGate(buckets, FloodLimits(burst=2)) for buckets in replicas]
    albums = [gates[n % 2].admit(1, -100, "ab"[n // 10]) for n in range(20)]
    assert await asyncio.gather(*albums) == [0] * 20
    assert await gates[0].admit(1, -100) > 0


async def test_a_bucket_that_is_new_beside_one_that_is_not_makes_nobody_wait_for_each_other(replicas) -> None:
    known = Want("known", Rate(100, 100))
    await replicas[0].take([known])
    calls = (replicas[n % 2].take([known, Want(f"album {n // 10}", Rate(100, 100))]) for n in range(40))
    outcomes = await asyncio.wait_for(asyncio.gather(*calls), 30)
    assert all(waits == (0.0, 0.0) for waits in outcomes)


async def test_a_bucket_that_is_full_again_leaves_redis(redis, clock) -> None:
    buckets = RedisBuckets(redis, clock=clock)
    await buckets.take([Want("a", Rate(10, 1))])
    (key,) = await redis.keys("*")
    assert 0 < await redis.ttl(key) <= 2
