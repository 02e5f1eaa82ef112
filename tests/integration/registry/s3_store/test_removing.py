"""What is removed from a bucket is gone for everybody, or back in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from registry.collection import remove
from registry.errors import InUse, StoreUnavailable, VersionExists
from registry.promotions import canary, promote, rollback
from registry.references import next_version
from registry.store import Store
from tests.integration.registry.s3_store.content import BY, grow_old, keys
from tests.versions import publish

boto3 = pytest.importorskip("boto3")


def test_a_removed_version_is_gone_for_everybody_and_its_name_is_not_given_again(
    at: Callable[..., Store], bucket: Any
) -> None:
    publish(at("a"))
    publish(at("a"), {"weights.dat": b"2"}, version="v2")
    at("b").discard("net@v1")
    assert at("c").versions("net") == ["v2"]
    assert not [key for key in keys(bucket) if key.startswith("studio/net/v1/")]
    with pytest.raises(VersionExists, match="was once published"):
        publish(at("c"), {"weights.dat": b"other"})
    publish(at("c"))
    at("d").verify("net@v1")


def test_after_the_highest_version_is_removed_new_content_comes_under_the_number_after_it(
    at: Callable[..., Store],
) -> None:
    publish(at("a"))
    promote(at("a"), "net", "v1", **BY)
    publish(at("a"), version="v2")
    canary(at("a"), "net", "v2", 5, **BY)
    rollback(at("a"), "net", **BY)
    remove(at("a"), "net", "v2", **BY)
    following = next_version(at("b"), "net")
    assert following == "v3"
    publish(at("b"), {"weights.dat": b"new"}, version=following)


def test_the_name_is_not_given_again_when_the_server_goes_away_before_the_removal_is_on_record(
    at: Callable[..., Store],
) -> None:
    publish(at("a"))
    promote(at("a"), "net", "v1", **BY)
    publish(at("a"), version="v2")
    store = at("b")

    def break_off(params: dict[str, Any], **_: Any) -> None:
        if "/.history/" in params["url"]:
            raise ConnectionError("Connection reset by peer")

    store._bucket.client.meta.events.register("before-call.s3.PutObject", break_off)  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable):
        remove(store, "net", "v2", **BY)
    following = next_version(at("c"), "net")
    assert (at("c").versions("net"), following) == (["v1"], "v3")
    publish(at("c"), {"weights.dat": b"new"}, version=following)


def test_a_version_called_like_the_file_every_version_has_is_gone_too_when_removed(at: Callable[..., Store]) -> None:
    publish(at(), version="manifest")
    assert at("b").versions("net") == ["manifest"]
    at("b").discard("net@manifest")
    assert (at("c").models(), at("c").versions("net")) == ([], [])


def test_a_version_somebody_objects_to_removing_is_put_back(at: Callable[..., Store]) -> None:
    publish(at("a"))
    with pytest.raises(InUse, match="net@v1 is held by replica"):
        at("b").discard("net@v1", veto=lambda: "held by replica")
    at("c").verify("net@v1")


def test_a_version_is_put_back_when_nobody_can_say_whether_it_is_in_use(at: Callable[..., Store]) -> None:
    publish(at("a"))

    def fail() -> str:
        raise StoreUnavailable("s3://models/studio cannot be reached.")

    with pytest.raises(StoreUnavailable):
        at("b").discard("net@v1", veto=fail)
    at("c").verify("net@v1")


def test_a_version_whose_removal_is_called_off_outlives_a_sweep(at: Callable[..., Store]) -> None:
    publish(at("a"))
    grow_old()

    def object_after_a_sweep() -> str:
        at("c").sweep()
        return "held by replica"

    with pytest.raises(InUse, match="net@v1 is held by replica"):
        at("b").discard("net@v1", veto=object_after_a_sweep)
    at("d").verify("net@v1")


def test_a_removal_the_network_interrupts_is_on_record_and_sweeping_takes_what_it_left(
    at: Callable[..., Store], bucket: Any
) -> None:
    publish(at("a"))
    publish(at("a"), {"weights.dat": b"2"}, version="v2")
    store = at("b")

    def break_off(params: dict[str, Any], **_: Any) -> None:
        if "/files/" in params["url"]:
            raise ConnectionError("Connection reset by peer")

    store._bucket.client.meta.events.register("before-call.s3.DeleteObject", break_off)  # type: ignore[attr-defined]
    remove(store, "net", "v1", **BY)
    assert (at("c").versions("net"), at("c").audit("net")[-1].action) == (["v2"], "remove")
    assert [key for key in keys(bucket) if key.startswith("studio/net/v1/")]
    grow_old()
    at("c").sweep()
    assert not [key for key in keys(bucket) if key.startswith("studio/net/v1/")]
    at("d").verify("net@v2")
