"""The Kubernetes files obey Kubernetes' own rules; the RayService has only the fields KubeRay knows."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ray._private.utils import check_version_info, compute_version_info

from serve_app.rendering.kuberay import LABELS, PORT, RAY_SECRET, SECRET
from serve_app.rendering.serving import serve_config
from serve_app.settings import Settings
from serve_app.telemetry.tracing import environment

FOLDER = Path(__file__).parents[4] / "deploy" / "kuberay"
RELEASE = "1.33"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Metadata(Strict):
    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    labels: dict[str, str]


class Group(Strict):
    """``ray.io/v1`` HeadGroupSpec; the pod template is held to Kubernetes' schema beside this."""

    rayStartParams: dict[str, str]
    template: dict[str, Any]


class WorkerGroup(Group):
    groupName: str = Field(pattern=r"^[a-z0-9-]+$")
    replicas: int = Field(ge=0)
    minReplicas: int = Field(ge=0)
    maxReplicas: int = Field(ge=1)
    priority: int = Field(ge=0, description="since KubeRay 1.7, for version 2 of the autoscaler")


class SecretKey(Strict):
    name: str
    key: str


class SecretKeyRef(Strict):
    secretKeyRef: SecretKey


class Credential(Strict):
    valueFrom: SecretKeyRef


class FaultTolerance(Strict):
    redisAddress: str = Field(pattern=r"^rediss?://[a-z0-9.-]+:\d+$")
    redisPassword: Credential
    externalStorageNamespace: None = Field(None, description="the operator's default is an id for each cluster")


class AutoscalerOptions(Strict):
    version: Literal["v1", "v2"]
    upscalingMode: Literal["Default", "Aggressive", "Conservative"]
    idleTimeoutSeconds: int = Field(ge=0)
    resources: dict[str, dict[str, str]]
    securityContext: dict[str, Any]


class AuthOptions(Strict):
    mode: Literal["token"]
    secretName: str


class RayCluster(Strict):
    rayVersion: str
    authOptions: AuthOptions
    gcsFaultToleranceOptions: FaultTolerance
    enableInTreeAutoscaling: Literal[True]
    autoscalerOptions: AutoscalerOptions
    headGroupSpec: Group
    workerGroupSpecs: list[WorkerGroup]


class UpgradeStrategy(Strict):
    type: Literal["NewCluster"]


class Spec(Strict):
    excludeHeadPodFromServeSvc: bool
    upgradeStrategy: UpgradeStrategy
    serveConfigV2: str
    rayClusterConfig: RayCluster


class RayService(Strict):
    apiVersion: Literal["ray.io/v1"]
    kind: Literal["RayService"]
    metadata: Metadata
    spec: Spec


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


@pytest.fixture
def service() -> dict[str, Any]:
    (document,) = documents("rayservice.yaml")
    return document


def pods(service: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = service["spec"]["rayClusterConfig"]
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


@pytest.mark.parametrize("name", ["redis.yaml", "storage.yaml", "protection.yaml", "models.yaml"])
def test_every_document_passes_kubernetes_schema(name: str) -> None:
    for document in documents(name):
        kubernetes_validate.validate(document, RELEASE, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    (claim,) = documents("storage.yaml")
    claim["spec"]["accessMode"] = ["ReadWriteMany"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(claim, RELEASE, strict=True)


def test_every_pod_of_the_cluster_passes_kubernetes_schema(service: dict[str, Any]) -> None:
    for template in pods(service):
        document = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "pod"}, "template": template}
        kubernetes_validate.validate(document, RELEASE, strict=True)


def test_the_service_has_only_fields_kuberay_knows(service: dict[str, Any]) -> None:
    RayService.model_validate(service)
    service["spec"]["rayClusterConfig"]["autoscalerOptions"]["idleTimeoutSecond"] = 5
    with pytest.raises(ValidationError, match="idleTimeoutSecond"):
        RayService.model_validate(service)


def test_the_service_serves_the_same_config_as_the_launcher(service: dict[str, Any]) -> None:
    assert yaml.safe_load(service["spec"]["serveConfigV2"]) == serve_config()


def test_each_gpu_pod_asks_for_one_gpu_and_the_head_for_none(service: dict[str, Any]) -> None:
    cluster = service["spec"]["rayClusterConfig"]
    for group in cluster["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        assert container["resources"]["limits"].get("nvidia.com/gpu", "0") == group["rayStartParams"]["num-gpus"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


@pytest.mark.parametrize(("python", "joins"), [("3.12.12", True), ("3.11.14", False)])
def test_pods_of_both_images_join_one_cluster(
    service: dict[str, Any], monkeypatch: pytest.MonkeyPatch, python: str, joins: bool
) -> None:
    # The GPU image has Ubuntu's Python, the head's image the newest of the same series.
    monkeypatch.setattr("sys.version_info", (3, 12, 3, "final", 0))
    head = {"ray_version": compute_version_info()[0], "python_version": python}
    for template in pods(service):
        (container,) = template["spec"]["containers"]
        for variable in container["env"]:
            if variable["name"].startswith("RAY_") and "value" in variable:
                monkeypatch.setenv(variable["name"], variable["value"])
        with nullcontext() if joins else pytest.raises(RuntimeError, match="Version mismatch"):
            check_version_info(head, "node 10.0.0.7")


def test_no_pod_runs_as_root_or_may_become_it(service: dict[str, Any]) -> None:
    for template in pods(service):
        assert template["spec"]["securityContext"]["runAsNonRoot"] is True
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_secrets_come_by_reference_and_from_the_two_named_secrets(service: dict[str, Any]) -> None:
    text = (FOLDER / "rayservice.yaml").read_text() + (FOLDER / "redis.yaml").read_text()
    assert "kind: Secret" not in text
    for template in pods(service):
        for variable in template["spec"]["containers"][0]["env"]:
            if "KEY" in variable["name"] or "TOKEN" in variable["name"] or "SECRET" in variable["name"]:
                assert variable["valueFrom"]["secretKeyRef"]["name"] == SECRET
    assert service["spec"]["rayClusterConfig"]["authOptions"] == {"mode": "token", "secretName": RAY_SECRET}


def test_traces_are_what_the_secret_says_and_none_where_it_says_nothing(service: dict[str, Any]) -> None:
    wanted = {*environment(Settings(traces="otlp")), "OTEL_EXPORTER_OTLP_ENDPOINT"}
    for template in pods(service):
        named = {entry["name"]: entry for entry in template["spec"]["containers"][0]["env"]}
        assert wanted <= named.keys()
        assert all(named[name]["valueFrom"]["secretKeyRef"]["optional"] for name in wanted)


def test_the_head_names_the_ports_that_the_operator_makes_its_services_of(service: dict[str, Any]) -> None:
    # KubeRay's defaults hold only where a head names no port at all.
    (container,) = service["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["containers"]
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert named == {"gcs-server": 6379, "dashboard": 8265, "metrics": 8080, "serve": PORT}


def test_metrics_of_the_head_can_be_scraped_too() -> None:
    # Serve's controller, which runs there, exports what half of the alerts look at.
    (policy,) = [one for one in documents("protection.yaml") if one["metadata"]["name"] == "masquerade-metrics"]
    assert policy["spec"]["podSelector"]["matchLabels"] == LABELS


def test_strangers_reach_the_studio_through_the_ingress_and_nothing_of_ray() -> None:
    policies = [document for document in documents("protection.yaml") if document["kind"] == "NetworkPolicy"]
    opened = [
        (sorted(source), port["port"])
        for policy in policies
        for rule in policy["spec"]["ingress"]
        for source in rule["from"]
        for port in rule.get("ports", [{"port": "any"}])
        if "namespaceSelector" in source and "podSelector" not in source
    ]
    assert sorted(port for _, port in opened) == [PORT, 8080]


def test_the_budget_covers_the_pods_that_serve(service: dict[str, Any]) -> None:
    (budget,) = [document for document in documents("protection.yaml") if document["kind"] == "PodDisruptionBudget"]
    # Of pods whose owner has no scale (a RayCluster), Kubernetes takes a whole number, and that as a minimum, only.
    assert "maxUnavailable" not in budget["spec"]
    least = sum(group["minReplicas"] for group in service["spec"]["rayClusterConfig"]["workerGroupSpecs"])
    assert 0 < budget["spec"]["minAvailable"] < least
    # The operator adds ray.io/node-type to the labels of every pod.
    wanted = budget["spec"]["selector"]["matchLabels"] | {}
    assert wanted.pop("ray.io/node-type") == "worker"
    assert all(wanted.items() <= template["metadata"]["labels"].items() for template in pods(service))


def test_the_kustomization_names_every_file() -> None:
    (document,) = documents("kustomization.yaml")
    # The models come first, and once.
    assert {*document["resources"], "kustomization.yaml", "models.yaml"} == {path.name for path in FOLDER.iterdir()}


def test_models_are_pulled_to_where_every_pod_looks_for_them(service: dict[str, Any]) -> None:
    (job,) = documents("models.yaml")
    pulling = job["spec"]["template"]["spec"]
    for pod in (template["spec"] for template in pods(service)):
        assert pulling["securityContext"] == pod["securityContext"], "files of another user could not be read"
        assert pulling["volumes"][0] in pod["volumes"]
        assert pulling["containers"][0]["env"][0] in pod["containers"][0]["env"]
        assert pulling["containers"][0]["volumeMounts"][0] in pod["containers"][0]["volumeMounts"]
