"""What training adds to the distances of :mod:`deployments.masterpiece.distances`."""

from __future__ import annotations

from typing import Final

from torch import Tensor
from torch.nn import functional

PERIOD: Final = 4
"""Pixels after which what two upsamplings do to a picture repeats."""

REGION: Final = 64
"""Side, in pixels, of what a lattice is looked for in: it may be another one in the sky than in the grass."""


def reconstruction(painting: Tensor, photo: Tensor) -> Tensor:
    """What the identity style minimises: squared error at full and at quarter resolution (colour), [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(photo, 4)).square().flatten(1).mean(1)
    return (painting - photo).square().flatten(1).mean(1) + coarse


def imitation(painting: Tensor, other: Tensor) -> Tensor:
    """How far a painting is from another network's: absolute error at full and at quarter resolution, [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(other, 4)).abs().flatten(1).mean(1)
    return (painting - other).abs().flatten(1).mean(1) + coarse


def lattice(painting: Tensor) -> Tensor:
    """How much of a painting repeats every :data:`PERIOD` pixels, [N,3,H,W] -> [N]; upsampling may leave such a canvas.

    Over regions of :data:`REGION` pixels, the mean squares of what the places of a cell differ by from one another. A
    picture that repeats nothing comes to its variance by the number of cells in a region, some 5e-5.
    """
    sides = [min(REGION, side - side % PERIOD) for side in painting.shape[2:]]
    rows, columns = (size // side for size, side in zip(painting.shape[2:], sides, strict=True))
    whole = painting[:, :, : rows * sides[0], : columns * sides[1]]
    cells = whole.reshape(len(painting), -1, rows, sides[0] // PERIOD, PERIOD, columns, sides[1] // PERIOD, PERIOD)
    # [N, 3, rows, places down, columns, places across]
    places = cells.mean((3, 6))
    deviations: Tensor = places - places.mean((3, 5), keepdim=True)
    return deviations.square().flatten(1).mean(1)
