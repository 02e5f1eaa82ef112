"""From a 12-megapixel phone photo to what a network takes, on one core, against Pillow's full decode."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from benchmarks.figures import Figure
from benchmarks.speed.pictures import photograph
from benchmarks.speed.rounds import alternate, ratio
from deployments.imaging import Photo, encode

SIDE = 512


def run(rounds: int = 9) -> list[Figure]:
    """Ours opens the upload (every byte checked) and decodes it at a reduced scale to 512 pixels."""
    upload = encode(photograph(4000, 3000), quality=90)
    photo = Photo.open(upload)

    def full() -> None:
        # A phone photo is 4:2:0 with EXIF; only the size matters to the decoder.
        np.asarray(Image.open(io.BytesIO(upload)).convert("RGB"))

    taken = alternate(
        {"Pillow, full": full, "tensor": lambda: photo.pixels(SIDE), "door": lambda: Photo.open(upload)}, rounds=rounds
    )
    pillow = taken["Pillow, full"].median
    return [
        Figure("Pillow decodes 12 megapixels", pillow, unit="ms"),
        Figure("the upload is checked", taken["door"].median, unit="ms"),
        Figure(
            "12 megapixels to a 512 px tensor",
            taken["tensor"].median,
            max(40, 0.35 * pillow),
            "ms",
            higher_is_better=False,
        ),
        Figure("as a share of Pillow's full decode", 1 / ratio(taken["Pillow, full"], taken["tensor"])),
    ]
