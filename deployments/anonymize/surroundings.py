"""What a photo is like where nobody is hidden in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from deployments.anonymize.region import FaceEllipse
from deployments.compositing.patches import Region
from deployments.compositing.tones import Tone, to_lab
from deployments.imaging import Pixels

# So many pixels along the longer side are looked at.
_LOOKS: Final = 256
# The share of a photo that may be brighter than what is taken for its brightest: lamps and highlights.
_LAMPS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``tone`` is that of the photo, ``brightest`` in 0..1 what is bright in it; white and in colour where nothing is left."""

    tone: Tone
    brightest: float

    @classmethod
    def of(cls, pixels: Pixels, hidden: Sequence[FaceEllipse]) -> Surroundings:
        """Of a photo without the faces ``hidden``: not one pixel of theirs is looked at."""
        height, width = pixels.shape[:2]
        step = -(-max(height, width) // _LOOKS)
        # Every so many pixels as they are: an average would mix in what is hidden.
        looks = pixels[::step, ::step]
        seen = np.ones(looks.shape[:2], dtype=bool)
        for ellipse in hidden:
            seen &= ellipse.mask(Region(0, 0, width, height), step) == 0
        visible = looks[seen]
        if not len(visible):
            return cls(Tone.of(np.empty((0, 3), dtype=np.float32)), 1.0)
        brightest = float(np.percentile(visible.max(axis=-1), 100 - _LAMPS)) / 255
        return cls(Tone.of(to_lab(visible[None])[0]), brightest)
