"""The same for photographs and machine-made pictures: what happens to a picture on its way to a viewer.

Without it a detector learns which camera or which web site a folder came from: its sizes, its JPEG tables, how clean and
how colourful its pictures are. Every view is cut out, retouched at random (smoothed, sharpened, grained, recoloured),
scaled by a random amount with a random filter, sometimes made grey, and encoded as JPEG at a quality of 60..95.
"""

from __future__ import annotations

import cv2
import numpy as np

from deployments.authenticity.fingerprint import SIDE
from deployments.imaging import Pixels

_SMALLER = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
_LARGER = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def disturbed(image: Pixels, generator: np.random.Generator, side: int = SIDE) -> Pixels:
    """A random view of ``image`` ([H,W,3] RGB), ``[side,side,3]``."""
    view = _cut(image, generator)
    if generator.random() < 0.5:
        view = view[:, ::-1]
    if generator.random() < 0.3:
        view = _scaled(view, round(view.shape[0] * generator.uniform(0.6, 1.0)), generator)
    view = _scaled(_retouched(view, generator), side, generator)
    if generator.random() < 0.1:
        view = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    return recoded(view, int(generator.integers(60, 96)))


def recoded(image: Pixels, quality: int) -> Pixels:
    """Once through a JPEG encoder, 4:2:0 as most pictures on their way."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(decoded, np.uint8)[:, :, ::-1])


def _cut(image: Pixels, generator: np.random.Generator) -> Pixels:
    """A square of 70 to 100 % of the short side, from anywhere."""
    height, width = image.shape[:2]
    side = max(1, round(min(height, width) * generator.uniform(0.7, 1.0)))
    top, left = int(generator.integers(0, height - side + 1)), int(generator.integers(0, width - side + 1))
    return image[top : top + side, left : left + side]


def _scaled(image: Pixels, side: int, generator: np.random.Generator) -> Pixels:
    filters = _SMALLER if side < image.shape[0] else _LARGER
    chosen = filters[generator.integers(len(filters))]
    resized = cv2.resize(np.ascontiguousarray(image), (max(8, side),) * 2, interpolation=chosen)
    return np.asarray(resized, np.uint8)


def _retouched(image: Pixels, generator: np.random.Generator) -> Pixels:
    """What photo editors and phones do to photographs, and what makes a clean picture look like a snapshot."""
    lit = image.astype(np.float32)
    smooth, sharpen, grain, recolour = generator.random(4) < (0.25, 0.35, 0.35, 0.5)
    if smooth:
        strength = float(generator.uniform(10, 40))
        lit = np.asarray(cv2.bilateralFilter(np.ascontiguousarray(lit), 5, strength, 2.0), np.float32)
    if sharpen:
        soft = cv2.GaussianBlur(lit, (0, 0), float(generator.uniform(0.7, 2.0)))
        lit = lit + generator.uniform(0.2, 1.2) * (lit - soft)
    if grain:
        noise = generator.normal(0, generator.uniform(1, 8), (*lit.shape[:2], 3 if generator.random() < 0.5 else 1))
        lit = lit + noise.astype(np.float32)
    if recolour:
        grey = lit.mean(2, keepdims=True)
        lit = grey + generator.uniform(0.6, 1.6) * (lit - grey)
        lit = 255 * np.clip(lit / 255, 0, 1) ** generator.uniform(0.75, 1.35)
        lit = (lit - 128) * generator.uniform(0.8, 1.25) + 128
    return np.clip(lit + 0.5, 0, 255).astype(np.uint8)
