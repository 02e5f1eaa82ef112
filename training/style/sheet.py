"""Photographs and what the network makes of them, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from training.style.checkpoint import Weights
from training.style.data import Pixels, to_pixels


@torch.no_grad()
def contact_sheet(weights: Weights, photos: Sequence[Tensor]) -> Pixels:
    """A row for each photograph ([3,H,W]): itself first, then in every style. Wider rows are cut to the narrowest."""
    network = weights.network.eval()
    rows = []
    for photo in photos:
        cut = photo[:, : photo.shape[1] // 4 * 4, : photo.shape[2] // 4 * 4]
        painted = [network(cut[None], vector[None])[0] for vector in weights.styles.values()]
        rows.append(np.hstack([to_pixels(picture) for picture in (cut, *painted)]))
    width = min(row.shape[1] for row in rows)
    return np.ascontiguousarray(np.vstack([row[:, :width] for row in rows]), np.uint8)
