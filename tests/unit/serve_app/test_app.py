"""The graph over deployment handles: what is asked of whom."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from ray.exceptions import ActorDiedError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.schema import ApplicationStatus

from deployments.imaging import Limits
from deployments.slots import ModelSet, SlotStatus
from serve_app import app, presenting
from serve_app.deployed import ServeApplication, ServeDeployment
from serve_app.graph import graph_over
from serve_app.pipeline import Pipeline
from serve_app.resting import Resting
from serve_app.settings import EngineLimits
from serve_app.status import cluster
from serve_app.status.board import Served, StatusBoard
from serve_app.telemetry.metrics import metrics
from serve_app.topology import CLUSTER, EMBEDDED, limited

LOADED = SlotStatus(ModelSet("net@v1"), None, None)


class Handle:
    """A deployment with these answers, one a replica; a call of its own waits for a replica, and so starts one."""

    def __init__(self, *replicas: SlotStatus | Exception) -> None:
        self.replicas = replicas
        self.woken = 0
        self.status = self

    def __getattr__(self, _name: str) -> Handle:
        return self

    async def remote(self) -> Any:
        self.woken += not self.replicas
        return self.replicas[0] if self.replicas else LOADED

    def broadcast(self, method: str) -> Handle:
        assert method == "status"
        return self

    async def results_async(self, *, return_exceptions: bool) -> list[Any]:
        assert return_exceptions
        if not self.replicas:
            raise DeploymentUnavailableError("Swap")  # type: ignore[arg-type]
        return list(self.replicas)


def pipeline(**handles: Handle) -> Pipeline:
    async def may_rest(capability: str) -> bool:
        return capability == "swap"

    graph = graph_over({"moderation": Handle(LOADED), **handles}, {}, 5.0, may_rest)  # type: ignore[dict-item]
    return Pipeline(graph, Limits())


async def test_what_is_at_rest_is_not_woken_by_those_who_only_look_and_is_ready() -> None:
    swap = Handle()
    states = await pipeline(swap=swap).states()
    assert states == {"moderation": LOADED, "swap": "at rest"}
    assert swap.woken == 0
    ready = presenting.ready(states, {})
    assert ready.ready
    assert ready.capabilities == {"moderation": "ready", "swap": "at rest"}


async def test_what_the_studio_asks_for_itself_is_not_counted_among_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio that nobody came to showed requests, and half of them took a millisecond."""
    counted: list[str] = []
    monkeypatch.setattr(metrics().calls, "inc", lambda tags: counted.append(tags["deployment"]))
    looked_at = pipeline(style=Handle(LOADED), swap=Handle(LOADED))
    await looked_at.states()
    assert counted == []
    await looked_at.styles()
    assert counted == ["style"]


async def test_what_may_rest_and_does_not_says_how_it_is() -> None:
    assert (await pipeline(swap=Handle(ActorDiedError(), LOADED)).states())["swap"] == LOADED
    loading = await pipeline(swap=Handle(SlotStatus(None, None, "no memory"))).states()
    assert not presenting.ready(loading, {}).ready


async def test_what_may_not_rest_and_has_no_replica_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    style = Handle()

    async def remote() -> Any:
        raise DeploymentUnavailableError("Style")  # type: ignore[arg-type]

    monkeypatch.setattr(style, "remote", remote)
    ready = presenting.ready(await pipeline(style=style).states(), {})
    assert (ready.ready, ready.capabilities["style"]) == (False, "Style is restarting.")


async def test_a_studio_that_is_merely_busy_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    style = Handle()

    async def remote() -> Any:
        raise BackPressureError(num_queued_requests=16, max_queued_requests=16)

    monkeypatch.setattr(style, "remote", remote)
    states = await pipeline(style=style).states()
    assert states["style"] == "busy"
    assert presenting.ready(states, {}).model_dump() == {
        "ready": True,
        "capabilities": {"moderation": "ready", "style": "ready"},
    }


async def test_a_deployment_that_does_not_say_how_it_is_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    style = Handle()
    monkeypatch.setattr("serve_app.pipeline._STATE_S", 0.01)
    monkeypatch.setattr(style, "remote", asyncio.Event().wait)
    async with asyncio.timeout(3):
        states = await pipeline(style=style).states()
    assert states == {"moderation": LOADED, "style": "does not say how it is"}
    assert not presenting.ready(states, {}).ready


@pytest.mark.parametrize(
    ("message", "note"), [("", "at rest"), ("no node has a GPU to spare", "no node has a GPU to spare")]
)
async def test_figures_tell_rest_from_a_replica_that_cannot_start(message: str, note: str) -> None:
    class Cluster:
        async def deployments(self) -> list[Served]:
            return [Served("Swap", "healthy", 0, 0, message)]

        async def samples(self) -> dict[Any, float]:
            return {}

    (row,) = (await StatusBoard(Cluster(), pipeline(swap=Handle()).states).read()).deployments
    assert (row.note, row.model) == (note, None)


def test_what_has_no_least_number_of_replicas_may_rest() -> None:
    def resting(topology: Any) -> set[str]:
        return {name for name, shape in topology.items() if shape.may_rest}

    assert resting(CLUSTER) == {"Swap", "Anonymize", "Authenticity", "Masterpiece"}
    assert resting(EMBEDDED) == {"Masterpiece"}
    assert "Swap" not in resting(limited(CLUSTER, {"Swap": EngineLimits(replicas=2)}))


async def test_what_may_rest_is_known_while_serve_builds_the_application_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve names no deployments then, nor after a deploy that failed; the studio is as ready as before."""
    swap = ServeDeployment("HEALTHY", "", 0, Counter(), may_rest=True)
    state = ServeApplication(ApplicationStatus.RUNNING, "", {"Swap": swap})
    monkeypatch.setattr(app, "state_of", lambda _: state)
    now = 0.0
    resting = Resting(app._resting, frozenset(), lambda: now)
    assert await resting("swap")
    for status in (ApplicationStatus.DEPLOYING, ApplicationStatus.DEPLOY_FAILED):
        now, state = now + 60, ServeApplication(status, "", {})
        assert await resting("swap")


async def test_an_application_that_could_not_be_deployed_is_shown_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = ServeApplication(ApplicationStatus.DEPLOY_FAILED, "nosuch@v1 is not installed", {})
    monkeypatch.setattr(cluster, "state_of", lambda _: failed)
    assert await cluster.RayCluster("graph").deployments() == [
        Served("graph", "deploy failed", running=0, wanted=0, message="nosuch@v1 is not installed")
    ]
