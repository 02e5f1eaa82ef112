"""Names of versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.collection import judge, remove
from registry.manifest import Manifest
from registry.promotions import promote, rollback
from registry.references import natural, next_version
from registry.store import FolderStore


@pytest.mark.parametrize(
    ("versions", "following"),
    [
        ([], "v1"),
        (["v1", "v2"], "v3"),
        (["v9", "v10"], "v11"),
        (["v1", "v3"], "v4"),
        (["v2", "trial", "v2-fast", "2024"], "v3"),
    ],
)
def test_the_next_version_follows_the_highest_and_fills_no_gap(
    store: FolderStore, publish: Callable[..., Manifest], versions: list[str], following: str
) -> None:
    for version in versions:
        publish({}, version=version)
    assert next_version(store, "net") == following


def test_the_name_of_the_highest_version_is_not_given_again_when_that_is_removed(
    store: FolderStore, publish: Callable[..., Manifest]
) -> None:
    for version in ("v1", "v2", "v3"):
        publish(version=version)
    promote(store, "net", "v2", by="ada", why="better")
    promote(store, "net", "v3", by="ada", why="better still")
    rollback(store, "net", by="ada", why="worse")
    remove(store, "net", "v3", by="cron", why="unused")
    following = next_version(store, "net")
    assert following == "v4"
    publish({"weights.dat": b"new"}, version=following)
    assert {verdict.ref: verdict.kept for verdict in judge(store)}["net@v4"] == "not tried yet"


class Killed(BaseException):
    """The end of a process."""


def test_the_name_is_not_given_again_when_whoever_removes_it_is_killed_before_that_is_on_record(
    store: FolderStore, publish: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(version="v1")
    promote(store, "net", "v1", by="ada", why="better")
    publish(version="v2")

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(FolderStore, "change", die)
    with pytest.raises(Killed):
        remove(store, "net", "v2", by="cron", why="unused")
    assert store.versions("net") == ["v1"]
    assert next_version(store, "net") == "v3"


@given(st.lists(st.from_regex(r"v?(0|1|01|001)(rc|\.)?(0|1|01)?", fullmatch=True), unique=True))
def test_the_order_of_versions_does_not_depend_on_how_they_were_listed(versions: list[str]) -> None:
    assert sorted(versions, key=natural) == sorted(reversed(versions), key=natural)  # noqa: C414 - its order is what is asked about
