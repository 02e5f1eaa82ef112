"""Developing a face that was taken in too little light, as a camera would have taken it with a longer exposure.

In the dark all contrasts shrink, in L*a*b* too: without this a face from a dark photo would be a pale shape without eyes
and mouth in a bright one.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deployments.imaging import Pixels, srgb

# How many times the L* of the source's skin the target's may be: so much is between fair and dark skin in one light.
_DARKER: Final = 1.35
# The longest exposure, four stops: beyond is noise.
_LONGEST: Final = 16.0
# Of the 256 levels of a sample.
_LIGHT: Final = srgb.light(np.arange(256) / 255)


def match(source: Pixels, have: float, wanted: float) -> Pixels:
    """``source`` exposed longer where its skin, of lightness ``have``, is much darker than the target's, of ``wanted`` (L*)."""
    times = min(_luminance(wanted / _DARKER) / max(_luminance(have), 1e-4), _LONGEST)
    if times <= 1:
        return source
    levels = srgb.encoded(np.minimum(_LIGHT * times, 1))
    return np.asarray(cv2.LUT(source, np.rint(levels * 255).astype(np.uint8)), dtype=np.uint8)


def _luminance(lightness: float) -> float:
    """Y in 0..1 of CIE's L*."""
    return float(((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3)
