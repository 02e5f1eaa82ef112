"""``serve_config.yaml`` really runs: as checked in, on a GPU by name only, with the models that are installed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from registry.store import FolderStore
from serve_app.deployed import await_running, state_of
from serve_app.selection import select
from serve_app.settings import ModelChoice

ROOT = Path(__file__).parents[3]
NEEDS = {
    "Moderation": "moderation",
    "Style": "style",
    "Faces": "faces",
    "Lookalike": "lookalike",
    "Swap": "swap",
    "Anonymize": "faces",
    "Authenticity": "authenticity",
}
ALWAYS = {"Gateway", "Versions"}


def installed_only(document: dict[str, Any], models: Path, data: Path) -> dict[str, Any]:
    """The file for this machine: no cores set aside, engines on the CPU, nothing whose model is not installed."""
    document = copy.deepcopy(document)
    (graph,) = [application for application in document["applications"] if application["name"] == "graph"]
    chosen = select(FolderStore(models), ModelChoice()).chosen
    graph["args"] |= {"models_dir": str(models), "data_dir": str(data), "environment": "development"}
    for limits in graph["args"]["engines"].values():
        limits["device"] = "cpu"
    graph["deployments"] = [
        deployment
        for deployment in graph["deployments"]
        if deployment["name"] in ALWAYS or NEEDS[deployment["name"]] in chosen
    ]
    for deployment in graph["deployments"]:
        deployment["ray_actor_options"]["num_cpus"] = 0
        deployment["graceful_shutdown_timeout_s"] = 1
        if scaling := deployment.get("autoscaling_config"):
            scaling["min_replicas"] = min(1, scaling["min_replicas"])
        deployment["graceful_shutdown_wait_loop_s"] = 0.05
    document["applications"] = [graph]
    del document["proxy_location"], document["http_options"]
    return document


@pytest.fixture(scope="module")
def deployed(local_serve: None, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    document = installed_only(document, models_dir, tmp_path_factory.mktemp("studio"))
    client = _get_global_client()
    client.deploy_apps(ServeDeploySchema.model_validate(document), _blocking=True)
    yield document
    serve.delete("graph")


def least(deployment: dict[str, Any]) -> int:
    """The replicas there are at any time."""
    scaling = deployment.get("autoscaling_config")
    return int(scaling["min_replicas"] if scaling else deployment["num_replicas"])


def test_every_deployment_of_the_file_runs_and_fractions_share_one_gpu(deployed: dict[str, Any]) -> None:
    application = serve.status().applications["graph"]
    assert application.status == "RUNNING", application.message
    wanted = {deployment["name"]: deployment for deployment in deployed["applications"][0]["deployments"]}
    assert application.deployments.keys() == wanted.keys()
    running = {name: sum(state.replica_states.values()) for name, state in application.deployments.items()}
    assert all(running[name] >= least(deployment) for name, deployment in wanted.items())
    share = sum(running[name] * deployment["ray_actor_options"]["num_gpus"] for name, deployment in wanted.items())
    free = ray.available_resources().get("GPU", 0.0)
    assert share == pytest.approx(1 - free, abs=1e-3)
    assert 0 < share <= 1


async def test_replicas_report_the_load_that_the_policy_reads(deployed: dict[str, Any]) -> None:
    handle = serve.get_deployment_handle("Moderation", "graph")
    reported = await handle.record_autoscaling_stats.remote()
    assert reported.keys() == {"busy", "waiting", "service_s", "queue_s"}


def test_the_short_word_on_an_application_is_what_serve_says_at_length(deployed: dict[str, Any]) -> None:
    await_running("graph")
    state, said = state_of("graph"), serve.status().applications["graph"]
    assert state is not None
    assert (state.status, state.message) == (said.status, said.message)
    assert {name: (one.status, one.message, dict(one.replicas)) for name, one in state.deployments.items()} == {
        name: (one.status, one.message, one.replica_states) for name, one in said.deployments.items()
    }


def test_an_application_nobody_deployed_has_no_state(deployed: dict[str, Any]) -> None:
    assert state_of("nobody") is None
