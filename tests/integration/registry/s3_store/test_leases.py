"""What replicas on other machines hold is known, also while the server is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drills.faulty_proxy import FaultyProxy
from registry.leases import TTL, Held, Lease
from registry.store import Store
from tests.integration.registry.s3_store.content import keys
from tests.versions import publish

boto3 = pytest.importorskip("boto3")


def test_leases_are_seen_from_other_machines_until_they_expire(at: Callable[..., Store], bucket: Any) -> None:
    with Lease(at("a"), "replica-1") as lease:
        lease.hold(["net@v1"])
        assert [(held.holder, held.refs) for held in at("b").leases()] == [("replica-1", ("net@v1",))]
    assert at("b").leases() == []
    at("a").hold(Held("killed", ("net@v1",), datetime.now(UTC) - timedelta(seconds=1)))
    assert at("b").leases() == []


def test_leases_that_ran_out_long_ago_are_swept_and_no_others(at: Callable[..., Store], bucket: Any) -> None:
    now = datetime.now(UTC)
    at("a").hold(Held("killed", ("net@v1",), now - TTL - timedelta(seconds=1)))
    at("a").hold(Held("asleep", ("net@v1",), now - timedelta(seconds=1)))
    assert at("b").leases() == []
    at("b").sweep()
    assert keys(bucket) == ["studio/.leases/asleep.json"]


def test_a_replica_serves_on_without_its_lease_while_the_server_is_away(
    at: Callable[..., Store], network: FaultyProxy, caplog: pytest.LogCaptureFixture
) -> None:
    store = at("a")
    publish(store)
    network.vanish()
    with Lease(store, "replica") as lease:
        lease.hold(["net@v1"])
        assert store.get("net@v1").ref == "net@v1"
    assert "net@v1 cannot be held in s3://models/studio" in caplog.text
