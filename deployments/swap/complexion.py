"""What a face looks like apart from its features: which part of it is skin, and in which light and colour that is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from deployments.compositing.masks import Mask, hull, smoothstep
from deployments.compositing.tones import Tone, to_lab
from deployments.faces.landmarks import LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE, upwards
from deployments.imaging import FloatArray, Pixels

# Both cheeks and the back of the nose: the places that are nearly always skin.
_SKIN_PATCHES: Final = ((1, 3, 5, 48, 31, 39), (15, 13, 11, 54, 35, 42), (27, 31, 33, 35))
# The least spread that is ascribed to skin in L*, a* and b*: evenly lit faces have tiny ones.
_LEAST_SPREAD: Final = np.array([7.0, 3.0, 3.0], dtype=np.float32)
# In units of the face's size.
_FEATURE_MARGIN: Final = 0.035
# How far over the nostrils there is no moustache any more.
_MOUSTACHE: Final = 0.08


@dataclass(frozen=True, slots=True)
class Complexion:
    """What a face in a picture looks like, apart from its features.

    ``lab`` [H, W, 3] is the picture in CIE L*a*b*, ``skin`` the likelihood of skin (1 for beards is not expected),
    ``features`` are eyes, brows and mouth, ``beardless`` is the rest of the face from the nostrils upwards, ``weight`` is
    skin inside the face and outside the features, ``median`` [3] its colour.
    """

    lab: FloatArray
    skin: Mask
    features: Mask
    beardless: Mask
    weight: Mask
    median: FloatArray

    @classmethod
    def of(cls, pixels: Pixels, points: FloatArray, cover: Mask, unit: float) -> Complexion:
        """Look at the face with 68 ``points`` and size ``unit`` under the mask ``cover``."""
        lab = to_lab(pixels)
        not_skin = features(cover.shape, points, _FEATURE_MARGIN * unit)
        skin, median = likely_skin(lab, points, not_skin)
        beardless = higher_than(cover.shape, points[33], points, _MOUSTACHE * unit) * (1 - not_skin)
        return cls(lab, skin, not_skin, beardless, skin * cover * (1 - not_skin), median)

    def blurred(self, channel: int, sigma: float) -> FloatArray:
        """One channel blurred over skin only; the median colour where no skin is near."""
        weighted = cv2.GaussianBlur(self.lab[..., channel] * self.weight, (0, 0), sigma)
        known = cv2.GaussianBlur(self.weight, (0, 0), sigma)
        return np.asarray((weighted + 0.03 * self.median[channel]) / (known + 0.03), dtype=np.float32)

    def tint(self, sigma: float) -> FloatArray:
        """a* and b* blurred over skin only: [H, W, 2]."""
        return np.stack([self.blurred(channel, sigma) for channel in (1, 2)], axis=-1)

    def colourfulness(self, cover: Mask) -> float:
        """0 where all colours under ``cover`` follow from their lightness, as in black and white and in sepia; 1 in colour."""
        return Tone.of(self.lab[cover > 0.5]).colourfulness

    def relief(self, light: FloatArray, sigma: float) -> FloatArray:
        """L* blurred so little that folds remain, over skin only; ``light`` inside features and hair."""
        known = np.clip(cv2.GaussianBlur(self.weight, (0, 0), sigma) / 0.15, 0, 1)
        return np.asarray(self.blurred(0, sigma) * known + light * (1 - known), dtype=np.float32)


def features(shape: tuple[int, int], points: FloatArray, margin: float) -> Mask:
    """Eyes, brows and mouth with a margin in px: what is in a face and not skin."""
    parts = hull(shape, *(points[part] for part in (LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE, LIPS)))
    side = max(3, int(2 * margin) | 1)
    return np.asarray(cv2.dilate(parts, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))))


def higher_than(shape: tuple[int, ...], point: FloatArray, points: FloatArray, fade: float) -> Mask:
    """0 below ``point`` [2] as a face of 68 ``points`` stands, and from there up to 1 over ``fade`` px."""
    y, x = np.indices(shape[:2], dtype=np.float32)
    up = upwards(points)
    return smoothstep(np.asarray((x * up[0] + y * up[1] - point @ up) / fade, dtype=np.float32))


def likely_skin(lab: FloatArray, points: FloatArray, not_skin: Mask) -> tuple[Mask, FloatArray]:
    """How likely each pixel is this person's skin, and the median colour of it.

    ``lab`` [H, W, 3] is CIE L*a*b*. The colour model is one robust Gaussian (median and median absolute deviation) of
    cheeks and nose, so it knows any complexion and any light, and hair, glasses, hats and hands fall out of it.
    """
    shape = lab.shape[:2]
    patches = hull(shape, *(points[list(patch)] for patch in _SKIN_PATCHES))
    samples = lab[(patches > 0.5) & (not_skin < 0.5)]
    if len(samples) < 8:
        return np.zeros(shape, dtype=np.float32), np.array([60, 10, 15], dtype=np.float32)
    median = np.median(samples, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(samples - median), axis=0), _LEAST_SPREAD) * 1.55
    deviation = (lab - median) / spread
    # Sunlit and shining skin is still skin; what is darker is more likely hair, glasses or a shadow.
    deviation[..., 0] = np.where(deviation[..., 0] > 0, 0.4 * deviation[..., 0], deviation[..., 0])
    distance = np.square(deviation).sum(axis=-1)
    likelihood = np.exp(-0.25 * np.maximum(distance - 1, 0))
    return np.asarray(likelihood, dtype=np.float32), np.asarray(median, dtype=np.float32)
