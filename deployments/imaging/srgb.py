"""sRGB's curve (IEC 61966-2-1): samples and the light they stand for, both 0..1, 1 being white."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def light(samples: Floats) -> Floats:
    """The linear light of samples."""
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def encoded(light: Floats) -> Floats:
    """The samples of linear light."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)
