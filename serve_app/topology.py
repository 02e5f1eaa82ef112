"""How many replicas of each deployment run, and on how much of a machine: one table per profile.

``build`` applies it in code; ``render`` writes the cluster's table as ``serve_config.yaml``, whose values operators may
change without touching code. GPU fractions of the deployments that share a one-GPU node add up to one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

Profile = Literal["embedded", "cluster"]

GPU_MEMORY_MB = 24 * 1024  # the one-GPU worker type of cluster.yaml (A10G/L4 class)


@dataclass(frozen=True, slots=True)
class Scaling:
    """Autoscaling bounds. ``target`` is the number of requests one replica should have in hand."""

    min_replicas: int
    max_replicas: int
    target: float
    upscale_delay_s: float = 5.0
    downscale_delay_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Shape:
    """One deployment's share and limits. ``gpu`` is a fraction of one GPU and, times its memory, the memory cap."""

    cpu: float
    gpu: float = 0.0
    max_batch: int = 1
    max_ongoing: int = 16
    max_queued: int = 64
    scaling: Scaling | None = None
    health_period_s: float = 5.0
    health_timeout_s: float = 10.0
    graceful_timeout_s: float = 20.0
    graceful_wait_loop_s: float = 2.0

    @property
    def memory_mb(self) -> int:
        """GPU memory the engine may take; a tenth is left to the driver's context."""
        return int(self.gpu * GPU_MEMORY_MB * 0.9)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of ``Deployment.options``; the same keys stand in Serve's config file."""
        options: dict[str, Any] = {
            "max_ongoing_requests": self.max_ongoing,
            "max_queued_requests": self.max_queued,
            "health_check_period_s": self.health_period_s,
            "health_check_timeout_s": self.health_timeout_s,
            "graceful_shutdown_timeout_s": self.graceful_timeout_s,
            "graceful_shutdown_wait_loop_s": self.graceful_wait_loop_s,
            "ray_actor_options": {"num_cpus": self.cpu, "num_gpus": self.gpu},
        }
        if self.scaling is None:
            options["num_replicas"] = 1
        else:
            options["autoscaling_config"] = {
                "min_replicas": self.scaling.min_replicas,
                "max_replicas": self.scaling.max_replicas,
                "target_ongoing_requests": self.scaling.target,
                "upscale_delay_s": self.scaling.upscale_delay_s,
                "downscale_delay_s": self.scaling.downscale_delay_s,
                "look_back_period_s": 12.0,
            }
        return options


@dataclass(frozen=True, slots=True)
class Topology:
    """All deployments of the graph by name."""

    shapes: dict[str, Shape] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Shape:
        return self.shapes[name]


# A laptop: every deployment may use the cores while the others are idle, so none reserves any, and Ctrl-C is obeyed
# at once.
_LAPTOP = Shape(cpu=0, max_batch=4, graceful_timeout_s=3.0, graceful_wait_loop_s=0.1)
EMBEDDED = Topology(
    {
        "Gateway": replace(_LAPTOP, max_ongoing=64, max_queued=-1),
        "Moderation": replace(_LAPTOP, max_batch=8),
        "Style": _LAPTOP,
        "Faces": _LAPTOP,
        "Lookalike": replace(_LAPTOP, max_batch=32),
        "Swap": _LAPTOP,
        "Anonymize": _LAPTOP,
        "Authenticity": _LAPTOP,
        "Versions": _LAPTOP,
    }
)

CLUSTER = Topology(
    {
        "Gateway": Shape(cpu=1, max_ongoing=128, max_queued=-1, scaling=Scaling(2, 16, 32)),
        "Moderation": Shape(cpu=1, gpu=0.2, max_batch=32, max_ongoing=64, scaling=Scaling(1, 8, 32)),
        "Style": Shape(cpu=1, gpu=0.4, max_batch=8, max_ongoing=32, scaling=Scaling(1, 16, 12)),
        "Faces": Shape(cpu=1, gpu=0.2, max_batch=16, max_ongoing=48, scaling=Scaling(1, 8, 16)),
        "Lookalike": Shape(cpu=1, max_batch=64, max_ongoing=64, scaling=Scaling(1, 4, 32)),
        "Swap": Shape(cpu=1, gpu=0.2, max_batch=16, max_ongoing=32, scaling=Scaling(0, 8, 8)),
        "Anonymize": Shape(cpu=1, max_batch=4, scaling=Scaling(0, 4, 4)),
        "Authenticity": Shape(cpu=1, max_batch=8, scaling=Scaling(0, 4, 8)),
        # One, always: two would undo each other's steps.
        "Versions": Shape(cpu=0.2),
    }
)

# The bot is an application of its own beside the graph's: webhook replicas, whose shutdown gives what is in hand time to
# be delivered. While it polls it has one replica, whatever is said here: Telegram allows one poller for a bot.
BOT_ROUTE = "/telegram"
_WEBHOOK = Shape(cpu=1, max_ongoing=64, max_queued=256, scaling=Scaling(2, 8, 32), graceful_timeout_s=30.0)
BOT: dict[Profile, Shape] = {
    "embedded": replace(_WEBHOOK, cpu=0, scaling=Scaling(2, 2, 32), graceful_wait_loop_s=0.1),
    "cluster": _WEBHOOK,
}

PROFILES: dict[Profile, Topology] = {"embedded": EMBEDDED, "cluster": CLUSTER}
