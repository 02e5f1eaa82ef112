"""Photographs and what the network makes of them, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from deployments.imaging import Pixels
from training.style.checkpoint import Weights
from training.tensors import to_pixels

WHITE = 255


@torch.no_grad()
def contact_sheet(weights: Weights, photos: Sequence[Tensor]) -> Pixels:
    """A row for each photograph ([3,H,W], sides multiples of 4): itself first, then in every style, on white."""
    network = weights.network.eval()
    rows = []
    for photo in photos:
        painted = [network(photo[None], vector[None])[0] for vector in weights.styles.values()]
        rows.append(np.hstack([to_pixels(picture) for picture in (photo, *painted)]))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=WHITE) for row in rows]
    return np.ascontiguousarray(np.vstack(padded), np.uint8)
