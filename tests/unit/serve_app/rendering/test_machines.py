"""Ray's autoscaler starts the machines that the cost plan reckons with, from either of the files it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _node_type_from_group_spec
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
from ray.autoscaler.v2.utils import ResourceRequestUtil

from serve_app.fleet import WORKERS
from serve_app.simulation.machines import Fleet
from serve_app.topology import CLUSTER

ROOT = Path(__file__).parents[4]
SHARE = CLUSTER["Style"].gpu


def launcher() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return document


def kubernetes() -> dict[str, Any]:
    """The same groups as the launcher's file would name them, read by Ray's own reader."""
    service = yaml.safe_load((ROOT / "deploy/kuberay/rayservice.yaml").read_text())
    groups = service["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    document = launcher()
    types = {group["groupName"]: _node_type_from_group_spec(group, is_head=False) for group in groups}
    return document | {
        "available_node_types": {document["head_node_type"]: {"resources": {}, "node_config": {}}, **types}
    }


@pytest.mark.parametrize("replicas", [3, 5, 10, 20])
@pytest.mark.parametrize("read", [launcher, kubernetes])
def test_gpus_are_started_in_the_order_the_simulator_pays_for_them(read: Any, replicas: int) -> None:
    config = AutoscalingConfig(read(), skip_content_hash=True)
    wanted = [ResourceRequestUtil.make({"CPU": 1, "GPU": SHARE})] * replicas
    started = ResourceDemandScheduler(Mock()).schedule(
        SchedulingRequest(
            disable_launch_config_check=True,
            node_type_configs=config.get_node_type_configs(),
            max_num_nodes=config.get_max_num_nodes(),
            resource_requests=ResourceRequestUtil.group_by_count(wanted),
        )
    )
    planned = Fleet(list(WORKERS))
    for _ in range(replicas):
        planned.place(1, SHARE, now=0.0)
    assert {launch.instance_type: launch.count for launch in started.to_launch} == {
        name: count for name, count in planned.count().items() if count
    }


def test_on_kubernetes_a_spot_machine_is_one() -> None:
    service = yaml.safe_load((ROOT / "deploy/kuberay/rayservice.yaml").read_text())
    for group in service["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        pod = group["template"]["spec"]
        tolerated = {one["key"]: one.get("value") for one in pod.get("tolerations", ())}
        market = group["template"]["metadata"]["labels"]["market"]
        wanted = "spot" if market == "spot" else None
        assert tolerated.get("masquerade/market") == wanted
        assert pod.get("nodeSelector", {}).get("masquerade/market") == wanted
