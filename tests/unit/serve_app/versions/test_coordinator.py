"""The graph is brought to what the store says: staged by all replicas, then activated."""

from __future__ import annotations

from deployments.serving.traffic import Traffic
from deployments.slots import ModelSet, Plan, Second
from registry.promotions import promote, rollback
from serve_app.settings import ModelChoice
from serve_app.versions.coordinator import STAGING_LIMIT_S, Coordinator
from tests.clock import Clock

from .conftest import BY, NAMES, V1, V2, Graph, Publish, serving, settle


async def test_at_rest_nothing_is_applied(coordinator: Coordinator, live: Graph) -> None:
    assert not await coordinator.step()
    assert live.applied == []


async def test_a_promotion_is_staged_by_all_and_then_activated(
    coordinator, live: Graph, store, publish: Publish
) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    await coordinator.step()
    assert live.applied == [{"Moderation": Plan(V1, Second(V2))}]
    live.work(0)
    await coordinator.step()
    assert serving(live) == {"judge@v1"}, "one of two replicas has staged it"
    assert coordinator.state.waiting == {"moderation": "judge@v2"}
    live.work(1)
    await settle(coordinator, live)
    assert live.applied[1:] == [{"Moderation": Plan(V2)}]
    assert serving(live) == {"judge@v2"}


async def test_a_replica_that_starts_in_between_is_waited_for(
    coordinator, live: Graph, store, publish: Publish
) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    await coordinator.step()
    live.work()
    live.starting.add("moderation")
    assert await coordinator.step()
    assert len(live.applied) == 1
    live.starting.clear()
    await settle(coordinator, live)
    assert serving(live) == {"judge@v2"}


async def test_what_is_promoted_at_rest_takes_over_when_a_replica_starts_and_nobody_is_kept_busy_until_then(
    coordinator, live: Graph, store, publish: Publish, clock: Clock
) -> None:
    live.rest("moderation")
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    await settle(coordinator, live)
    assert live.applied == [{"Moderation": Plan(V1, Second(V2))}]
    assert coordinator.state.waiting == {"moderation": "judge@v2"}
    clock.now += STAGING_LIMIT_S + 1
    assert not await coordinator.step()
    live.start("moderation")
    assert await coordinator.step(), "from here on it is followed closely"
    await settle(coordinator, live)
    assert serving(live) == {"judge@v2"}
    assert store.routing("judge").stable == "v2"


async def test_a_bad_version_that_is_promoted_at_rest_keeps_no_replica_from_starting(
    coordinator, live: Graph, store, publish: Publish
) -> None:
    live.rest("moderation")
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    live.refuses["judge@v2"] = "it answers NaN"
    await settle(coordinator, live)
    live.start("moderation")
    await settle(coordinator, live)
    assert serving(live) == {"judge@v1"}
    assert store.audit("judge")[-1].why == "it answers NaN"


async def test_a_staging_that_a_rest_interrupts_has_its_whole_time_again(
    coordinator, live: Graph, store, publish: Publish, clock: Clock
) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    for _ in range(2):
        await coordinator.step()
    live.rest("moderation")
    await coordinator.step()
    clock.now += STAGING_LIMIT_S + 1
    live.start("moderation")
    await settle(coordinator, live)
    assert serving(live) == {"judge@v2"}


async def test_a_replica_that_is_awaited_is_no_rest(coordinator, live: Graph, store, publish: Publish) -> None:
    live.rest("moderation")
    live.starting.add("moderation")
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    for _ in range(3):
        assert await coordinator.step()


async def test_a_promoted_moderator_is_staged_by_all_before_it_joins_the_vote(
    coordinator, live: Graph, store, publish: Publish
) -> None:
    promote(store, "judge", "v1", **BY)
    publish("juror", "v1")
    promote(store, "juror", "v1", **BY)
    both = ModelSet("judge@v1", ("juror@v1",))
    await coordinator.step()
    assert live.applied == [{"Moderation": Plan(V1, Second(both))}]
    live.work(0)
    await coordinator.step()
    assert {slot.active for slot in live.slots["moderation"]} == {V1}, "one of two replicas has staged it"
    live.work(1)
    await settle(coordinator, live)
    assert {slot.active for slot in live.slots["moderation"]} == {both}


async def test_what_a_rollback_brought_back_can_be_rolled_back_to_again(coordinator, live, store, publish) -> None:
    publish("judge", "v2")
    for _ in range(2):
        promote(store, "judge", "v2", **BY)
        await settle(coordinator, live)
        rollback(store, "judge", **BY)
        live.traffic = {"judge@v2": Traffic(500, 0, 0.01, 0.02)}
        await settle(coordinator, live)
        live.traffic = {"judge@v1": Traffic(500, 200, 0.5, 0.9)}
        await settle(coordinator, live)
        assert serving(live) == {"judge@v1"}, "there is nothing behind it"
        live.traffic = {}


async def test_whoever_takes_over_in_the_middle_goes_on_from_there(
    coordinator, live, store, publish, graph, clock
) -> None:
    publish("judge", "v2")
    promote(store, "judge", "v2", **BY)
    await coordinator.step()
    live.work()
    successor = Coordinator(store, ModelChoice(), graph, NAMES, live, live.ask, clock=clock)
    await settle(successor, live)
    assert serving(live) == {"judge@v2"}
    assert len(live.applied) == 2
