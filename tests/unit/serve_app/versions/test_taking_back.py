"""What does not hold is taken back, with its reason, and can be tried again."""

from __future__ import annotations

import errno
import hashlib

from deployments.serving.traffic import Traffic
from deployments.serving.trials import TrialSummary
from deployments.slots import ModelSet, Plan, Second
from registry import promotions
from registry.errors import StoreUnavailable
from registry.promotions import canary, promote, shadow
from serve_app.versions.coordinator import STAGING_LIMIT_S
from tests.clock import Clock

from .conftest import BY, V1, V2, serving, settle

PACKS = {"requires": {"painter": hashlib.sha256(b"weights one").hexdigest()}}


def _full(*_args: object, **_fields: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_version_a_replica_refuses_is_rolled_back_with_the_reason(coordinator, live, store, publish) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    live.refuses["judge@v2"] = "it answers NaN"
    await settle(coordinator, live)
    assert serving(live) == {"judge@v1"}
    last = store.audit("judge")[-1]
    assert (last.who, last.action, last.why) == ("studio", "rollback", "it answers NaN")
    assert store.routing("judge").stable == "v1"
    assert coordinator.state.errors == {"judge@v2": "it answers NaN"}
    assert live.applied[-1] == {"Moderation": Plan(V1)}, "nothing of it stays in memory"


async def test_it_can_be_tried_again_by_deciding_again(coordinator, live, store, publish) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    live.refuses["judge@v2"] = "the disk was full"
    await settle(coordinator, live)
    live.refuses.clear()
    promote(store, "judge", "v2", **BY)
    await settle(coordinator, live)
    assert serving(live) == {"judge@v2"}
    assert coordinator.state.errors == {}


async def test_a_staging_that_never_ends_is_given_up(coordinator, live, store, publish, clock: Clock) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    for _ in range(3):
        await coordinator.step()
    clock.now += STAGING_LIMIT_S + 1
    await settle(coordinator, live)
    assert "not every replica had it ready" in store.audit("judge")[-1].why
    assert serving(live) == {"judge@v1"}


async def test_a_new_pack_that_is_broken_leaves_the_others_painting(coordinator, live, publish) -> None:
    pins = {"painter": hashlib.sha256(b"weights one").hexdigest()}
    publish("moderns", "v1", "style-pack", requires=pins)
    live.refuses["moderns@v1"] = "a vector of the wrong length"
    await settle(coordinator, live)
    assert live.slots["style"][0].active == ModelSet("painter@v1", ("classics@v1",))
    assert coordinator.state.errors == {"moderns@v1": "a vector of the wrong length"}


async def test_a_bad_network_does_not_bring_the_packs_that_followed_it_into_disrepute(
    coordinator, live, store, publish
) -> None:
    pins = {"painter": hashlib.sha256(b"weights two").hexdigest()}
    publish("classics", "v2", "style-pack", requires=pins)
    publish("painter", "v2", "style", content="weights two")
    publish("painter", "v3", "style", content="weights two")
    promote(store, "painter", "v2", **BY)
    live.refuses["painter@v2"] = "it answers NaN"
    await settle(coordinator, live)
    assert coordinator.state.errors == {"painter@v2": "it answers NaN"}
    promote(store, "painter", "v3", **BY)
    await settle(coordinator, live)
    assert live.slots["style"][0].active == ModelSet("painter@v3", ("classics@v2",))


async def test_a_network_that_was_taken_back_with_its_packs_can_be_tried_again(
    coordinator, live, store, publish
) -> None:
    publish("classics", "v2", "style-pack", requires={"painter": hashlib.sha256(b"weights two").hexdigest()})
    publish("painter", "v2", "style", content="weights two")
    canary(store, "painter", "v2", 5, **BY, serving="v1")
    await settle(coordinator, live)
    live.traffic = {"painter@v1": Traffic(500, 1, 0.05, 0.1), "painter@v2": Traffic(30, 12, 0.05, 0.1)}
    await settle(coordinator, live)
    assert store.routing("painter").canary is None
    live.traffic = {}
    promote(store, "painter", "v2", **BY)
    await settle(coordinator, live)
    assert live.slots["style"][0].active == ModelSet("painter@v2", ("classics@v2",))


async def test_a_failing_canary_is_taken_back(coordinator, live, store, publish) -> None:
    publish("judge", "v2")
    canary(store, "judge", "v2", 5, **BY, serving="v1")
    await settle(coordinator, live)
    assert live.slots["moderation"][0].second == Second(V2, "canary", 5)
    live.traffic = {"judge@v1": Traffic(500, 1, 0.05, 0.1), "judge@v2": Traffic(30, 12, 0.05, 0.1)}
    await settle(coordinator, live)
    assert live.slots["moderation"][0].second is None
    assert "12 of 30 requests failed" in store.audit("judge")[-1].why
    assert store.routing("judge").canary is None


async def test_a_pack_whose_canary_fails_is_taken_back_though_the_network_is_the_same(
    coordinator, live, store, publish
) -> None:
    publish("classics", "v2", "style-pack", **PACKS)
    canary(store, "classics", "v2", 5, **BY, serving="v1")
    await settle(coordinator, live)
    assert live.slots["style"][0].second == Second(ModelSet("painter@v1", ("classics@v2",)), "canary", 5)
    failing = Traffic(30, 12, 0.05, 0.1)
    live.traffic = {"painter@v1": Traffic(530, 13), "classics@v1": Traffic(500, 1, 0.05, 0.1), "classics@v2": failing}
    await settle(coordinator, live)
    assert live.slots["style"][0].second is None
    assert "12 of 30 requests failed" in store.audit("classics")[-1].why


async def test_a_slow_pack_that_was_promoted_is_taken_back_while_it_is_watched(
    coordinator, live, store, publish, clock
) -> None:
    publish("classics", "v2", "style-pack", **PACKS)
    live.traffic = {"painter@v1": Traffic(500, 1, 0.05, 0.1), "classics@v1": Traffic(500, 1, 0.05, 0.1)}
    promote(store, "classics", "v2", **BY)
    await settle(coordinator, live)
    live.traffic = {"painter@v1": Traffic(700, 1, 0.3, 1.0), "classics@v2": Traffic(200, 0, 0.7, 1.9)}
    await settle(coordinator, live)
    clock.now += 90
    await settle(coordinator, live)
    assert live.slots["style"][0].active == ModelSet("painter@v1", ("classics@v1",))
    assert "95th percentile" in store.audit("classics")[-1].why


async def test_a_slow_promotion_is_taken_back_while_it_is_watched(coordinator, live, store, publish, clock) -> None:
    publish("judge", "v2")
    live.traffic = {"judge@v1": Traffic(500, 1, 0.05, 0.1)}
    promote(store, "judge", "v2", **BY)
    await settle(coordinator, live)
    live.traffic = {"judge@v2": Traffic(200, 0, 0.7, 1.9)}
    await settle(coordinator, live)
    assert serving(live) == {"judge@v2"}, "it may be a burst"
    clock.now += 90
    await settle(coordinator, live)
    assert serving(live) == {"judge@v1"}
    assert "95th percentile" in store.audit("judge")[-1].why
    await settle(coordinator, live)
    assert serving(live) == {"judge@v1"}, "and stays so"


async def test_a_moderator_that_cannot_join_leaves_the_vote_as_it_was_and_says_why(
    coordinator, live, store, publish
) -> None:
    promote(store, "judge", "v1", **BY)
    publish("a-juror", "v1")
    promote(store, "a-juror", "v1", **BY)
    live.refuses["a-juror@v1"] = "it answers NaN"
    await settle(coordinator, live)
    assert {slot.active for slot in live.slots["moderation"]} == {V1}
    assert coordinator.state.errors == {"a-juror@v1": "it answers NaN"}
    assert store.routing("a-juror") is None, "the next start does without it, too"
    assert (store.audit("a-juror")[-1].who, store.audit("a-juror")[-1].why) == ("studio", "it answers NaN")
    assert store.routing("judge").stable == "v1"


async def test_a_moderator_under_whom_requests_fail_is_put_out_again(coordinator, live, store, publish, clock) -> None:
    promote(store, "judge", "v1", **BY)
    publish("juror", "v1")
    live.traffic = {"judge@v1": Traffic(500, 1, 0.05, 0.1)}
    promote(store, "juror", "v1", **BY)
    await settle(coordinator, live)
    assert live.slots["moderation"][0].active == ModelSet("judge@v1", ("juror@v1",))
    live.traffic = {"judge@v1": Traffic(530, 1, 0.7, 1.9), "juror@v1": Traffic(30, 0, 0.7, 1.9)}
    clock.now += 90
    await settle(coordinator, live)
    assert live.slots["moderation"][0].active == ModelSet("judge@v1", ("juror@v1",)), "its time comes on top"
    live.traffic = {"judge@v1": Traffic(530, 16, 0.7, 1.9), "juror@v1": Traffic(30, 15, 0.7, 1.9)}
    await settle(coordinator, live)
    assert {slot.active for slot in live.slots["moderation"]} == {V1}
    assert "15 of 30 requests failed" in store.audit("juror")[-1].why


async def test_after_a_while_a_promotion_is_no_longer_new(coordinator, live, store, publish, clock: Clock) -> None:
    publish("judge", "v2")
    live.traffic = {"judge@v1": Traffic(500, 1, 0.05, 0.1)}
    promote(store, "judge", "v2", **BY)
    await settle(coordinator, live)
    clock.now += 3600
    await coordinator.step()
    live.traffic = {"judge@v2": Traffic(200, 0, 0.5, 0.9)}
    await settle(coordinator, live)
    assert serving(live) == {"judge@v2"}


async def test_a_shadow_that_disagrees_is_taken_back(coordinator, live, store, publish) -> None:
    publish("judge", "v2")
    shadow(store, "judge", "v2", 0.5, **BY, serving="v1")
    await settle(coordinator, live)
    live.trial = TrialSummary("judge@v2", compared=50, disagreed=20)
    await settle(coordinator, live)
    assert store.routing("judge").shadow is None
    assert "as a shadow it disagreed with 40 of 100 verdicts" in store.audit("judge")[-1].why


async def test_a_refusal_is_written_down_once_the_store_is_back(coordinator, live, store, publish, monkeypatch) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v1", **BY)
    promote(store, "judge", "v2", **BY)
    live.refuses = {"judge@v2": "the weights could not be fetched"}
    with monkeypatch.context() as away:

        def unavailable(*_args: object, **_fields: object) -> None:
            raise StoreUnavailable("s3://models cannot be reached.")

        away.setattr(promotions, "rollback", unavailable)
        await settle(coordinator, live)
    assert serving(live) == {"judge@v1"}
    assert store.routing("judge").stable == "v2", "nobody could say otherwise"
    assert "could not be fetched" in coordinator.state.errors["judge@v2"]
    await coordinator.step()
    assert store.routing("judge").stable == "v1"
    assert store.audit("judge")[-1].who == "studio"
    assert store.audit("judge")[-1].why == "the weights could not be fetched"
    entries = len(store.audit("judge"))
    await settle(coordinator, live)
    assert len(store.audit("judge")) == entries, "once"


async def test_what_somebody_decided_during_an_outage_stands(coordinator, live, store, publish, monkeypatch) -> None:
    publish("judge", "v2")
    publish("judge", "v3")
    promote(store, "judge", "v1", **BY)
    promote(store, "judge", "v2", **BY)
    live.refuses = {"judge@v2": "the weights could not be fetched"}
    with monkeypatch.context() as away:
        away.setattr(promotions, "rollback", _full)
        await settle(coordinator, live)
    promote(store, "judge", "v3", **BY)
    await settle(coordinator, live)
    assert serving(live) == {"judge@v3"}
    assert [entry.who for entry in store.audit("judge")] == ["ada"] * 3


async def test_a_canary_that_disagrees_is_taken_back_though_nothing_fails(coordinator, live, store, publish) -> None:
    publish("judge", "v2")
    canary(store, "judge", "v2", 50, **BY, serving="v1")
    await settle(coordinator, live)
    live.traffic = {"judge@v1": Traffic(500, 0, 0.05, 0.1), "judge@v2": Traffic(500, 0, 0.05, 0.1)}
    # Neither replica alone has seen enough; together they have.
    live.trial = TrialSummary("judge@v2", "canary", compared=15, disagreed=3)
    await settle(coordinator, live)
    assert store.routing("judge").canary is None
    assert "as a canary it disagreed with 6 of 30 verdicts" in store.audit("judge")[-1].why
