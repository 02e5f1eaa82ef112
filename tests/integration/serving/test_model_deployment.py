"""The wrapper around every engine: batches, answers under the version's name, and a bad query harms nobody else."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from ray import cloudpickle, serve
from ray.serve.handle import DeploymentHandle

from deployments.engine import Engine
from deployments.errors import InvalidField
from deployments.runtime import Runtime
from deployments.serving.canary import sees_canary
from deployments.serving.deployment import ModelDeployment
from deployments.serving.traffic import Traffic
from deployments.serving.types import Answer, Options
from deployments.slots import ModelSet, SlotStatus
from registry.manifest import ModelVersion
from registry.opening import StoreAddress
from registry.store import FolderStore
from serve_app.calls import call
from serve_app.deployed import state_of
from serve_app.graph import graph_over
from serve_app.resting import Resting
from tests import versions
from tests.eventually import until

# Replicas cannot import a test module, so its classes travel whole.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


AT_ONCE: dict[str, Any] = {"graceful_shutdown_wait_loop_s": 0.05, "graceful_shutdown_timeout_s": 1}


class Doubler:
    """Doubles numbers; negative ones are an error; notes the size of every batch."""

    batches: list[list[int]] = []
    go_on: threading.Event
    loaded: threading.Event

    def __init__(self, version: ModelVersion) -> None:
        if version.manifest.title == "broken":
            raise ValueError("weights of another shape")
        if version.manifest.title == "slow":
            Doubler.loaded = threading.Event()
            assert Doubler.loaded.wait(30)
        self.forgetful = version.manifest.title == "forgetful"
        # Made in the replica: an event cannot travel between processes.
        Doubler.go_on = threading.Event()
        Doubler.go_on.set()

    def warm_up(self) -> None:
        self.run([1])

    def run(self, batch: Sequence[int]) -> list[int]:
        assert self.go_on.wait(30)
        self.batches.append(list(batch))
        if any(query < 0 for query in batch):
            raise InvalidField("A number below 0.")
        return [2 * query for query in batch]

    def close(self) -> None:
        pass


UNKNOWN_TO_SOME = 7
LAST_OUT = 1000
"""What is only finished once something else is."""


class Doubling(ModelDeployment[int, int, str]):
    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.another = asyncio.Event()

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Doubler:
        return Doubler(version)

    def knows(self, engine: Engine[int, int], query: int) -> bool:
        return query != UNKNOWN_TO_SOME or not cast(Doubler, engine).forgetful

    async def finish(self, query: int, result: int) -> str:
        if query == LAST_OUT:
            await self.another.wait()
        else:
            self.another.set()
        return f"{query}->{result}"

    async def answer(self, query: int, visitor: str | None = None) -> Answer[str]:
        self.arrived = getattr(self, "arrived", 0) + 1
        return await super().answer(query, visitor)

    async def hold(self) -> None:
        Doubler.go_on.clear()

    async def load_on(self) -> None:
        """Let the version go on loading that takes its time, once it has begun."""
        while not hasattr(Doubler, "loaded"):
            await asyncio.sleep(0.005)
        Doubler.loaded.set()

    async def let_go_when(self, arrived: int) -> None:
        """Let the engine run once so many queries are in."""
        while self.arrived < arrived:
            await asyncio.sleep(0.005)
        Doubler.go_on.set()

    async def batches(self) -> list[list[int]]:
        return Doubler.batches


def publish(store: FolderStore, version: str, title: str = "") -> str:
    return versions.publish(store, {}, model="doubler", version=version, title=title).ref


def choose(ref: str) -> dict[str, object]:
    return {"stable": {"model": ref, "extras": []}}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def handle(local_serve: None, store: FolderStore) -> Iterator[DeploymentHandle[Doubling]]:
    """A replica of its own for every test, with v1 active."""
    options = Options(StoreAddress(str(store.root)), Runtime(), max_batch=8)
    deployment = serve.deployment(Doubling).options(
        max_ongoing_requests=16, user_config=choose(publish(store, "v1")), **AT_ONCE
    )
    yield serve.run(deployment.bind(options), name="doubling", route_prefix=None)
    serve.delete("doubling")


async def test_an_answer_names_the_version_it_came_from(handle: DeploymentHandle[Doubling]) -> None:
    answer = await handle.answer.remote(21)
    assert (answer.value, answer.model) == ("21->42", "doubler@v1")


async def test_queries_that_come_together_share_a_batch(handle: DeploymentHandle[Doubling]) -> None:
    await handle.hold.remote()
    asked = [handle.answer.remote(number) for number in range(9)]
    await handle.let_go_when.remote(9)
    assert [(await answer).value for answer in asked] == [f"{number}->{2 * number}" for number in range(9)]
    # Two warm-ups; whoever found the engine idle, and then all who came while it was busy.
    sizes = [len(batch) for batch in (await handle.batches.remote())[2:]]
    assert sum(sizes) == 9
    assert len(sizes) == 2


async def test_the_engine_goes_on_while_an_answer_is_finished(handle: DeploymentHandle[Doubling]) -> None:
    await handle.hold.remote()
    last = handle.answer.remote(LAST_OUT)
    await handle.let_go_when.remote(1)
    assert (await handle.answer.remote(1)).value == "1->2"
    assert (await asyncio.wait_for(last, 30)).value == "1000->2000"


async def test_one_bad_query_fails_alone(handle: DeploymentHandle[Doubling]) -> None:
    async def ask(query: int) -> Any:
        return await call(lambda: handle.answer.remote(query), deadline_s=30, what="doubling")

    outcomes = await asyncio.gather(*(ask(query) for query in (1, -1, 2, 3)), return_exceptions=True)
    assert type(outcomes[1]) is InvalidField, "the engine's own error crosses the process border as itself"
    assert [outcome.value for outcome in outcomes if not isinstance(outcome, BaseException)] == ["1->2", "2->4", "3->6"]


async def test_a_new_version_takes_over_while_requests_run(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    publish(store, "v2")
    await handle.reconfigure.remote(choose("doubler@v2"))
    seen: list[str] = []
    while "doubler@v2" not in seen:
        seen += [answer.model for answer in await asyncio.gather(*(handle.answer.remote(n) for n in range(4)))]
    assert set(seen) <= {"doubler@v1", "doubler@v2"}


@pytest.mark.parametrize("wish", ["missing", "broken", "nonsense"])
async def test_a_version_that_cannot_serve_changes_nothing(
    handle: DeploymentHandle[Doubling], store: FolderStore, wish: str
) -> None:
    if wish == "broken":
        config = choose(publish(store, "v3", title="broken"))
    else:
        config = choose("doubler@v9") if wish == "missing" else {"stabel": "v2"}
    await handle.reconfigure.remote(config)
    if wish != "nonsense":
        await until_status(handle, lambda status: status.error is not None)
    assert (await handle.answer.remote(4)).model == "doubler@v1"
    assert (await handle.status.remote()).active is not None


def test_the_first_version_must_load_or_the_application_does_not_start(local_serve: None, store: FolderStore) -> None:
    deployment = serve.deployment(Doubling).options(user_config=choose("doubler@v9"), **AT_ONCE)
    with pytest.raises(RuntimeError, match="failed"):
        serve.run(
            deployment.bind(Options(StoreAddress(str(store.root)), Runtime())), name="doubling", route_prefix=None
        )
    serve.delete("doubling")


def _at_rest() -> frozenset[str]:
    """Both capabilities below, as Serve's configuration of their one deployment says."""
    state = state_of("doubling")
    assert state is not None
    return frozenset({"moderation", "swap"}) if state.deployments["Doubling"].may_rest else frozenset()


async def test_what_is_at_rest_is_not_woken_to_say_how_it_is(local_serve: None, store: FolderStore) -> None:
    deployment = serve.deployment(Doubling).options(
        autoscaling_config={"min_replicas": 0, "max_replicas": 1, "upscale_delay_s": 0.0, "metrics_interval_s": 0.1},
        user_config=choose(publish(store, "v1")),
        **AT_ONCE,
    )
    options = Options(StoreAddress(str(store.root)), Runtime(), max_batch=8)
    resting: Any = serve.run(deployment.bind(options), name="doubling", route_prefix=None)
    graph = graph_over({"moderation": resting, "swap": resting}, {}, 60.0, Resting(_at_rest, frozenset()))
    assert [await graph.states["swap"]() for _ in range(20)] == [None] * 20
    state = state_of("doubling")
    assert state is not None
    assert state.deployments["Doubling"].replicas.total() == 0
    assert (await resting.answer.remote(4)).value == "4->8"
    status = await graph.states["swap"]()
    assert status is not None
    assert status.active == ModelSet("doubler@v1")
    serve.delete("doubling")


V1, V2 = ({"model": f"doubler@{version}", "extras": []} for version in ("v1", "v2"))


async def until_status(handle: DeploymentHandle[Doubling], holds: Callable[[SlotStatus], bool]) -> SlotStatus:
    async def look() -> SlotStatus | None:
        status: SlotStatus = await handle.status.remote()
        return status if holds(status) else None

    status = await until(look, within_s=60)
    assert status is not None
    return status


async def test_a_staged_version_takes_over_only_when_the_configuration_says_so(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    publish(store, "v2")
    await handle.reconfigure.remote({"stable": V1, "staging": V2})
    await until_status(handle, lambda status: status.second is not None)
    assert (await handle.answer.remote(1)).model == "doubler@v1"
    await handle.reconfigure.remote({"stable": V2})
    assert (await handle.answer.remote(1)).model == "doubler@v2", "from the very next request on"


@pytest.mark.parametrize("place", ["stable", "staging"])
async def test_a_version_that_is_taken_back_while_it_loads_never_serves(
    handle: DeploymentHandle[Doubling], store: FolderStore, place: str
) -> None:
    slow = {"model": publish(store, "v2", title="slow"), "extras": []}
    await handle.reconfigure.remote({"stable": V1} | {place: slow})
    await until_status(handle, lambda status: status.staging is not None)
    await handle.reconfigure.remote({"stable": V1})
    await handle.load_on.remote()
    status = await until_status(handle, lambda status: status.staging is None)
    assert (status.active, status.second) == (ModelSet("doubler@v1"), None)
    assert (await handle.answer.remote(1)).model == "doubler@v1"


async def test_what_was_refused_is_forgotten_when_it_is_wanted_no_more(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    await handle.reconfigure.remote(choose(publish(store, "v3", title="broken")))
    await until_status(handle, lambda status: status.error is not None)
    await handle.reconfigure.remote(choose("doubler@v1"))
    assert (await handle.status.remote()).error is None


async def test_a_canary_answers_the_same_people_every_time(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    publish(store, "v2")
    await handle.reconfigure.remote({"stable": V1, "canary": V2 | {"percent": 30}})
    await until_status(handle, lambda status: status.second is not None)
    people = [f"person-{number}" for number in range(60)]
    for _ in range(2):
        answers = await asyncio.gather(*(handle.answer.remote(1, person) for person in people))
        seen = {person for person, answer in zip(people, answers, strict=True) if answer.model == "doubler@v2"}
        assert seen == {person for person in people if sees_canary(person, "doubler", 30)}
    assert (await handle.answer.remote(1)).model == "doubler@v1", "nobody in particular is not tried on"


async def test_what_a_canary_does_not_know_the_stable_version_answers(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    publish(store, "v2", title="forgetful")
    await handle.reconfigure.remote({"stable": V1, "canary": V2 | {"percent": 100}})
    await until_status(handle, lambda status: status.second is not None)
    assert (await handle.answer.remote(1, "ada")).model == "doubler@v2"
    assert (await handle.answer.remote(UNKNOWN_TO_SOME, "ada")).model == "doubler@v1"


async def test_a_replica_reports_what_it_holds_and_how_it_fared(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    for query in (1, 2, 3):
        await handle.answer.remote(query)
    (report,) = await handle.broadcast("report").results_async(timeout_s=30)
    assert report.slot.active == ModelSet("doubler@v1")
    assert report.traffic["doubler@v1"].requests == 3
    assert report.memory_mb > 0
    assert {held.refs for held in store.leases()} == {("doubler@v1",)}


async def test_a_request_counts_for_every_version_that_answered_it(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    pack = versions.publish(store, {}, model="pack", version="v1").ref
    await handle.reconfigure.remote({"stable": {"model": "doubler@v1", "extras": [pack]}})
    await until_status(handle, lambda status: status.active == ModelSet("doubler@v1", (pack,)))
    await handle.answer.remote(1)
    (report,) = await handle.broadcast("report").results_async(timeout_s=30)
    assert {ref: traffic.requests for ref, traffic in report.traffic.items()} == {"doubler@v1": 1, pack: 1}


async def test_a_replica_that_ends_in_order_holds_nothing_any_more(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    assert store.leases()
    await asyncio.to_thread(serve.delete, "doubling")
    assert not store.leases()


async def test_a_version_that_is_tried_again_is_judged_by_what_it_does_then(
    handle: DeploymentHandle[Doubling], store: FolderStore
) -> None:
    publish(store, "v2")

    async def traffic() -> dict[str, Traffic]:
        (report,) = await handle.broadcast("report").results_async(timeout_s=30)
        return dict(report.traffic)

    for requests in (3, 1):
        await handle.reconfigure.remote({"stable": V1, "staging": V2})
        await until_status(handle, lambda status: status.second is not None)
        assert "doubler@v2" not in await traffic()
        await handle.reconfigure.remote({"stable": V1, "canary": V2 | {"percent": 100}})
        for _ in range(requests):
            await handle.answer.remote(1, "somebody")
        assert (await traffic())["doubler@v2"].requests == requests
        await handle.reconfigure.remote({"stable": V1})
        await until_status(handle, lambda status: status.second is None)
        await traffic()
