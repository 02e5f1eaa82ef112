"""The machines of a cluster: one table for the Ray cluster launcher, for Kubernetes and for the simulator.

GPU machines have one GPU each: fractions on a machine with several hide from Ray's autoscaler that another is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Market = Literal["on-demand", "spot"]


@dataclass(frozen=True, slots=True)
class NodeType:
    """One kind of machine. ``hourly_usd`` is what the simulator reckons with unless a profile says otherwise."""

    name: str
    instance: str
    cpus: int
    memory_gb: int
    gpus: int = 0
    market: Market = "on-demand"
    min_workers: int = 0
    max_workers: int = 0
    hourly_usd: float = 0.0
    boot_s: float = 120.0

    @property
    def labels(self) -> dict[str, str]:
        """What replicas and people can choose machines by."""
        return {"role": "gpu" if self.gpus else "cpu", "market": self.market}

    @property
    def priority(self) -> int:
        """Of types that would do, Ray's autoscaler and the simulator start the highest first: spot, while there are any."""
        return int(self.market == "spot")


# List prices of one European region, on demand, in 2026; spot at the half year's mean.
HEAD = NodeType("head", "m6i.xlarge", cpus=4, memory_gb=16, hourly_usd=0.23)
WORKERS: tuple[NodeType, ...] = (
    NodeType("cpu", "c6i.2xlarge", 8, 16, min_workers=1, max_workers=8, hourly_usd=0.388),
    NodeType("gpu", "g5.xlarge", 4, 16, gpus=1, min_workers=1, max_workers=4, hourly_usd=1.258, boot_s=240),
    NodeType("gpu-spot", "g5.xlarge", 4, 16, gpus=1, market="spot", max_workers=12, hourly_usd=0.55, boot_s=240),
)
IDLE_MINUTES = 5
