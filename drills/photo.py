"""The photo that drills send when it does not matter what is on it."""

from __future__ import annotations

import numpy as np

from deployments.imaging import encode


def portrait(side: int = 128) -> bytes:
    """A photo of soft colours, ``side`` px a side, as a JPEG."""
    across = np.linspace(0, 255, side, dtype=np.float32)
    red, green = np.meshgrid(across, across)
    return encode(np.stack([red, green, 255 - red], axis=2).astype(np.uint8))
