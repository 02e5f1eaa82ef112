"""Aligned crops laid back into their picture."""

from __future__ import annotations

import cv2
import numpy as np

from deployments.compositing.masks import Mask
from deployments.compositing.patches import Patch, Region, laid
from deployments.faces.alignment import invert, transform_points
from deployments.imaging import FloatArray, Pixels


def from_crop(crop: Pixels | FloatArray, matrix: FloatArray, mask: Mask, shape: tuple[int, ...]) -> Patch:
    """Bring an aligned crop back to where ``matrix`` [2, 3] (picture to crop) took it from.

    The crop is square, ``mask`` has its size. ``shape`` is that of the picture. Only the crop's own box is computed.

    A crop much larger than its place is averaged down first, because bilinear sampling alone skips pixels and turns fine
    texture into noise.
    """
    size = len(crop)
    smaller = size // max(round(float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))), 1)
    if 0 < smaller < size:
        crop, mask = (
            np.asarray(cv2.resize(values, (smaller, smaller), interpolation=cv2.INTER_AREA), dtype=np.float32)
            for values in (crop, mask)
        )
        matrix = matrix * np.float32(smaller / size)
        matrix[:, 2] += (smaller / size - 1) / 2  # whole numbers are the centres of pixels, of fewer now
        size = smaller
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], dtype=np.float32) - 0.5
    back = invert(matrix)
    region = Region.around(transform_points(corners, back), 1, shape)
    return Patch(region, lambda part: (laid(crop, back, part), laid(mask, back, part, border=cv2.BORDER_CONSTANT)))
