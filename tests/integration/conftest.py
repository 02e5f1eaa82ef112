"""Real services for the tests: a PostgreSQL and a Ray of our own, started once and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drills.databases import NotInstalled, postgresql


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of an empty database on a server of its own."""
    try:
        with postgresql() as url:
            yield url
    except NotInstalled as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3 server that only these tests know."""
    moto_server = pytest.importorskip("moto.server")
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


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
