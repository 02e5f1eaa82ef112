"""PNGs of 16 bits a sample, brought to 8: only after their paper is under them and their light is known.

Cut to 8 bits first, the dark tones of linear light would fall into a few steps, and colours near a transparent one into it.
"""

from __future__ import annotations

import io
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from deployments.imaging import colour, srgb, tone_curves

_Samples = npt.NDArray[np.uint16]

_WHITE: Final = 65_535
_PLAIN: Final = ((np.arange(2**16) * 255 + _WHITE // 2) // _WHITE).astype(np.uint8)
# Where the header says what the samples are, and what it says of grey ones with alpha.
_COLOUR_TYPE, _GREY_ALPHA = 25, 4
# Rows that are worked on at a time.
_ROWS: Final = 64


def eight_bit(data: bytes, icc: bytes | None) -> tuple[Image.Image, bytes | None]:
    """The picture in mode L or RGB, opaque, and what of its profile is still to be applied to it.

    Raises what its decoder raises for a damaged one.
    """
    samples, shown = _decoded(data)
    mode = "L" if samples.shape[2] == 1 else "RGB"
    tables, rest = _tables(icc, mode)
    pixels = np.empty(samples.shape, dtype=np.uint8)
    for top in range(0, len(samples), _ROWS):
        rows = slice(top, top + _ROWS)
        part = samples[rows] if shown is None else _on_paper(samples[rows], shown[rows])
        for channel, table in enumerate(tables):
            pixels[rows, :, channel] = table[part[..., channel]]
    return Image.fromarray(pixels[..., 0] if mode == "L" else pixels), rest


def _decoded(data: bytes) -> tuple[_Samples, _Samples | None]:
    """Samples [H, W, 1 or 3], and how much of them shows [H, W] where that is not everything."""
    image = Image.open(io.BytesIO(data), formats=["PNG"])
    if image.mode == "I;16":
        grey = np.asarray(image)
        key = image.info.get("transparency")
        return grey[..., None], None if key is None else np.where(grey == key, 0, _WHITE).astype(np.uint16)
    # Pillow cuts the others to 8 bits.
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None:
        raise ValueError("not a whole PNG")
    samples = np.asarray(found, dtype=np.uint16)
    shown = samples[..., 3] if samples.shape[2] == 4 else None
    return samples[..., :1] if data[_COLOUR_TYPE] == _GREY_ALPHA else samples[..., 2::-1], shown


def _on_paper(samples: _Samples, shown: _Samples) -> _Samples:
    alpha = shown[..., None].astype(np.float32) / _WHITE
    return np.rint(_WHITE - (_WHITE - samples) * alpha).astype(np.uint16)


def _tables(icc: bytes | None, mode: str) -> tuple[list[npt.NDArray[np.uint8]], bytes | None]:
    """By channel, what each sample becomes, and the profile that fits the result."""
    curves = tone_curves.split(icc, mode) if icc and colour.applies(icc, mode) else None
    if curves is None:
        return [_PLAIN] * len(mode), icc
    lights, rest = curves
    tables = [np.rint(255 * srgb.encoded(light)).astype(np.uint8) for light in lights]
    return tables, None if mode == "L" or colour.is_srgb(rest) else rest
