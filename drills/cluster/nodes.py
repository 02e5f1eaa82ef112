"""A Ray cluster whose autoscaler starts and stops nodes on this machine, beside any other Ray that runs here.

``ray.cluster_utils.AutoscalingCluster`` does the same with Ray's node provider for fake nodes, but it begins and ends
with ``ray stop --force``, which kills every Ray on the machine, and the published wheel lacks the file it starts from.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.ports import free_port

HEAD = "ray.head.default"
COMMANDS = (
    "initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands",
    "head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files", "rsync_exclude", "rsync_filter",
)  # fmt: skip


@contextmanager
def autoscaling_cluster(
    node_types: Mapping[str, dict[str, Any]], flags: Mapping[str, str], *, idle_s: float
) -> Iterator[str]:
    """Start a head without resources and an autoscaler that knows ``node_types``; yields the address.

    ``node_types`` are those of the cluster launcher (resources, min_workers, max_workers). Everything the cluster
    started is ended on the way out, and nothing else.
    """
    folder = Path(tempfile.mkdtemp(prefix="fleet-", dir="/tmp"))
    port = free_port()
    config = {
        "cluster_name": "fleet",
        "max_workers": sum(kind["max_workers"] for kind in node_types.values()),
        "provider": {
            "type": "fake_multinode",
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
            "gcs_address": f"127.0.0.1:{port}",
        },
        "available_node_types": {
            HEAD: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            **{name: {"node_config": {}, **kind} for name, kind in node_types.items()},
        },
        "head_node_type": HEAD,
        "auth": {},
        "upscaling_speed": 10.0,
        "idle_timeout_minutes": idle_s / 60,
        **{key: {} for key in ("docker", "file_mounts")},
        **{key: [] for key in COMMANDS},
        "file_mounts_sync_continuously": False,
    }
    (folder / "cluster.json").write_text(json.dumps(config))
    environment = {**os.environ, **flags, "RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    command = [
        str(Path(sys.executable).with_name("ray")), "start", "--head", f"--autoscaling-config={folder / 'cluster.json'}",
        "--node-ip-address=127.0.0.1", f"--port={port}", f"--ray-client-server-port={free_port()}", "--num-cpus=0",
        "--include-dashboard=false", f"--temp-dir={folder}", "--object-store-memory=200000000", "--disable-usage-stats",
    ]  # fmt: skip
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
        yield f"127.0.0.1:{port}"
    finally:
        _end(folder, port)
        shutil.rmtree(folder, ignore_errors=True)


def _end(folder: Path, port: int) -> None:
    """End the processes that name this cluster's folder or address; workers go with their raylets."""
    mine: list[psutil.Process] = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if process.pid != os.getpid() and (
            f"{folder}/" in line or f"={folder} " in line or f"127.0.0.1:{port}" in line
        ):
            mine.append(process)
    for process in mine:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(mine, timeout=20)
