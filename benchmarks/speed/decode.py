"""From a 12-megapixel phone photo to what a network takes, on one core, against Pillow's full decode."""

from __future__ import annotations

import io

import numpy as np
import simplejpeg
from PIL import Image

from benchmarks.figures import Figure
from benchmarks.speed.pictures import photograph
from benchmarks.speed.rounds import alternate, ratio
from deployments.imaging import Photo
from deployments.imaging.jpeg import turned

SIDE = 512
ON_ITS_SIDE = 6
"""EXIF orientation of a phone that is held upright."""


def run(rounds: int = 9) -> list[Figure]:
    """Ours opens the upload (every byte checked) and decodes it at a reduced scale to 512 pixels."""
    # As phones write them: colour at half the resolution.
    upload: bytes = simplejpeg.encode_jpeg(photograph(4000, 3000), 90, "RGB", "420")
    upright = turned(upload, ON_ITS_SIDE)
    taken = alternate(
        {
            "Pillow, full": lambda: np.asarray(Image.open(io.BytesIO(upload)).convert("RGB")),
            "door": lambda: Photo.open(upload),
            "tensor": lambda: Photo.open(upload).pixels(SIDE),
            "turned": lambda: Photo.open(upright).pixels(SIDE),
        },
        rounds=rounds,
    )
    pillow = taken["Pillow, full"].median
    bar = max(40, 0.35 * pillow)
    return [
        Figure("Pillow decodes 12 megapixels", pillow, unit="ms"),
        Figure("the upload is checked", taken["door"].median, unit="ms"),
        Figure("12 megapixels to a 512 px tensor", taken["tensor"].median, bar, "ms", higher_is_better=False),
        Figure("the same from a phone held upright", taken["turned"].median, bar, "ms", higher_is_better=False),
        Figure("as a share of Pillow's full decode", 1 / ratio(taken["Pillow, full"], taken["tensor"])),
    ]
