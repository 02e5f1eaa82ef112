"""Making a face as sharp, or as soft, as the picture it is put into."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deployments.compositing.masks import Mask
from deployments.imaging import Pixels

# The sharpest and the softest the source may be without being touched, relative to the target.
_TOO_SHARP: Final = 1.15
_TOO_SOFT: Final = 0.85
_MOST_BLUR: Final = 3.0
_SHARPEN_RADIUS: Final = 1.3


def match(source: Pixels, target: Pixels, inside: Mask) -> Pixels:
    """``source`` blurred or sharpened until its finest detail is that of ``target`` inside the mask.

    Sharpening is limited: it cannot bring back what a small or shaken photo never held.
    """
    wanted = detail(target, inside)
    have = detail(source, inside)
    if have > _TOO_SHARP * wanted:
        low, high = 0.3, _MOST_BLUR
        for _ in range(5):
            middle = (low + high) / 2
            if detail(_blurred(source, middle), inside) > wanted:
                low = middle
            else:
                high = middle
        return _blurred(source, high)
    if have < _TOO_SOFT * wanted:
        amount = float(np.clip(wanted / max(have, 1e-3) - 1, 0, 0.6))
        soft = _blurred(source, _SHARPEN_RADIUS)
        return np.asarray(cv2.addWeighted(source, 1 + amount, soft, -amount, 0), dtype=np.uint8)
    return source


def detail(pixels: Pixels, inside: Mask) -> float:
    """The strength of the finest structures relative to the next coarser ones: independent of contrast and light."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), 1.0)
    coarse = cv2.GaussianBlur(fine, (0, 0), 2.0)
    chosen = inside > 0.5
    if not chosen.any():
        return 0.0
    return float(np.std((grey - fine)[chosen])) / max(float(np.std((fine - coarse)[chosen])), 1.0)


def _blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)
