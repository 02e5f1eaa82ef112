"""What may become what: promote, try on some, go back; and every step is on record."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from registry.errors import BrokenVersion, Conflict, RoutingRefused, UnknownModelVersion
from registry.leases import Lease
from registry.manifest import Manifest
from registry.promotions import canary, promote, rollback, shadow
from registry.routing import AuditEntry, Routing
from registry.store import FolderStore

BY: dict[str, Any] = {"by": "ada", "why": "better faces"}


@pytest.fixture
def net(store: FolderStore, publish: Callable[..., Manifest]) -> FolderStore:
    """A store with net@v1 to net@v4, on which nobody has decided."""
    for number in range(1, 5):
        publish({"weights.dat": b"%d" % number}, version=f"v{number}")
    return store


def test_promoting_makes_stable_and_remembers_what_was(net: FolderStore) -> None:
    assert promote(net, "net", "v3", **BY, serving="v1") == Routing("v3", previous="v1")
    assert promote(net, "net", "v2", **BY, serving="v1") == Routing("v2", previous="v3")
    assert net.routing("net") == Routing("v2", previous="v3")


def test_the_first_promotion_can_be_taken_back_to_what_served(net: FolderStore) -> None:
    promote(net, "net", "v4", **BY, serving="v1")
    assert rollback(net, "net", **BY) == Routing("v1")


def test_the_first_decision_may_affirm_what_serves(net: FolderStore) -> None:
    assert promote(net, "net", "v1", **BY, serving="v1") == Routing("v1")


@pytest.mark.parametrize("begin", [canary, shadow])
def test_a_first_trial_stands_beside_what_serves_and_not_beside_what_was_published_since(
    net: FolderStore, begin: Callable[..., Routing]
) -> None:
    assert begin(net, "net", "v4", 0.5, **BY, serving="v1").stable == "v1"
    assert promote(net, "net", "v4", **BY, serving="v1") == Routing("v4", previous="v1")


def test_what_replicas_hold_is_what_serves_where_nobody_says(net: FolderStore) -> None:
    with Lease(net, "replica-1") as one, Lease(net, "replica-2") as two:
        one.hold(["net@v1"])
        two.hold(["net@v1", "other@v3"])
        assert promote(net, "net", "v4", **BY) == Routing("v4", previous="v1")


@pytest.mark.parametrize("begin", [canary, shadow])
@pytest.mark.parametrize("held", [[], ["net@v1", "net@v2"]])
def test_no_version_becomes_stable_by_a_guess(net: FolderStore, begin: Callable[..., Routing], held: list[str]) -> None:
    with Lease(net, "replica-1") as lease:
        lease.hold(held)
        with pytest.raises(
            RoutingRefused, match="promote that one first, with `masquerade models promote net@VERSION`"
        ):
            begin(net, "net", "v4", 0.5, **BY)
        assert net.routing("net") is None
        assert promote(net, "net", "v1", **BY) == Routing("v1")
        assert begin(net, "net", "v4", 0.5, **BY).stable == "v1"


def test_the_only_other_version_is_what_served(store: FolderStore, publish: Callable[..., Manifest]) -> None:
    publish(version="v1")
    publish({"weights.dat": b"2"}, version="v2")
    assert promote(store, "net", "v2", **BY) == Routing("v2", previous="v1")


@pytest.mark.parametrize("begin", [canary, shadow])
def test_a_first_trial_leaves_the_bare_name_what_it_stood_for(
    store: FolderStore, publish: Callable[..., Manifest], begin: Callable[..., Routing]
) -> None:
    publish(version="v1")
    publish({"weights.dat": b"2"}, version="v2")
    with pytest.raises(RoutingRefused, match=r"bare name stands for v2, the newest: promote .*try v2 beside it"):
        begin(store, "net", "v2", 0.5, **BY)
    assert store.resolve("net") == ("net", "v2")
    assert begin(store, "net", "v1", 0.5, **BY).stable == "v2"


def test_promoting_what_is_stable_changes_nothing(net: FolderStore) -> None:
    promote(net, "net", "v2", **BY)
    promote(net, "net", "v2", **BY)
    assert len(net.audit("net")) == 1


@pytest.fixture
def painted(store: FolderStore, publish: Callable[..., Manifest]) -> FolderStore:
    """Holds net@v1 and net@v2 of other weights, the pack "own" for the first only, and "classics" for each of them."""
    for number in (1, 2):
        publish({"weights.dat": b"%d" % number}, version=f"v{number}")
        pinned = {"net": hashlib.sha256(b"%d" % number).hexdigest()}
        for model in ("own", "classics") if number == 1 else ("classics",):
            told = {"task": "style-pack", "requires": pinned, "title": f"The {model}"}
            publish({"styles.dat": b"%d" % number}, model=model, version=f"v{number}", **told)
    promote(store, "net", "v1", **BY, force=True)
    return store


def test_a_network_that_styles_do_not_follow_needs_a_word(painted: FolderStore) -> None:
    with pytest.raises(
        RoutingRefused, match=r"weights than those of net@v2, .* left behind: own@v1 \(The own\)\. .* --network net@v2"
    ):
        promote(painted, "net", "v2", **BY)
    with pytest.raises(RoutingRefused, match="Say why"):
        promote(painted, "net", "v2", by="ada", why=" ", force=True)
    assert promote(painted, "net", "v2", **BY, force=True) == Routing("v2", previous="v1")
    assert painted.audit("net")[-1].despite == ("own@v1 does not go with it",)
    assert rollback(painted, "net", **BY) == Routing("v1")


def test_a_network_that_every_style_follows_needs_none(painted: FolderStore, publish: Callable[..., Manifest]) -> None:
    pinned = {"net": hashlib.sha256(b"2").hexdigest()}
    publish({"styles.dat": b"2"}, model="own", version="v2", task="style-pack", requires=pinned)
    assert promote(painted, "net", "v2", **BY) == Routing("v2", previous="v1")
    assert painted.audit("net")[-1].despite == ()


def test_every_change_says_when_who_what_and_why(net: FolderStore) -> None:
    before = datetime.now(UTC)
    promote(net, "net", "v2", **BY, serving="v4")
    canary(net, "net", "v3", 5, by="grace", why="try")
    rollback(net, "net", by="watchdog", why="error rate 12 %")
    first, second, third = net.audit("net")
    assert (first.action, first.was, first.now) == ("promote", None, Routing("v2", previous="v4"))
    assert (second.who, second.action, second.version, second.why) == ("grace", "canary", "v3", "try")
    assert (third.action, third.version, third.why, third.now) == ("rollback", "v3", "error rate 12 %", first.now)
    assert before <= first.when <= second.when <= third.when <= datetime.now(UTC)


def test_a_canary_is_measured_against_stable_and_may_become_it(net: FolderStore) -> None:
    promote(net, "net", "v1", **BY, serving="v4")
    assert canary(net, "net", "v2", 5, **BY) == Routing("v1", previous="v4", canary="v2", percent=5)
    assert canary(net, "net", "v2", 50, **BY).percent == 50
    assert promote(net, "net", "canary", **BY) == Routing("v2", previous="v1")


def test_another_trial_waits_for_the_first_to_end(net: FolderStore) -> None:
    promote(net, "net", "v1", **BY, serving="v4")
    canary(net, "net", "v2", 5, **BY)
    with pytest.raises(RoutingRefused, match=r"net@v2 is being tried on 5 % .*masquerade models rollback net"):
        promote(net, "net", "v3", **BY)
    with pytest.raises(RoutingRefused, match="try one version at a time"):
        shadow(net, "net", "v3", 0.1, **BY)
    assert canary(net, "net", None, 0, **BY) == Routing("v1", previous="v4")
    assert shadow(net, "net", "v3", 0.1, **BY).shadow == "v3"
    assert promote(net, "net", "v2", **BY) == Routing("v2", previous="v1")


@pytest.mark.parametrize("percent", [0, -1, 101, float("nan"), float("inf")])
def test_a_canary_gets_a_sensible_share(net: FolderStore, percent: float) -> None:
    with pytest.raises(RoutingRefused, match="per cent"):
        canary(net, "net", "v3", percent, **BY, serving="v1")
    assert net.audit("net") == []


def test_the_stable_version_cannot_be_its_own_trial(net: FolderStore) -> None:
    promote(net, "net", "v1", **BY)
    with pytest.raises(RoutingRefused, match="v1 is the stable version"):
        canary(net, "net", "v1", 5, **BY)


def test_with_one_version_there_is_nothing_to_try_against(store: FolderStore, publish: Callable[..., Manifest]) -> None:
    publish()
    with pytest.raises(RoutingRefused, match="nothing to try it against"):
        canary(store, "net", "v1", 5, **BY)
    assert promote(store, "net", "v1", **BY) == Routing("v1")


def test_ending_what_is_not_running_says_so(net: FolderStore) -> None:
    with pytest.raises(RoutingRefused, match="no canary to end"):
        canary(net, "net", None, 0, **BY)
    with pytest.raises(RoutingRefused, match="no shadow to end"):
        shadow(net, "net", None, 0, **BY)


def test_going_back_takes_the_last_step_back_and_then_stops(net: FolderStore) -> None:
    promote(net, "net", "v1", **BY)
    promote(net, "net", "v2", **BY)
    canary(net, "net", "v3", 5, **BY)
    assert rollback(net, "net", **BY) == Routing("v2", previous="v1")
    assert rollback(net, "net", **BY) == Routing("v1")
    # Two watchdogs that notice the same trouble must not bring it back between them.
    with pytest.raises(RoutingRefused, match="no previous version"):
        rollback(net, "net", **BY)


def test_going_back_needs_something_to_go_back_to(net: FolderStore) -> None:
    with pytest.raises(RoutingRefused, match="never promoted"):
        rollback(net, "net", **BY)
    promote(net, "net", "v2", **BY, serving="v4")
    shutil.rmtree(net.root / "net" / "v4")
    with pytest.raises(UnknownModelVersion, match="v4"):
        rollback(net, "net", **BY)
    assert net.routing("net") == Routing("v2", previous="v4")


@pytest.mark.parametrize("change", [promote, lambda *a, **k: canary(*a, 5, **k), lambda *a, **k: shadow(*a, 0.5, **k)])
def test_only_versions_of_the_store_can_serve(net: FolderStore, change: Callable[..., Routing]) -> None:
    with pytest.raises(UnknownModelVersion, match="no version v9"):
        change(net, "net", "v9", **BY)
    with pytest.raises(UnknownModelVersion, match="other is not in"):
        change(net, "other", "v1", **BY)
    assert net.audit("net") == []


def test_a_version_of_another_kind_cannot_take_over(store: FolderStore, publish: Callable[..., Manifest]) -> None:
    publish(version="v1", task="face-analysis", embedding_space="arcface")
    promote(store, "net", "v1", **BY)
    publish(version="v2", task="style")
    publish(version="v3", task="face-analysis", embedding_space="dlib")
    with pytest.raises(RoutingRefused, match="net@v2 is a style model, but net@v1 is a face-analysis model"):
        promote(store, "net", "v2", **BY)
    with pytest.raises(RoutingRefused, match="net@v3 makes vectors of dlib, but net@v1 makes arcface"):
        canary(store, "net", "v3", 5, **BY)


def test_a_decision_holds_for_the_routing_it_was_made_on(net: FolderStore) -> None:
    seen = promote(net, "net", "v1", **BY)
    promote(net, "net", "v2", by="grace", why="sharper")
    for change in (
        lambda: promote(net, "net", "v3", **BY, expect=seen),
        lambda: canary(net, "net", "v3", 5, **BY, expect=seen),
        lambda: canary(net, "net", None, 0, **BY, expect=seen),
        lambda: rollback(net, "net", **BY, expect=seen),
    ):
        with pytest.raises(Conflict, match=r"grace, .* promote v2 \(sharper\)"):
            change()
    assert net.routing("net") == Routing("v2", previous="v1")


def test_of_engineers_who_promote_at_once_one_wins_and_the_others_are_told(net: FolderStore) -> None:
    seen = promote(net, "net", "v1", **BY)

    def decide(number: int) -> str:
        try:
            promote(net, "net", f"v{number}", by=f"engineer {number}", why="mine", expect=seen)
        except Conflict as error:
            return str(error)
        return "won"

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(decide, (2, 3, 4)))
    assert outcomes.count("won") == 1
    assert len(net.audit("net")) == 2
    assert sum(net.audit("net")[-1].who in outcome for outcome in outcomes) == 2


@pytest.mark.parametrize("decide", [promote, canary, shadow])
def test_a_version_that_vanishes_under_a_decision_is_not_pointed_at(
    net: FolderStore, monkeypatch: pytest.MonkeyPatch, decide: Callable[..., Routing]
) -> None:
    seen = promote(net, "net", "v1", **BY)
    change = net.change

    def remove_first(entry: AuditEntry) -> None:
        shutil.rmtree(net.root / "net" / "v2", ignore_errors=True)
        change(entry)

    monkeypatch.setattr(net, "change", remove_first)
    share = [] if decide is promote else [0.5]
    with pytest.raises(UnknownModelVersion, match="v2 was removed a moment ago"):
        decide(net, "net", "v2", *share, **BY)
    assert net.routing("net") == seen


@pytest.mark.parametrize("decide", [promote, canary, shadow])
def test_a_version_that_can_be_seen_to_be_damaged_is_not_decided_for(
    net: FolderStore, decide: Callable[..., Routing]
) -> None:
    promote(net, "net", "v1", **BY)
    (net.root / "net" / "v2" / "weights.dat").unlink()
    share = [] if decide is promote else [0.5]
    with pytest.raises(BrokenVersion, match=r"net@v2 is damaged: weights.dat is missing\. Remove"):
        decide(net, "net", "v2", *share, **BY)
    assert net.routing("net") == Routing("v1")


def test_nobody_goes_back_to_a_version_that_was_damaged_since(net: FolderStore) -> None:
    promote(net, "net", "v2", **BY, serving="v1")
    (net.root / "net" / "v1" / "weights.dat").unlink()
    with pytest.raises(BrokenVersion, match="net@v1 is damaged"):
        rollback(net, "net", **BY)


def test_a_stable_version_whose_manifest_was_damaged_can_be_replaced(net: FolderStore) -> None:
    promote(net, "net", "v1", **BY)
    path = net.root / "net" / "v1" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text("[")
    assert promote(net, "net", "v2", **BY) == Routing("v2", previous="v1")


@pytest.fixture
def vote(store: FolderStore, publish: Callable[..., Manifest]) -> FolderStore:
    """A moderator of the catalogue and one of somebody's own, on which nobody has decided."""
    for model, version in (("open-nsfw", "v1"), ("my-judge", "v1"), ("my-judge", "v2")):
        publish(model=model, version=version, task="moderation", backend="open-nsfw")
    return store


def test_a_moderator_that_joined_the_vote_by_its_promotion_leaves_it_by_going_back(vote: FolderStore) -> None:
    with Lease(vote, "replica-1") as lease:
        lease.hold(["open-nsfw@v1"])
        assert promote(vote, "my-judge", "v2", **BY) == Routing("v2"), (
            "v1 does not vote, though it is the only other one"
        )
    assert rollback(vote, "my-judge", **BY) is None
    assert vote.routing("my-judge") is None
    assert [entry.action for entry in vote.audit("my-judge")] == ["promote", "rollback"]
    # Two watchdogs that notice the same trouble are told so.
    with pytest.raises(RoutingRefused, match="never promoted"):
        rollback(vote, "my-judge", **BY)


def test_the_last_moderator_and_one_of_the_catalogue_do_not_leave_by_going_back(vote: FolderStore) -> None:
    promote(vote, "open-nsfw", "v1", **BY)
    promote(vote, "my-judge", "v1", **BY, serving="v1")
    with pytest.raises(RoutingRefused, match="no previous version"):
        rollback(vote, "open-nsfw", **BY)
    shutil.rmtree(vote.root / "open-nsfw")
    with pytest.raises(RoutingRefused, match="no previous version"):
        rollback(vote, "my-judge", **BY)


def test_a_moderator_that_went_back_once_stays_in_the_vote(vote: FolderStore) -> None:
    promote(vote, "my-judge", "v1", **BY, serving="v1")
    promote(vote, "my-judge", "v2", **BY)
    assert rollback(vote, "my-judge", **BY) == Routing("v1")
    with pytest.raises(RoutingRefused, match="no previous version"):
        rollback(vote, "my-judge", **BY)
