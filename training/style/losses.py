"""What training adds to the distances of :mod:`deployments.masterpiece.distances`: likeness to another picture."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def reconstruction(painting: Tensor, photo: Tensor) -> Tensor:
    """What the identity style minimises: squared error at full and at quarter resolution (colour), [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(photo, 4)).square().flatten(1).mean(1)
    return (painting - photo).square().flatten(1).mean(1) + coarse


def imitation(painting: Tensor, other: Tensor) -> Tensor:
    """How far a painting is from another network's: absolute error at full and at quarter resolution, [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(other, 4)).abs().flatten(1).mean(1)
    return (painting - other).abs().flatten(1).mean(1) + coarse
