"""``cluster.yaml``: virtual machines by the Ray cluster launcher."""

from __future__ import annotations

from typing import Any

from serve_app.fleet import HEAD, IDLE_MINUTES, WORKERS, NodeType
from serve_app.rendering.flags import CLUSTER_FLAGS, DATA_DIR, GCS_NAMESPACE, MODELS_DIR

HEADER = """\
Masquerade on AWS by the Ray cluster launcher. Written by `masquerade render`.
  masquerade check cluster.yaml && ray up cluster.yaml
  ray exec cluster.yaml 'cd ~/masquerade && MASQUERADE_MODELS_DIR=/srv/masquerade/models .venv/bin/masquerade models pull --starter'
  ray exec cluster.yaml 'cd ~/masquerade && .venv/bin/serve deploy serve_config.yaml'
Before the first `ray up` on your machine: `ray get-auth-token --generate`, and ~/.masquerade/cluster.env (mode 600) with
MASQUERADE_ADMIN_KEY, MASQUERADE_DATABASE_URL, RAY_REDIS_ADDRESS, RAY_REDIS_PASSWORD and the bot's MASQUERADE_BOT_*; or, for
secrets that may have to change while Ray runs, MASQUERADE_ADMIN_KEY_FILE and so on: paths that every node reads.
Both go to every node. RAY_REDIS_ADDRESS names a Redis outside the cluster: with it the head may die and come back while
replicas keep answering. The dashboard listens on the head's loopback only: `ray dashboard cluster.yaml` forwards it.
/srv/masquerade is the shared file system models and photos lie on (EFS, FSx or NFS: set NFS_SERVER in cluster.env).
For photos and results in a bucket put MASQUERADE_OBJECTS_URL=s3://bucket/prefix into cluster.env, and keys for it unless the
machines' role opens it: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
The machine image is looked up in AWS's parameter store whenever a machine starts: you and the role ray-autoscaler-v1, which
`ray up` makes for the head, need ssm:GetParameters (policy AmazonSSMReadOnlyAccess), or put an image's id in its place."""

HOME = "~/masquerade"
RAY = f"{HOME}/.venv/bin/ray"
SECRETS_FILE = "~/.masquerade/cluster.env"
SHARED = "/srv/masquerade"
MOUNT = f'sudo mount -t nfs4 -o nfsvers=4.1,hard "${{NFS_SERVER:?set NFS_SERVER in {SECRETS_FILE}}}":/ {SHARED}'
# Ubuntu 24.04 with NVIDIA's driver. Not Ray's `latest_dlami`: that is Ubuntu 18.04, too old for Python 3.11 and CUDA 13.
MACHINE_IMAGE = "resolve:ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
# What `ray exec` and `ray attach` find: Ray's and Serve's commands, which show the cluster's token only when told to.
PROFILE = f"export RAY_AUTH_MODE=token PATH=$PATH:{HOME}/.venv/bin"
TOKEN = "~/.ray/auth_token"  # noqa: S105 - the file's place


def cluster() -> dict[str, Any]:
    """The document ``ray up`` takes."""
    return {
        "cluster_name": "masquerade",
        "max_workers": sum(kind.max_workers for kind in WORKERS),
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": IDLE_MINUTES,
        "provider": {
            "type": "aws",
            "region": "eu-central-1",
            "cache_stopped_nodes": False,
            "security_group": {"GroupName": "masquerade-ray"},
        },
        "auth": {"ssh_user": "ubuntu"},
        "available_node_types": {
            # Ray's head and Serve's controller, no requests: without CPUs no replica is ever placed here.
            HEAD.name: {
                "resources": {"CPU": 0},
                "labels": {"role": "head"},
                "node_config": _machine(HEAD),
            },
            **{kind.name: _worker(kind) for kind in WORKERS},
        },
        "head_node_type": HEAD.name,
        "file_mounts": {HOME: ".", TOKEN: TOKEN, SECRETS_FILE: SECRETS_FILE},
        "rsync_exclude": [".venv", ".git", "var", "demo-output", "reports"],
        "setup_commands": [
            f"chmod 600 {TOKEN} {SECRETS_FILE}",
            f"grep -qxF '{PROFILE}' ~/.bashrc || echo '{PROFILE}' >> ~/.bashrc",
            "sudo apt-get -q update && sudo apt-get -q -y -o DPkg::Lock::Timeout=300 install nfs-common python3-venv",
            f". {SECRETS_FILE} && sudo mkdir -p {SHARED} && (mountpoint -q {SHARED} || {MOUNT})",
            # A new file system belongs to root.
            f'sudo install -d -o "$(id -u)" -g "$(id -g)" {MODELS_DIR} {DATA_DIR}',
            # The locked versions, hashes checked; a second run with the same lock does nothing.
            f"cd {HOME} && sh deploy/install.sh gpu",
        ],
        "head_start_ray_commands": [
            f"{RAY} stop",
            _start(
                '--head --port=6379 --num-cpus=0 --dashboard-host=127.0.0.1 --redis-password="$RAY_REDIS_PASSWORD" '
                "--autoscaling-config=~/ray_bootstrap_config.yaml",
                RAY_external_storage_namespace=GCS_NAMESPACE,
            ),
        ],
        "worker_start_ray_commands": [f"{RAY} stop", _start("--address=$RAY_HEAD_IP:6379")],
    }


def _worker(kind: NodeType) -> dict[str, Any]:
    resources = {"CPU": kind.cpus} | ({"GPU": kind.gpus} if kind.gpus else {})
    return {
        "min_workers": kind.min_workers,
        "max_workers": kind.max_workers,
        "resources": resources,
        "labels": kind.labels,
        "priority": kind.priority,
        "node_config": _machine(kind),
    }


def _machine(kind: NodeType) -> dict[str, Any]:
    machine: dict[str, Any] = {
        "InstanceType": kind.instance,
        "ImageId": MACHINE_IMAGE,
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 120, "VolumeType": "gp3"}}],
        # Version 2 of the metadata service only: a forged request from a replica cannot fetch the machine's role.
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    }
    if kind.market == "spot":
        machine["InstanceMarketOptions"] = {"MarketType": "spot"}
    return machine


def _start(options: str, **more: str) -> str:
    flags = " ".join(f"{name}={value}" for name, value in {**CLUSTER_FLAGS, **more}.items())
    return f"cd {HOME} && set -a && . {SECRETS_FILE} && set +a && {flags} {RAY} start {options}"
