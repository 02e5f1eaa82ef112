"""The shapes a picture has: decoded pixels, what is calculated from them, and a parsed container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""``[height, width, 3]``, RGB, 0..255, C-contiguous, sRGB."""

FloatArray = npt.NDArray[np.float32]
"""What is calculated from pixels: points, vectors, fields, of any shape."""


@dataclass(frozen=True, slots=True)
class Container:
    """What a picture's file format says, apart from the pixels themselves.

    ``clean`` decodes to exactly the same samples as the original, without metadata. ``orientation`` is EXIF's 1..8
    (how the samples have to be turned to be upright). ``icc`` is the embedded colour profile. ``opaque_8bit`` says that
    the samples are plain 8-bit (or fewer) RGB, YCbCr, grey or palette entries, without alpha or animation, so that
    ``clean`` can be handed on as it is. ``deep`` says that they are a PNG's of 16 bits each. ``lossless`` tells a lossless
    coding from a lossy one.
    """

    clean: bytes
    width: int
    height: int
    orientation: int = 1
    icc: bytes | None = None
    opaque_8bit: bool = True
    deep: bool = False
    lossless: bool = True


class ContainerFormat(Protocol):
    """What each of the modules ``jpeg``, ``png`` and ``webp`` can do. All raise ``Undecodable`` on broken structure."""

    def size(self, data: bytes) -> tuple[int, int]:
        """``(width, height)`` as the header has it, read before anything is decoded."""
        ...

    def parse(self, data: bytes) -> Container:
        """Walk the whole file and take its metadata off."""
        ...

    def write_xmp(self, data: bytes, packet: bytes) -> bytes:
        """The same picture, bit for bit, carrying ``packet`` and no other XMP."""
        ...
