"""Of decisions about models in a bucket one wins, and everybody sees which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from drills.faulty_proxy import Fault, FaultyProxy
from registry.errors import Conflict, RegistryError
from registry.promotions import canary, promote, rollback
from registry.routing import AuditEntry, Routing
from registry.store import Store
from tests.integration.registry.s3_store.content import BY
from tests.versions import publish

boto3 = pytest.importorskip("boto3")


def test_decisions_are_seen_everywhere_with_their_reasons(at: Callable[..., Store]) -> None:
    for version in ("v1", "v2", "v3"):
        publish(at("a"), version=version)
    promote(at("a"), "net", "v1", **BY)
    reader = at("b")
    assert reader.resolve("net") == ("net", "v1")
    canary(at("a"), "net", "v3", 5, **BY)
    rollback(at("a"), "net", by="watchdog", why="12 % errors")
    assert reader.routing("net") == Routing("v1")
    assert [(entry.who, entry.action, entry.version) for entry in reader.audit("net")] == [
        ("ada", "promote", "v1"),
        ("ada", "canary", "v3"),
        ("watchdog", "rollback", "v3"),
    ]


def test_of_two_engineers_who_promote_at_once_one_wins_and_the_other_is_told(
    at: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("v1", "v2", "v3"):
        publish(at("a"), version=version)
    first, second = at("a"), at("b")
    create = first._bucket.create  # type: ignore[attr-defined]

    def overtaken(key: str, data: bytes) -> bool:
        promote(second, "net", "v2", by="grace", why="sharper")
        return bool(create(key, data))

    monkeypatch.setattr(first._bucket, "create", overtaken)  # type: ignore[attr-defined]
    with pytest.raises(Conflict, match=r"grace, .* promote v2 \(sharper\); it is now v2"):
        promote(first, "net", "v1", **BY)
    assert at("c").routing("net") == Routing("v2")
    assert len(at("c").audit("net")) == 1


def test_a_decision_whose_answer_was_lost_on_the_way_is_no_conflict_with_itself(
    at: Callable[..., Store], network: FaultyProxy
) -> None:
    store = at()
    publish(store)
    promote(store, "net", "v1", **BY)
    publish(store, {"weights.dat": b"2"}, version="v2")
    seen = store.routing("net")
    # The server acts on every request of this connection, and its answers never arrive.
    network.vanish()
    network.reappear()
    store.versions("net")
    entry = AuditEntry(datetime.now(UTC), "ada", "net", "promote", "v2", seen, Routing("v2", previous="v1"), "better")
    client = store._bucket.client  # type: ignore[attr-defined]
    lost: list[str] = []

    def lose(params: dict[str, Any], **_: Any) -> None:
        if "/.history/" in params["url"] and not lost:
            lost.append(params["url"])
            network.befall([Fault(after=1, reset=True)])
            network.vanish()
            network.reappear()

    client.meta.events.register("before-call.s3.PutObject", lose)
    store.change(entry)
    assert len(lost) == 1
    assert at("b").audit("net")[-1] == entry


def test_a_server_that_ignores_conditions_is_found_out_before_anything_is_written(
    at: Callable[..., Store], bucket: Any
) -> None:
    store = at()
    client = store._bucket.client  # type: ignore[attr-defined]

    def ignore(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("If-None-Match", None)

    client.meta.events.register("before-call.s3.PutObject", ignore)
    with pytest.raises(RegistryError, match="ignores If-None-Match"):
        publish(store)
    assert at("b").models() == []
