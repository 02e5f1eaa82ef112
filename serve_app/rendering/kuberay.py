"""``deploy/kuberay/``: the same cluster on Kubernetes, by the KubeRay operator."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import yaml

from serve_app.fleet import IDLE_MINUTES, WORKERS, NodeType
from serve_app.rendering.flags import (
    BOT_VARIABLES,
    CLUSTER_FLAGS,
    DATA_DIR,
    IMAGE,
    METRICS_PORT,
    MODELS_DIR,
    OBJECTS,
    PORT,
    SECRET_VARIABLES,
    TRACES,
)
from serve_app.rendering.image import USER_ID
from serve_app.rendering.serving import serve_config

HEADER = """\
Masquerade on Kubernetes (1.29 or newer) with the KubeRay operator 1.7 or newer. Written by `masquerade render`.
First push the two images that the head of deploy/Dockerfile builds to where your nodes pull from, name that place in IMAGE
(serve_app/rendering/flags.py) and render. Spot nodes are expected to carry the label masquerade/market=spot and the taint
masquerade/market=spot:NoSchedule; Ray asks for them before it asks for GPUs on demand.
  kubectl create namespace masquerade
  kubectl -n masquerade create secret generic masquerade --from-env-file=secrets.env
  kubectl -n masquerade create secret generic masquerade-ray --from-literal=auth_token="$(openssl rand -hex 32)"
  kubectl -n masquerade apply -f deploy/kuberay/storage.yaml -f deploy/kuberay/models.yaml
  kubectl -n masquerade wait --for=condition=complete --timeout=30m job/masquerade-models
  masquerade check deploy/kuberay/rayservice.yaml && kubectl apply -k deploy/kuberay
secrets.env (never checked in): MASQUERADE_ADMIN_KEY, MASQUERADE_DATABASE_URL, REDIS_PASSWORD and the bot's
MASQUERADE_BOT_TOKEN, MASQUERADE_BOT_WEBHOOK_URL, MASQUERADE_BOT_WEBHOOK_SECRET, MASQUERADE_BOT_REDIS_URL. For photos
and results in a bucket rather than on the shared file system also MASQUERADE_OBJECTS_URL=s3://bucket/prefix and, unless
the nodes have a role for it, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_ENDPOINT_URL_S3 where it is not AWS).
For traces, the variables that docs/operations.md names."""
SERVICE_HEADER = """\
The RayService: serveConfigV2 is serve_config.yaml, the cluster is the same fleet as cluster.yaml's. A change of
serveConfigV2 alone is applied in place; a change of the cluster starts a new one beside the old and moves over."""
REDIS_HEADER = """\
Redis for the fault tolerance of Ray's GCS: the head may be lost and come back while replicas keep answering. One pod
with a disk; use your provider's Redis instead where you have one (gcsFaultToleranceOptions.redisAddress)."""
MODELS_HEADER = """\
Puts the starter models and the sample gallery on the shared file system, once, before the cluster starts: the graph has
nothing to serve without them. What is there already stays."""
STORAGE_HEADER = """\
Models and photos, read and written by every node: a storage class that offers ReadWriteMany (EFS, Filestore, NFS)."""
PROTECTION_HEADER = """\
What keeps strangers out and replicas up: only the ingress controller reaches the studio, nobody outside reaches Ray,
and however many nodes are drained, workers are left."""

NAME = "masquerade"
SECRET = "masquerade"  # noqa: S105 - names of Secrets, not secrets
RAY_SECRET = "masquerade-ray"  # noqa: S105
CLAIM = "masquerade-shared"
REDIS = "masquerade-redis"
REDIS_PORT = 6379
LABELS = {"app.kubernetes.io/part-of": NAME}


def kustomization() -> dict[str, Any]:
    """What ``kubectl apply -k`` takes together."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAME,
        "resources": ["storage.yaml", "redis.yaml", "protection.yaml", "rayservice.yaml"],
    }


def ray_service() -> dict[str, Any]:
    """The RayService custom resource."""
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": NAME, "labels": LABELS},
        "spec": {
            "excludeHeadPodFromServeSvc": True,
            "upgradeStrategy": {"type": "NewCluster"},
            "serveConfigV2": yaml.safe_dump(serve_config(), sort_keys=False, width=120),
            "rayClusterConfig": {
                "rayVersion": version("ray"),
                "authOptions": {"mode": "token", "secretName": RAY_SECRET},
                # Without a namespace of its own the operator takes the cluster's id: during an upgrade there are two.
                "gcsFaultToleranceOptions": {
                    "redisAddress": f"redis://{REDIS}:{REDIS_PORT}",
                    "redisPassword": {"valueFrom": {"secretKeyRef": {"name": SECRET, "key": "REDIS_PASSWORD"}}},
                },
                "enableInTreeAutoscaling": True,
                "autoscalerOptions": {
                    "version": "v2",
                    "upscalingMode": "Default",
                    "idleTimeoutSeconds": IDLE_MINUTES * 60,
                    "resources": _resources("500m", "1Gi"),
                    "securityContext": _CONTAINER_SECURITY,
                },
                "headGroupSpec": {
                    # No CPUs, so no replica is ever placed here; the dashboard is only forwarded to.
                    "rayStartParams": {"num-cpus": "0", "dashboard-host": "0.0.0.0"},  # noqa: S104 - see protection.yaml
                    "template": _pod("head", "cpu", _resources("2", "8Gi"), gpus=0),
                },
                "workerGroupSpecs": [_group(kind) for kind in WORKERS],
            },
        },
    }


def redis() -> list[dict[str, Any]]:
    """A Redis with a disk and a password, and its address."""
    labels = {**LABELS, "app.kubernetes.io/name": REDIS}
    ping = {"exec": {"command": ["sh", "-c", 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli ping | grep -q PONG']}}
    container = {
        "name": "redis",
        "image": "redis:8-alpine",
        "command": ["sh", "-c", 'exec redis-server --appendonly yes --dir /data --requirepass "$REDIS_PASSWORD"'],
        "env": [_secret("REDIS_PASSWORD")],
        "ports": [{"name": "redis", "containerPort": REDIS_PORT}],
        "readinessProbe": {**ping, "periodSeconds": 5},
        "livenessProbe": {**ping, "periodSeconds": 10, "failureThreshold": 6},
        "resources": _resources("250m", "512Mi"),
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": REDIS, "labels": labels},
            "spec": {
                "selector": {"app.kubernetes.io/name": REDIS},
                "ports": [{"name": "redis", "port": REDIS_PORT, "targetPort": "redis"}],
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": REDIS, "labels": labels},
            "spec": {
                "serviceName": REDIS,
                "replicas": 1,
                "selector": {"matchLabels": {"app.kubernetes.io/name": REDIS}},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "automountServiceAccountToken": False,
                        "securityContext": {"runAsNonRoot": True, "runAsUser": 999, "runAsGroup": 999, "fsGroup": 999},
                        "containers": [container],
                    },
                },
                "volumeClaimTemplates": [
                    {
                        "metadata": {"name": "data"},
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
                    }
                ],
            },
        },
    ]


def storage() -> dict[str, Any]:
    """The shared file system."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM, "labels": LABELS},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "100Gi"}}},
    }


def models() -> dict[str, Any]:
    """The job that pulls the starter models."""
    container = {
        "name": "pull",
        "image": f"{IMAGE}:cpu",
        "command": ["masquerade", "models", "pull", "--starter"],
        "env": [{"name": "MASQUERADE_MODELS_DIR", "value": MODELS_DIR}],
        "resources": _resources("2", "4Gi"),
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [{"name": "shared", "mountPath": "/srv/masquerade"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "restartPolicy": "OnFailure",
        "securityContext": _USER,
        "containers": [container],
        "volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{NAME}-models", "labels": LABELS},
        "spec": {"backoffLimit": 4, "template": {"metadata": {"labels": LABELS}, "spec": pod}},
    }


def protection() -> list[dict[str, Any]]:
    """Disruption budget and network policies."""
    workers = {"matchLabels": {**LABELS, "ray.io/node-type": "worker"}}
    everyone = {"matchLabels": LABELS}
    operator = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "kuberay-operator"}}, "namespaceSelector": {}}
    ingress = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": f"{NAME}-workers", "labels": LABELS},
            # No maxUnavailable: a RayCluster tells nobody how many pods it wants, and then no pod could be evicted at all.
            "spec": {"minAvailable": sum(kind.min_workers for kind in WORKERS) - 1, "selector": workers},
        },
        _policy("closed", everyone, {"podSelector": everyone}),
        _policy("studio", workers, ingress, PORT),
        # The head as well: Serve's controller and Ray's autoscaler tell there what alerts ask for.
        _policy("metrics", everyone, monitoring, METRICS_PORT),
        # The operator talks to the head's dashboard and probes the proxies.
        _policy("operator", everyone, operator, 8265, PORT),
    ]


def _policy(name: str, pods: dict[str, Any], source: dict[str, Any], *ports: int) -> dict[str, Any]:
    """Lets ``source`` reach these ports of ``pods``, or without ports all of them; what no policy lets in stays out."""
    rule: dict[str, Any] = {"from": [source]}
    if ports:
        rule["ports"] = [{"port": port, "protocol": "TCP"} for port in ports]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{NAME}-{name}", "labels": LABELS},
        "spec": {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": [rule]},
    }


# Label and taint of spot nodes: what tolerates the taint would by itself go to nodes on demand as well.
_MARKET = "masquerade/market"
# The operator makes its services of the ports that the head names, and makes none for requests without one called "serve".
_PORTS = {
    "head": {"gcs-server": 6379, "dashboard": 8265, "metrics": METRICS_PORT, "serve": PORT},
    "worker": {"metrics": METRICS_PORT, "serve": PORT},
}
_USER = {"runAsNonRoot": True, "runAsUser": USER_ID, "runAsGroup": USER_ID, "fsGroup": USER_ID}
_CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _group(kind: NodeType) -> dict[str, Any]:
    # What the machine has, less what the kubelet and its daemons take.
    resources = _resources(str(kind.cpus - 1), f"{kind.memory_gb - 3}Gi")
    return {
        "groupName": kind.name,
        "replicas": kind.min_workers,
        "minReplicas": kind.min_workers,
        "maxReplicas": kind.max_workers,
        "priority": kind.priority,
        "rayStartParams": {"num-cpus": str(kind.cpus), "num-gpus": str(kind.gpus)},
        "template": _pod("worker", "gpu" if kind.gpus else "cpu", resources, kind.gpus, kind),
    }


def _pod(role: str, target: str, resources: dict[str, Any], gpus: int, kind: NodeType | None = None) -> dict[str, Any]:
    if gpus:
        for part in resources.values():
            part["nvidia.com/gpu"] = str(gpus)
    container: dict[str, Any] = {
        "name": f"ray-{role}",
        "image": f"{IMAGE}:{target}",
        "env": [
            *({"name": name, "value": value} for name, value in CLUSTER_FLAGS.items() if name != "RAY_AUTH_MODE"),
            *(_secret(name) for name in SECRET_VARIABLES),
            *(_secret(name, optional=True) for name in (*BOT_VARIABLES, *OBJECTS, *TRACES)),
            {"name": "MASQUERADE_MODELS_DIR", "value": MODELS_DIR},
            {"name": "MASQUERADE_DATA_DIR", "value": DATA_DIR},
        ],
        "ports": [{"name": name, "containerPort": port} for name, port in _PORTS[role].items()],
        "resources": resources,
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "shared", "mountPath": "/srv/masquerade"},
            {"name": "memory", "mountPath": "/dev/shm"},  # noqa: S108 - where Ray keeps its object store
        ],
    }
    if role == "worker":
        # In flight requests end before the pod does: Serve's proxy drains as soon as it fails its readiness.
        container["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "15"]}}}
        container["readinessProbe"] = {
            "httpGet": {"path": "/-/healthz", "port": PORT},
            "periodSeconds": 2,
            "failureThreshold": 2,
        }
    spec: dict[str, Any] = {
        "automountServiceAccountToken": role == "head",
        "terminationGracePeriodSeconds": 60,
        "securityContext": _USER,
        "containers": [container],
        "volumes": [
            {"name": "shared", "persistentVolumeClaim": {"claimName": CLAIM}},
            {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}},
        ],
    }
    if kind is not None and gpus:
        spec["nodeSelector"] = {"node.kubernetes.io/instance-type": kind.instance}
        spec["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
        if kind.market == "spot":
            spec["nodeSelector"][_MARKET] = kind.market
            spec["tolerations"].append(
                {"key": _MARKET, "operator": "Equal", "value": kind.market, "effect": "NoSchedule"}
            )
    return {"metadata": {"labels": {**LABELS, **(kind.labels if kind else {"role": "head"})}}, "spec": spec}


def _resources(cpu: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}


def _secret(name: str, *, optional: bool = False) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": SECRET, "key": name}
    if optional:
        reference["optional"] = True
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}
