"""What Ray Serve knows about a deployment becomes what the policy observes."""

from __future__ import annotations

from typing import Any

import pytest
from ray.serve._private.common import DeploymentID, ReplicaID, TimeStampedValue
from ray.serve.config import AutoscalingContext, AutoscalingPolicy

from serve_app.scaling.adapter import QueueTimePolicy
from serve_app.topology import CLUSTER

STYLE = DeploymentID("Style", "graph")


def replicas(count: int) -> list[ReplicaID]:
    return [ReplicaID(str(number), STYLE) for number in range(count)]


def context(
    loads: list[dict[str, float]], *, target: int = 1, total: float = 0, queued: float = 0, state: dict[str, Any] | None = None,
    now: float = 1000.0, limits: tuple[int, int] = (1, 10),
) -> AutoscalingContext:  # fmt: skip
    running = replicas(max(target, len(loads)))
    names = {name for load in loads for name in load}
    raw = {
        name: {
            replica: [TimeStampedValue(now - 5, 99.0), TimeStampedValue(now, load[name])]
            for replica, load in zip(running, loads, strict=False)
        }
        for name in names
    }
    return AutoscalingContext(
        deployment_id=STYLE, deployment_name="Style", app_name="graph", current_num_replicas=target,
        target_num_replicas=target, running_replicas=running, total_num_requests=total, total_queued_requests=queued,
        aggregated_metrics={}, raw_metrics=raw, capacity_adjusted_min_replicas=limits[0],
        capacity_adjusted_max_replicas=limits[1], policy_state=state or {}, last_scale_up_time=None,
        last_scale_down_time=None, current_time=now, config=None,
    )  # fmt: skip


def test_the_newest_loads_of_all_replicas_and_the_queues_in_front_count_together() -> None:
    loads = [{"busy": 1.0, "waiting": 10, "service_s": 0.1, "queue_s": 2.0}] * 2
    # Two busy replicas, and (20 + 10) queries of 0.1 s that should wait a second at most.
    assert QueueTimePolicy(service_s=1.0)(context(loads, target=2, queued=10))[0] == 5


def test_a_deployment_that_reports_nothing_is_measured_by_its_requests_in_progress() -> None:
    policy = QueueTimePolicy(ongoing=32, service_s=0.01)
    assert policy(context([], total=128))[0] == 6, "four replicas' worth, at most 70 % busy"


def test_what_was_decided_before_is_remembered_between_calls() -> None:
    policy = QueueTimePolicy(service_s=0.1, hold_s=60)
    busy = [{"busy": 1.0, "waiting": 40.0, "service_s": 0.1}]
    wanted, state = policy(context(busy, now=0))
    assert wanted == 5
    idle = [{"busy": 0.0, "waiting": 0.0, "service_s": 0.0}]
    assert policy(context(idle, target=5, state=state, now=30))[0] == 5
    assert policy(context(idle, target=5, state=state, now=90))[0] == 1


def test_serve_s_own_limits_are_kept() -> None:
    busy = [{"busy": 1.0, "waiting": 1000.0, "service_s": 1.0}]
    assert QueueTimePolicy(service_s=0.1)(context(busy, limits=(1, 3)))[0] == 3


def test_an_impossible_rule_is_refused_when_the_config_is_read() -> None:
    with pytest.raises(ValueError, match="queue_s"):
        QueueTimePolicy(service_s=0.1, queue_s=0)


def test_serve_can_load_the_policy_of_every_deployment_by_its_name() -> None:
    scaled = {name: shape.scaling for name, shape in CLUSTER.items() if shape.scaling is not None}
    assert CLUSTER.keys() - scaled.keys() == {"Versions"}
    for scaling in scaled.values():
        policy = AutoscalingPolicy.model_validate(scaling.options()["policy"])
        assert policy.get_policy()(**policy.policy_kwargs)(context([]))[0] == 1
