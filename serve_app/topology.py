"""How many replicas of each deployment run, and on how much of a machine: one table per profile.

``build`` applies it in code; ``render`` writes the cluster's table as ``serve_config.yaml``, whose values operators may
change without touching code. GPU fractions of the deployments that share a one-GPU node add up to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deployments.runtime import Device
from serve_app.scaling.policy import Rule
from serve_app.settings import EngineLimits, Profile

GRAPH = "graph"
"""What the Serve application is called."""

GATEWAY = "Gateway"
"""The deployment that answers HTTP."""

IMPORT_PATH = "serve_app.app:app"
"""Where Serve finds its builder."""

CONTEXT_SHARE = 0.1
GPU_MEMORY_MB = 24 * 1024  # the one-GPU worker type of cluster.yaml (A10G/L4 class)

POLICY = "serve_app.scaling.adapter:QueueTimePolicy"


@dataclass(frozen=True, slots=True)
class Scaling(Rule):
    """The rule that :mod:`serve_app.scaling.policy` holds the deployment to.

    ``target`` is the number of requests one replica should have in hand, which decides where no work is reported.
    """

    target: float = 1.0

    def options(self) -> dict[str, Any]:
        """``autoscaling_config``. The policy holds and waits by itself, so Serve's own delays are nought."""
        rule = {name: getattr(self, name) for name in ("service_s", "queue_s", "utilisation", "hold_s", "idle_s")}
        return {
            "min_replicas": self.min_replicas,
            "max_replicas": self.max_replicas,
            "target_ongoing_requests": self.target,
            "upscale_delay_s": 0.0,
            "downscale_delay_s": 0.0,
            # How often loads are told. Ray calls this field deprecated, but the variables it names instead do nothing yet.
            "metrics_interval_s": 1.0,
            # A peak is seen at once; what comes after it is the policy's memory.
            "look_back_period_s": 12.0,
            "aggregation_function": "max",
            "policy": {"policy_function": POLICY, "policy_kwargs": {"ongoing": self.target, **rule}},
        }


@dataclass(frozen=True, slots=True)
class Shape:
    """One deployment's share and limits. ``gpu`` is a fraction of one GPU and, times its memory, what models must fit in.

    ``replicas`` is their number where it is not to follow the load.
    """

    cpu: float
    gpu: float = 0.0
    max_batch: int = 1
    max_ongoing: int = 16
    max_queued: int = 64
    scaling: Scaling | None = None
    health_period_s: float = 1.0
    health_timeout_s: float = 10.0
    graceful_timeout_s: float = 20.0
    graceful_wait_loop_s: float = 2.0
    surge_percent: int = 0
    device: Device | None = None
    gpu_memory_mb: int | None = None
    replicas: int | None = None

    @property
    def processor(self) -> Device:
        """What the engine runs on: a GPU where it has a share of one, unless it was told otherwise."""
        return self.device or ("cuda" if self.gpu else "cpu")

    @property
    def may_rest(self) -> bool:
        """Whether there may be no replica while nobody asks for one."""
        return self.replicas is None and self.scaling is not None and self.scaling.min_replicas == 0

    @property
    def memory_mb(self) -> int:
        """GPU memory the engine's models must fit in: its fraction of the card, less a tenth for the driver's context."""
        if self.gpu_memory_mb is not None:
            return self.gpu_memory_mb
        return int(self.gpu * GPU_MEMORY_MB * (1 - CONTEXT_SHARE))

    def options(self) -> dict[str, Any]:
        """Keyword arguments of ``Deployment.options``; the same keys stand in Serve's config file."""
        options: dict[str, Any] = {
            "max_ongoing_requests": self.max_ongoing,
            "max_queued_requests": self.max_queued,
            "health_check_period_s": self.health_period_s,
            "health_check_timeout_s": self.health_timeout_s,
            "graceful_shutdown_timeout_s": self.graceful_timeout_s,
            "graceful_shutdown_wait_loop_s": self.graceful_wait_loop_s,
            "max_surge_percent": self.surge_percent,
            "ray_actor_options": {"num_cpus": self.cpu, "num_gpus": self.gpu},
        }
        if self.max_queued >= 0:
            options["backpressure_config"] = {"status_code": 429, "retry_after_s": 2.0}
        if self.scaling is None or self.replicas is not None:
            options["num_replicas"] = self.replicas or 1
        else:
            options["autoscaling_config"] = self.scaling.options()
        return options


Topology = Mapping[str, Shape]
"""All deployments of the graph by name."""


def limited(topology: Topology, limits: Mapping[str, EngineLimits]) -> Topology:
    """``topology`` with what an operator set otherwise.

    Raises ``ValueError`` for a deployment there is none of, or that cannot be several.
    """
    unknown = sorted(limits.keys() - topology.keys())
    if unknown:
        raise ValueError(f"engines: there is no deployment called {unknown[0]}; there are {', '.join(topology)}")
    if "Versions" in limits and (limits["Versions"].replicas or 1) > 1:
        raise ValueError("engines: there is one Versions; two would undo each other's steps")
    return {
        name: replace(shape, **limits[name].model_dump(exclude_none=True)) if name in limits else shape
        for name, shape in topology.items()
    }


# A picture takes minutes, in calls of seconds each, and only as a job: one replica will do, and others may wait longer.
_MASTERPIECE = Scaling(0, 1, 8.0, target=1, queue_s=120.0)

# A laptop: every deployment may use the cores while the others are idle, so none reserves any, and Ctrl-C is obeyed
# at once. A replica takes what comes and refuses by time (``deployments.serving.batching``); few wait before it.
_LAPTOP = Shape(cpu=0, max_batch=4, max_ongoing=64, max_queued=16, graceful_timeout_s=3.0, graceful_wait_loop_s=0.1)
EMBEDDED: Topology = {
    "Gateway": replace(_LAPTOP, max_queued=512),
    "Moderation": replace(_LAPTOP, max_batch=8),
    "Style": _LAPTOP,
    "Faces": _LAPTOP,
    "Lookalike": replace(_LAPTOP, max_batch=32),
    "Swap": _LAPTOP,
    "Anonymize": _LAPTOP,
    "Authenticity": _LAPTOP,
    "Masterpiece": replace(_LAPTOP, max_batch=1, max_ongoing=1, scaling=_MASTERPIECE),
    "Versions": _LAPTOP,
}

# New code starts beside the old before the old stops: no request waits for a model to load, at up to twice the share
# of a GPU for the minute that takes.
_CLUSTER = Shape(cpu=1, surge_percent=100)
CLUSTER: Topology = {
    "Gateway": replace(_CLUSTER, max_ongoing=128, max_queued=512, scaling=Scaling(2, 16, 0.01, target=32)),
    "Moderation": replace(
        _CLUSTER, gpu=0.2, max_batch=32, max_ongoing=64, max_queued=256, scaling=Scaling(1, 8, 0.01, target=32)
    ),
    "Style": replace(_CLUSTER, gpu=0.4, max_batch=8, max_ongoing=32, scaling=Scaling(1, 16, 0.06, target=12)),
    "Faces": replace(_CLUSTER, gpu=0.2, max_batch=16, max_ongoing=48, scaling=Scaling(1, 8, 0.03, target=16)),
    "Lookalike": replace(_CLUSTER, max_batch=64, max_ongoing=64, scaling=Scaling(1, 4, 0.01, target=32)),
    "Swap": replace(_CLUSTER, gpu=0.2, max_batch=16, max_ongoing=32, scaling=Scaling(0, 8, 0.1, target=8)),
    "Anonymize": replace(_CLUSTER, scaling=Scaling(0, 4, 0.1, target=4)),
    "Authenticity": replace(_CLUSTER, max_batch=8, scaling=Scaling(0, 4, 0.1, target=8)),
    # On processors, where no GPU work stands in line behind it; at rest there is none.
    "Masterpiece": replace(_CLUSTER, surge_percent=0, max_ongoing=1, scaling=replace(_MASTERPIECE, max_replicas=2)),
    # One, always: two would undo each other's steps.
    "Versions": Shape(cpu=0.2),
}

# No studio comes with a model for these: rendered files leave them out.
TO_ORDER = frozenset({"Masterpiece"})

# The bot is an application of its own beside the graph's: webhook replicas, whose shutdown gives what is in hand time to
# be delivered. While it polls it has one replica, whatever is said here: Telegram allows one poller for a bot.
BOT_ROUTE = "/telegram"
_WEBHOOK = Shape(cpu=1, max_ongoing=64, max_queued=256, scaling=Scaling(2, 8, 0.05, target=32), graceful_timeout_s=30.0)
BOT: dict[Profile, Shape] = {
    "embedded": replace(_WEBHOOK, cpu=0, scaling=Scaling(2, 2, 0.05, target=32), graceful_wait_loop_s=0.1),
    "cluster": _WEBHOOK,
}

PROFILES: dict[Profile, Topology] = {"embedded": EMBEDDED, "cluster": CLUSTER}
