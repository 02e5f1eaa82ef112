"""Colour beside lightness, in CIE L*a*b*: what a picture of one tone lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from deployments.imaging import FloatArray, Pixels

# How far colours stray from what their lightness would give: no farther than the first in pictures of one tone, at least as
# far as the second in photographs in colour (of LFW's faces the least strays by 3.5).
_ONE_TONE: Final = 1.0
_IN_COLOUR: Final = 3.5


@dataclass(frozen=True, slots=True)
class Tone:
    """What tone each lightness has in a picture: black and white and sepia have no other colours.

    ``curve`` [3, 2] gives a* and b* as a parabola of L* / 100 within ``range``; ``colourfulness`` is 0 where all colours lie
    on it, as in black and white and in sepia, and 1 in colour.
    """

    curve: npt.NDArray[np.float64]
    range: tuple[float, float]
    colourfulness: float

    @classmethod
    def of(cls, lab: FloatArray) -> Tone:
        """Of pixels [N, 3]; of none at all in colour."""
        if not len(lab):
            return cls(np.zeros((3, 2)), (0.0, 100.0), 1.0)
        pixels = lab.astype(np.float64)
        powers = np.vander(pixels[:, 0] / 100, 3)
        curve = np.linalg.lstsq(powers, pixels[:, 1:], rcond=None)[0].astype(np.float64)
        spread = float(np.sqrt(np.square(pixels[:, 1:] - powers @ curve).sum(axis=1).mean()))
        colourfulness = float(np.clip((spread - _ONE_TONE) / (_IN_COLOUR - _ONE_TONE), 0, 1))
        return cls(curve, (float(pixels[:, 0].min()), float(pixels[:, 0].max())), colourfulness)

    def give(self, lab: FloatArray) -> FloatArray:
        """Colours [H, W, 3] as the picture would have them: its tone in the place of colour where it has but one."""
        lightness = np.clip(lab[..., :1], *self.range).astype(np.float64) / 100
        tone = (lightness * self.curve[0] + self.curve[1]) * lightness + self.curve[2]
        toned = lab.copy()
        toned[..., 1:] = tone + self.colourfulness * (lab[..., 1:] - tone)
        return toned


def to_lab(pixels: Pixels | FloatArray) -> FloatArray:
    """CIE L*a*b* (L* 0..100) of sRGB 0..255, float32."""
    scaled = pixels.astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab))


def to_rgb(lab: FloatArray) -> FloatArray:
    """The sRGB of CIE L*a*b*, 0..255, float32, clipped."""
    return np.asarray(np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * 255, 0, 255), dtype=np.float32)
