"""What the store asks of a running graph."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest

from deployments.slots import ModelSet, Plan, Second
from registry.errors import StoreUnavailable
from registry.manifest import Manifest
from registry.promotions import canary, promote, rollback, shadow
from registry.store import FolderStore
from serve_app.settings import ModelChoice
from serve_app.versions.desired import Desire, Refusal, desired

from .conftest import Publish

BY = {"by": "ada", "why": "better"}


NO_WISHES = ModelChoice()


@pytest.fixture
def ask(store: FolderStore, graph: Mapping[str, Plan]):
    def asked(live: Mapping[str, Plan] = graph, wishes: ModelChoice = NO_WISHES, **refusals: Refusal) -> Desire:
        return desired(store, store.manifest, wishes, live, refusals)

    return asked


def refused(**more: Refusal) -> dict[str, Refusal]:
    return more


def test_a_graph_that_serves_what_the_store_says_is_left_alone(ask, graph) -> None:
    assert ask().plans == graph


def test_publishing_alone_moves_nobody(ask, graph, publish: Publish) -> None:
    publish("judge", "v2")
    publish("another-judge", "v1")
    assert ask().plans == graph


def test_a_promotion_asks_for_the_version(ask, publish: Publish, store: FolderStore) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    assert ask().plans["moderation"] == Plan(ModelSet("judge@v2"))
    rollback(store, "judge", **BY)
    assert ask().plans["moderation"] == Plan(ModelSet("judge@v1"))


def test_a_canary_and_a_shadow_stand_beside_stable(ask, publish: Publish, store: FolderStore) -> None:
    publish("judge", "v2")
    canary(store, "judge", "v2", 5, **BY, serving="v1")
    assert ask().plans["moderation"] == Plan(ModelSet("judge@v1"), Second(ModelSet("judge@v2"), "canary", 5))
    canary(store, "judge", None, 0, **BY)
    shadow(store, "judge", "v2", 0.25, **BY, serving="v1")
    assert ask().plans["moderation"] == Plan(ModelSet("judge@v1"), Second(ModelSet("judge@v2"), "shadow", 25))


def test_a_new_style_pack_joins_by_being_published(ask, graph, publish: Publish) -> None:
    pins = {"painter": hashlib.sha256(b"weights one").hexdigest()}
    publish("moderns", "v1", "style-pack", requires=pins)
    assert ask().plans["style"] == Plan(ModelSet("painter@v1", ("classics@v1", "moderns@v1")))


def test_packs_follow_their_network_to_other_weights(ask, publish: Publish, store: FolderStore) -> None:
    publish("painter", "v2", "style", content="weights two")
    publish("classics", "v2", "style-pack", requires={"painter": hashlib.sha256(b"weights two").hexdigest()})
    canary(store, "painter", "v2", 5, **BY, serving="v1")
    second = ask().plans["style"].second
    assert second == Second(ModelSet("painter@v2", ("classics@v2",)), "canary", 5)
    promote(store, "painter", "v2", **BY)
    assert ask().plans["style"] == Plan(ModelSet("painter@v2", ("classics@v2",)))


def test_a_network_without_packs_cannot_take_over_and_it_is_said_why(ask, graph, publish: Publish, store) -> None:
    publish("painter", "v2", "style", content="weights two")
    promote(store, "painter", "v2", **BY, force=True)
    desire = ask()
    assert desire.plans == graph
    assert "style packs made for its weights" in desire.unusable["painter@v2"]


def test_a_pack_for_other_weights_is_refused_with_just_that(ask, graph, publish: Publish, store) -> None:
    publish("classics", "v2", "style-pack", requires={"painter": "0" * 64})
    shadow(store, "classics", "v2", 0.5, **BY, serving="v1")
    desire = ask()
    assert desire.plans == graph
    assert desire.unusable["classics@v2"] == (
        "classics@v2 cannot take the place of classics@v1: it was made for other weights than those of painter@v1"
    )


@pytest.mark.parametrize("begin", [canary, shadow])
def test_a_trial_that_cannot_take_place_is_said_why(ask, graph, publish: Publish, store, begin) -> None:
    publish("painter", "v2", "style", content="weights two")
    begin(store, "painter", "v2", 0.5, **BY, serving="v1")
    desire = ask()
    assert desire.plans == graph
    assert "style packs made for its weights" in desire.unusable["painter@v2"]


def test_a_shadow_where_a_canary_is_cannot_take_place_either(ask, publish: Publish, store) -> None:
    pins = {"painter": hashlib.sha256(b"weights one").hexdigest()}
    publish("painter", "v2", "style", content="weights one")
    publish("classics", "v2", "style-pack", requires=pins)
    canary(store, "painter", "v2", 5, **BY, serving="v1")
    shadow(store, "classics", "v2", 0.5, **BY, serving="v1")
    desire = ask()
    assert desire.plans["style"].second == Second(ModelSet("painter@v2", ("classics@v1",)), "canary", 5)
    assert "a canary is there already" in desire.unusable["classics@v2"]


@pytest.mark.parametrize(("network", "pack"), [(5, 50), (50, 5)])
def test_of_two_canaries_in_one_place_neither_gets_more_users_than_asked_for(
    ask, publish: Publish, store, network: float, pack: float
) -> None:
    pins = {"painter": hashlib.sha256(b"weights one").hexdigest()}
    publish("painter", "v2", "style", content="weights one")
    publish("classics", "v2", "style-pack", requires=pins)
    canary(store, "painter", "v2", network, **BY, serving="v1")
    canary(store, "classics", "v2", pack, **BY, serving="v1")
    assert ask().plans["style"].second == Second(ModelSet("painter@v2", ("classics@v2",)), "canary", 5)


def test_a_pack_that_somebody_decided_on_follows_a_canary_of_its_network_without_lessening_it(
    ask, publish: Publish, store
) -> None:
    publish("painter", "v2", "style", content="weights two")
    publish("classics", "v2", "style-pack", requires={"painter": hashlib.sha256(b"weights two").hexdigest()})
    promote(store, "classics", "v1", **BY)
    canary(store, "painter", "v2", 5, **BY, serving="v1")
    assert ask().plans["style"].second == Second(ModelSet("painter@v2", ("classics@v2",)), "canary", 5)


def test_a_refused_version_is_not_asked_for_again_until_somebody_decides(ask, publish: Publish, store) -> None:
    publish("judge", "v2")
    routing = promote(store, "judge", "v2", **BY)
    assert ask(**{"judge@v2": Refusal(routing, "NaN")}).plans["moderation"] == Plan(ModelSet("judge@v1"))
    publish("judge", "v3")
    promote(store, "judge", "v3", **BY)
    promote(store, "judge", "v2", **BY)
    assert ask(**{"judge@v2": Refusal(routing, "NaN")}).plans["moderation"] == Plan(ModelSet("judge@v2"))


def test_what_serves_is_never_left_for_a_version_nobody_asked_for(ask, graph, publish: Publish) -> None:
    publish("judge", "v2")
    assert ask(**{"judge@v1": Refusal(None, "slow")}).plans == graph


def test_a_refused_pack_does_not_take_the_others_with_it(ask, graph, publish: Publish) -> None:
    pins = {"painter": hashlib.sha256(b"weights one").hexdigest()}
    publish("moderns", "v1", "style-pack", requires=pins)
    assert ask(**{"moderns@v1": Refusal(None, "NaN")}).plans == graph


def test_a_manifest_that_cannot_be_read_is_named_and_changes_nothing(ask, graph, publish: Publish, store) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    path = store.root / "judge" / "v2" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text("[")
    desire = ask()
    assert desire.plans == graph
    assert "cannot be read" in desire.unusable["judge@v2"]


def test_a_store_that_goes_away_is_no_verdict_on_a_version(graph, publish: Publish, store, monkeypatch) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)

    def away(_ref: str) -> Manifest:
        raise StoreUnavailable("s3://models cannot be reached.")

    monkeypatch.setattr(store, "manifest", away)
    with pytest.raises(StoreUnavailable):
        desired(store, store.manifest, ModelChoice(), graph, {})


def test_a_version_named_in_the_settings_stays(ask, graph, publish: Publish, store) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    assert ask(wishes=ModelChoice(moderation=("judge@v1",))).plans == graph


VOTING = {"moderation": Plan(ModelSet("judge@v1"))}


@pytest.fixture
def vote(publish: Publish, store: FolderStore, graph: Mapping[str, Plan]) -> None:
    """A judge that somebody promoted, and two more to join it."""
    promote(store, "judge", "v1", **BY)
    publish("juror", "v1")
    publish("peer", "v1")


@pytest.mark.usefixtures("vote")
def test_a_moderator_that_is_promoted_joins_the_vote(ask, store) -> None:
    promote(store, "juror", "v1", **BY)
    assert ask(VOTING).plans["moderation"] == Plan(ModelSet("judge@v1", ("juror@v1",)))


@pytest.mark.usefixtures("vote")
def test_of_several_that_join_or_change_one_comes_at_a_time(ask, publish: Publish, store) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    promote(store, "juror", "v1", **BY)
    promote(store, "peer", "v1", **BY)
    first = ask(VOTING).plans
    assert first["moderation"] == Plan(ModelSet("judge@v2"))
    second = ask(first).plans
    assert second["moderation"] == Plan(ModelSet("judge@v2", ("juror@v1",)))
    assert ask(second).plans["moderation"] == Plan(ModelSet("judge@v2", ("juror@v1", "peer@v1")))


@pytest.mark.usefixtures("vote")
def test_a_moderator_that_the_settings_do_not_name_keeps_no_other_waiting(ask, publish: Publish, store) -> None:
    promote(store, "juror", "v1", **BY)
    publish("peer", "v2")
    promote(store, "peer", "v2", **BY)
    live = {"moderation": Plan(ModelSet("judge@v1", ("peer@v1",)))}
    wishes = ModelChoice(moderation=("judge", "peer"))
    assert ask(live, wishes).plans["moderation"] == Plan(ModelSet("judge@v1", ("peer@v2",)))


@pytest.mark.usefixtures("vote")
def test_a_moderator_that_was_rolled_back_leaves_the_vote(ask, store) -> None:
    promote(store, "juror", "v1", **BY)
    rollback(store, "juror", **BY)
    live = {"moderation": Plan(ModelSet("judge@v1", ("juror@v1",)))}
    assert ask(live).plans["moderation"] == Plan(ModelSet("judge@v1"))


@pytest.mark.usefixtures("vote")
def test_a_refused_moderator_stays_out(ask, store) -> None:
    routing = promote(store, "juror", "v1", **BY)
    assert ask(VOTING, **{"juror@v1": Refusal(routing, "NaN")}).plans == VOTING


def test_a_store_that_goes_away_while_packs_are_looked_for_is_no_verdict_either(
    ask, publish: Publish, store, monkeypatch
) -> None:
    publish("painter", "v2", "style", content="weights two")
    publish("classics", "v2", "style-pack", requires={"painter": hashlib.sha256(b"weights two").hexdigest()})
    promote(store, "painter", "v2", **BY, serving="v1")

    def away(*_: object) -> list[str]:
        raise StoreUnavailable("s3://models cannot be reached.")

    monkeypatch.setattr("serve_app.versions.desired._View.versions", away)
    with pytest.raises(StoreUnavailable):
        ask()
