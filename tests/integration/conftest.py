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
