"""Colours and strength: how a painting and its photo are put together."""

from __future__ import annotations

import cv2
import numpy as np

from deployments.imaging import Pixels


def keep_photo_colors(painting: Pixels, photo: Pixels) -> Pixels:
    """Brightness from the painting, chroma from the photo (luminance-only transfer, Gatys et al. 2017), in YCrCb."""
    mixed = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb)
    mixed[:, :, 0] = cv2.cvtColor(painting, cv2.COLOR_RGB2YCrCb)[:, :, 0]
    return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB), np.uint8)


def mix(painting: Pixels, photo: Pixels, share: float) -> Pixels:
    """``share`` of the painting, the rest photo, pixel by pixel."""
    return np.asarray(cv2.addWeighted(painting, share, photo, 1 - share, 0), np.uint8)
