"""Garbage is what no alias, no running replica and no kept version uses; all else stays, with its reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.collection import judge, remove
from registry.errors import InUse
from registry.leases import TTL, Held, Lease, dump_held, holders, load_held
from registry.manifest import Manifest
from registry.promotions import canary, promote, rollback, shadow
from registry.routing import AuditEntry, Routing
from registry.store import FolderStore

BY: dict[str, Any] = {"by": "ada", "why": "better"}


@pytest.fixture
def net(store: FolderStore, publish: Callable[..., Manifest]) -> FolderStore:
    for number in range(1, 6):
        publish({"weights.dat": bytes(number)}, version=f"v{number}")
    return store


def reasons(store: FolderStore, *pinned: str) -> dict[str, str | None]:
    return {verdict.ref: verdict.kept for verdict in judge(store, pinned)}


def test_of_a_model_nobody_decided_on_the_newest_stays(net: FolderStore) -> None:
    assert reasons(net) == {"net@v1": None, "net@v2": None, "net@v3": None, "net@v4": None, "net@v5": "the newest"}


def test_what_a_routing_names_stays_and_so_does_what_is_yet_to_be_tried(net: FolderStore) -> None:
    promote(net, "net", "v2", **BY)
    promote(net, "net", "v3", **BY)
    canary(net, "net", "v4", 5, **BY)
    kept = {"net@v2": "previous", "net@v3": "stable", "net@v4": "canary", "net@v5": "not tried yet"}
    assert reasons(net) == {"net@v1": None, **kept}


def test_a_version_that_was_tried_and_taken_back_is_garbage(net: FolderStore) -> None:
    promote(net, "net", "v3", **BY)
    shadow(net, "net", "v4", 0.5, **BY)
    assert reasons(net)["net@v4"] == "shadow"
    shadow(net, "net", None, 0, **BY)
    promote(net, "net", "v5", **BY)
    rollback(net, "net", **BY)
    assert reasons(net) == {"net@v1": None, "net@v2": None, "net@v3": "stable", "net@v4": None, "net@v5": None}


def test_what_a_replica_holds_stays_until_the_replica_lets_go_or_dies(net: FolderStore) -> None:
    with Lease(net, "replica-1") as lease:
        lease.hold(["net@v1"])
        assert reasons(net)["net@v1"] == "held by replica-1"
        with Lease(net, "replica-2") as other:
            other.hold(["net@v1", "net@v2"])
            assert reasons(net)["net@v1"] == "held by 2 replicas"
    assert reasons(net)["net@v1"] is None
    net.hold(Held("killed", ("net@v1",), datetime.now(UTC) - timedelta(seconds=1)))
    assert reasons(net)["net@v1"] is None


def test_a_lease_that_is_renewed_after_it_ran_out_is_in_force_again(
    net: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder was asleep, and wakes while somebody reads it."""
    net.hold(Held("replica", ("net@v1",), datetime.now(UTC) - timedelta(seconds=1)))

    def renewed_by_now(text: bytes) -> Held | None:
        net.hold(Held("replica", ("net@v1",), datetime.now(UTC) + TTL))
        return load_held(text)

    with monkeypatch.context() as patch:
        patch.setattr("registry.leases.load_held", renewed_by_now)
        assert net.leases() == []
        net.sweep()
    assert holders(net.leases()) == {"net@v1": ["replica"]}


def test_leases_that_ran_out_long_ago_are_swept_and_no_others(net: FolderStore) -> None:
    now = datetime.now(UTC)
    net.hold(Held("killed", ("net@v1",), now - TTL - timedelta(seconds=1)))
    net.hold(Held("asleep", ("net@v2",), now - timedelta(seconds=1)))
    net.hold(Held("alive", ("net@v3",), now + TTL))
    net.sweep()
    assert sorted(path.stem for path in (net.root / ".leases").iterdir()) == ["alive", "asleep"]


def test_a_lease_outlives_a_disk_that_is_full_for_a_moment(net: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    hold, full = net.hold, [True, True]

    def sometimes(held: Held) -> None:
        if full:
            full.pop()
            raise OSError(28, "No space left on device")
        hold(held)

    monkeypatch.setattr(net, "hold", sometimes)
    with Lease(net, "replica", ttl=timedelta(seconds=0.15)) as lease:
        lease.hold(["net@v1"])
        while "net@v1" not in holders(net.leases()):
            assert lease._thread.is_alive()


def test_a_lease_that_is_let_go_while_leases_are_read_is_passed_over(
    net: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        net.hold(Held(f"replica-{number}", (f"net@v{number}",), datetime.now(UTC) + timedelta(minutes=1)))
    read = Path.read_bytes

    def gone_by_now(path: Path) -> bytes:
        if path.stem == "replica-1":
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", gone_by_now)
    assert holders(net.leases()) == {"net@v2": ["replica-2"]}


def test_a_lease_is_renewed_in_time_while_its_holder_lives(net: FolderStore) -> None:
    ttl, seen = timedelta(seconds=0.15), set()
    with Lease(net, "replica", ttl=ttl) as lease:
        lease.hold(["net@v1"])
        while len(seen) < 5:
            # Between two renewals on a loaded machine a lease may have run out; the next one brings it back.
            seen.update(held.until for held in net.leases())
    assert min(later - earlier for earlier, later in pairwise(sorted(seen))) < ttl
    assert net.leases() == []


def test_a_file_that_is_no_lease_is_passed_over(net: FolderStore) -> None:
    (net.root / ".leases").mkdir()
    (net.root / ".leases" / "notes.json").write_text("{}")
    assert net.leases() == []


@given(st.binary(max_size=200))
def test_any_bytes_are_a_lease_or_none(data: bytes) -> None:
    assert load_held(data) is None or isinstance(load_held(data), Held)


@given(
    holder=st.from_regex(r"[a-z0-9][a-zA-Z0-9._#:@-]{0,20}", fullmatch=True), when=st.datetimes(timezones=st.just(UTC))
)
def test_a_lease_survives_writing_and_reading(holder: str, when: datetime) -> None:
    held = Held(holder, ("net@v1",), when)
    assert load_held(dump_held(held)) == held


@pytest.mark.parametrize("holder", ["", "a/b", "../x", ".hidden", "a b", "x" * 201])
def test_a_holder_is_called_like_a_file(holder: str) -> None:
    with pytest.raises(ValueError, match="name of a lease"):
        Held(holder, (), datetime.now(UTC))


def test_what_settings_name_stays_and_a_name_that_leads_nowhere_does_no_harm(net: FolderStore) -> None:
    kept = reasons(net, "net@v2", "other", "net@v9", "!")
    assert [ref for ref, reason in kept.items() if reason == "named in the settings"] == ["net@v2"]


def test_what_a_kept_version_requires_stays(net: FolderStore, publish: Callable[..., Manifest]) -> None:
    needed = net.manifest("net@v2").files[0].sha256
    publish({"pack.dat": b"p"}, model="pack", version="v1", requires={"net": needed})
    assert reasons(net)["net@v2"] == "required by pack@v1"
    publish({"pack.dat": b"q"}, model="pack", version="v2")
    assert reasons(net)["net@v2"] is None


def test_a_version_whose_manifest_cannot_be_read_is_left_for_people(net: FolderStore) -> None:
    path = net.root / "net" / "v1" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text("]")
    assert reasons(net)["net@v1"] == "its manifest cannot be read"


def test_a_version_that_somebody_else_removes_meanwhile_is_passed_over(
    net: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = net.manifest

    def removed_by_now(ref: str) -> Manifest:
        if ref == "net@v1":
            remove(FolderStore(net.root), "net", "v1", by="another cron", why="unused")
        return manifest(ref)

    monkeypatch.setattr(net, "manifest", removed_by_now)
    assert reasons(net) == {"net@v2": None, "net@v3": None, "net@v4": None, "net@v5": "the newest"}


def test_sizes_are_those_of_the_files(net: FolderStore) -> None:
    assert [verdict.size for verdict in judge(net)] == [1, 2, 3, 4, 5]


def test_removing_is_on_record_and_the_record_stays(net: FolderStore) -> None:
    promote(net, "net", "v3", **BY)
    remove(net, "net", "v1", by="cron", why="unused")
    assert net.versions("net") == ["v2", "v3", "v4", "v5"]
    entry = net.audit("net")[-1]
    assert (entry.who, entry.action, entry.version, entry.why) == ("cron", "remove", "v1", "unused")
    assert entry.was == entry.now == Routing("v3")


def test_removing_is_on_record_though_somebody_decides_otherwise_meanwhile(
    net: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(net, "net", "v3", **BY)
    change = net.change

    def overtaken(entry: AuditEntry) -> None:
        monkeypatch.undo()
        promote(net, "net", "v4", **BY)
        change(entry)

    monkeypatch.setattr(net, "change", overtaken)
    remove(net, "net", "v1", **BY)
    assert [(entry.action, entry.version) for entry in net.audit("net")[-2:]] == [("promote", "v4"), ("remove", "v1")]
    assert net.routing("net").stable == "v4"


def test_what_is_in_use_by_now_is_not_removed(net: FolderStore) -> None:
    promote(net, "net", "v3", **BY)
    with pytest.raises(InUse, match="net@v3 is stable"):
        remove(net, "net", "v3", **BY)
    with Lease(net, "replica") as lease:
        lease.hold(["net@v1"])
        with pytest.raises(InUse, match="net@v1 is held by replica"):
            remove(net, "net", "v1", **BY)
    assert net.versions("net") == ["v1", "v2", "v3", "v4", "v5"]


def test_a_version_promoted_while_it_is_being_removed_is_put_back(
    net: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(net, "net", "v3", **BY)
    discard = net.discard

    def promoted_first(ref: str, **told: Any) -> None:
        promote(net, "net", "v1", by="grace", why="faster")
        discard(ref, **told)

    monkeypatch.setattr(net, "discard", promoted_first)
    with pytest.raises(InUse, match="net@v1 is stable"):
        remove(net, "net", "v1", **BY)
    assert net.verify("net").ref == "net@v1"


def test_packs_stay_as_long_as_the_weights_they_were_made_for(
    store: FolderStore, publish: Callable[..., Manifest]
) -> None:
    for number in (1, 2, 3):
        publish({"weights.dat": bytes(number)}, version=f"v{number}")
    pins = [{"net": hashlib.sha256(bytes(number)).hexdigest()} for number in (1, 1, 2, 3)]
    for number, required in enumerate(pins, start=1):
        publish({"styles.dat": bytes(number)}, model="pack", version=f"v{number}", requires=required)
    promote(store, "net", "v1", **BY)
    promote(store, "net", "v2", **BY)
    kept = {"pack@v1": None, "pack@v2": "goes with net@v1", "pack@v3": "goes with net@v2", "pack@v4": "the newest"}
    assert {ref: why for ref, why in reasons(store).items() if ref in kept} == kept


def test_what_would_serve_after_the_next_start_stays(net: FolderStore) -> None:
    assert {verdict.ref: verdict.kept for verdict in judge(net, (), ("net@v2",))}["net@v2"] == "what serves"
