"""A call to a deployment outlives a dead replica, keeps its deadline, and speaks in the product's errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from ray.exceptions import ActorDiedError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

from deployments.errors import Busy, NoFace, Unavailable
from serve_app.calls import call


def failing(times: int, error: Exception) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    """A remote that fails ``times`` times before it answers, and the count of its calls."""
    calls: list[int] = []

    async def remote() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return remote, calls


async def test_a_call_that_works_is_made_once() -> None:
    remote, calls = failing(0, RuntimeError())
    assert await call(remote, deadline_s=1, what="style") == "done"
    assert len(calls) == 1


async def test_a_replica_that_died_is_tried_again() -> None:
    remote, calls = failing(2, ActorDiedError())
    assert await call(remote, deadline_s=5, what="style") == "done"
    assert len(calls) == 3


async def test_a_deployment_whose_replicas_keep_dying_is_unavailable_within_the_deadline() -> None:
    remote, _ = failing(10**9, ActorDiedError())
    with pytest.raises(Unavailable, match="Style is restarting") as caught:
        await call(remote, deadline_s=0.3, what="style")
    assert caught.value.details["retry_after"] > 0


async def test_a_call_waits_for_the_only_replica_to_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """That took four seconds where retries ended after three, and people were told to come again."""
    monkeypatch.setattr("serve_app.calls.RETRY_PAUSES_S", (0.01,))
    remote, calls = failing(30, ActorDiedError())
    assert await call(remote, deadline_s=5, what="style") == "done"
    assert len(calls) == 31


async def test_nobody_waits_for_long_where_replicas_keep_dying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.calls.RETRY_FOR_S", 0.2)
    remote, _ = failing(10**9, ActorDiedError())
    with pytest.raises(Unavailable, match="Style is restarting"):
        await call(remote, deadline_s=600, what="style")


async def test_a_missed_deadline_is_unavailable_and_says_what_was_slow() -> None:
    async def slow() -> str:
        await asyncio.sleep(30)
        return "too late"

    with pytest.raises(Unavailable, match="Style took too long"):
        await call(slow, deadline_s=0.05, what="style")


async def test_full_queues_are_busy_and_say_when_to_come_back() -> None:
    remote, calls = failing(1, BackPressureError(num_queued_requests=5, max_queued_requests=5))
    with pytest.raises(Busy) as caught:
        await call(remote, deadline_s=1, what="style")
    assert caught.value.details["retry_after"] >= 1
    assert len(calls) == 1, "a full queue is not hammered"


@pytest.mark.parametrize(("told_s", "seconds"), [(0.5, 1), (2.0, 2), (2.5, 3), (None, 2)])
async def test_who_comes_back_to_full_queues_as_told_comes_no_sooner(told_s: float | None, seconds: int) -> None:
    full = BackPressureError(num_queued_requests=5, max_queued_requests=5, retry_after_s=told_s)
    remote, _ = failing(1, full)
    with pytest.raises(Busy) as caught:
        await call(remote, deadline_s=1, what="style")
    assert caught.value.details["retry_after"] == seconds


async def test_a_deployment_that_is_not_there_is_unavailable() -> None:
    from ray.serve._private.common import DeploymentID

    remote, _ = failing(1, DeploymentUnavailableError(DeploymentID("Style", "graph")))
    with pytest.raises(Unavailable):
        await call(remote, deadline_s=1, what="style")


async def test_an_error_of_the_engine_comes_back_as_itself() -> None:
    remote, _ = failing(1, RayTaskError("answer", "trace", NoFace("No face was found.", picture="photo")))
    with pytest.raises(NoFace) as caught:
        await call(remote, deadline_s=1, what="faces")
    assert caught.value.details == {"picture": "photo"}


async def test_a_bug_is_not_hidden() -> None:
    remote, calls = failing(1, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await call(remote, deadline_s=1, what="faces")
    assert len(calls) == 1
