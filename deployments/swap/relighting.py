"""Putting one face's skin into another's light.

Matching mean and variance, or solving a Poisson equation for the seam (Perez et al., SIGGRAPH 2003), makes the border
right and little else: a fringe or a hat on the border bleeds over the whole face, and the sun still comes from the
other side. Here the picture of a face is split, in CIE L*a*b*, into light (what remains after blurring over skin only)
and detail (the rest). Light and complexion are the target's, detail is the source's. Blurring over skin only is
normalised convolution (H. Knutsson and C.-F. Westin, CVPR 1993): eyes, brows, beard and hair have no say in what light
there is, and hidden places are filled from their surroundings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from deployments.compositing.masks import Mask, smoothstep
from deployments.compositing.patches import Region, laid, spread
from deployments.compositing.tones import to_lab, to_rgb
from deployments.imaging import FloatArray, Pixels
from deployments.swap.complexion import Complexion

# Standard deviations of the blurs that make light out of a face, in units of the face's size.
_LIGHT: Final = 0.15
_COMPLEXION: Final = 0.28
# Between light and texture: folds, cheekbones and shadows, whose contrast depends on how hard the light is.
_RELIEF: Final = 0.045


@dataclass(frozen=True, slots=True)
class Relighting:
    """A map from the source's colours to the target's light, as smooth fields [H, W] that may be enlarged.

    L*: ``light + detail`` with ``detail = relief + detail_gain * L``, whose highlights on skin are compressed to
    ``highlight``, and which in features is multiplied by ``shade_gain`` where it is dark and ``shine_gain`` where it is bright.
    a*, b*: ``chroma_gain * ab + chroma_offset``, the latter less where it is dark, and no stronger than ``chroma_cap``; bright
    skin of ``beardless`` places has first come to within ``stray`` of the source's ``tint``.
    """

    light: FloatArray
    relief: FloatArray
    detail_gain: FloatArray
    tint: FloatArray
    stray: float
    chroma_offset: FloatArray
    chroma_gain: float
    shade_gain: FloatArray
    shine_gain: FloatArray
    keep: Mask
    features: Mask
    beardless: Mask
    highlight: float
    chroma_cap: float

    @classmethod
    def between(cls, source: Complexion, target: Complexion, keep: Mask, cover: Mask, unit: float) -> Relighting:
        """Learn the map from the source, already in the target's geometry, to the target.

        Where ``keep`` is 0 the source's detail is left out altogether (its fringe, say) and only light remains.
        ``cover`` is the target's face, ``unit`` its size.
        """
        source_light, target_light = source.blurred(0, _LIGHT * unit), target.blurred(0, _LIGHT * unit)
        source_relief = source.relief(source_light, _RELIEF * unit)
        target_relief = target.relief(target_light, _RELIEF * unit)
        # Contrast may fall to what the target's light gives, but never rises: that would bring out every pore. It keeps
        # half of itself, but no more than there is light: what is a fold by day would be a black patch at night.
        softness = _deviation(target_relief - target_light, target.weight) / max(
            _deviation(source_relief - source_light, source.weight), 0.3
        )
        ratio = target_light / np.maximum(source_light, 5)
        softness = float(np.clip(1.1 * softness, min(0.5, float(np.median(ratio))), 1.0))
        detail_gain = np.clip(ratio, 0.15, 1.0)
        # No face is more colourful than its picture, whether that is pale or has a single tone.
        chroma_gain = min(_chroma(target.median) / max(_chroma(source.median), 1.0), target.colourfulness(cover))
        source_tint, target_tint = source.tint(_COMPLEXION * unit), target.tint(_COMPLEXION * unit)
        shine_gain = np.clip((100 - target_light) / np.maximum(100 - source_light, 5), 0.15, 1.0)
        away = np.hypot(*np.moveaxis(target.lab[..., 1:] - target_tint, -1, 0))
        chroma = np.hypot(target.lab[..., 1], target.lab[..., 2])[cover > 0.5]
        return cls(
            light=target_light,
            relief=np.asarray(softness * (source_relief - source_light) - detail_gain * source_relief, np.float32),
            detail_gain=np.asarray(detail_gain, dtype=np.float32),
            tint=source_tint,
            stray=2.2 * _deviation(away, target.weight, mean=0.0) + 2.0,
            chroma_offset=target_tint - chroma_gain * source_tint,
            chroma_gain=chroma_gain,
            shade_gain=np.asarray(np.clip(ratio, 1.0, 2.0), dtype=np.float32),
            shine_gain=np.asarray(shine_gain, dtype=np.float32),
            keep=keep,
            features=source.features,
            beardless=source.beardless,
            highlight=2.2 * _deviation(target.lab[..., 0] - target_light, target.weight) + 2.0,
            chroma_cap=float(np.percentile(chroma, 97)) * 1.05 + 2.0 if chroma.size else 100.0,
        )

    def apply(self, pixels: Pixels) -> FloatArray:
        """Relight ``pixels``, whose size may be a multiple of that of the fields. RGB 0..255 as float32 [H, W, 3]."""
        whole = Region(0, 0, pixels.shape[1], pixels.shape[0])
        matrix = spread(self.light, whole)
        relit = np.empty(pixels.shape, dtype=np.float32)
        for strip in whole.strips():
            strip.of(relit)[...] = self._part(strip.of(pixels), partial(laid, matrix=matrix, part=strip))
        return relit

    def _part(self, pixels: Pixels, fit: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Relight a part of the picture, to whose size ``fit`` brings a field."""
        lab = to_lab(pixels)
        keep = fit(self.keep)
        detail = fit(self.relief) + fit(self.detail_gain) * lab[..., 0]
        features, light = fit(self.features), fit(self.light)
        # Highlights of an oily or wet skin are compressed to what the target's light would give.
        skin = np.where(detail > 0, self.highlight * np.tanh(detail / self.highlight), detail)
        # Brows are as black on fair skin as on dark skin, and then they stand out more; teeth are no whiter there.
        detail *= np.where(detail > 0, fit(self.shine_gain), fit(self.shade_gain))
        detail = (detail * features + skin * (1 - features)) * keep
        lab[..., 0] = np.clip(light + detail, 0, 100)
        # A tint is light that is reflected: what is darker than skin (brows, lashes, beards) takes on less of it.
        tint = np.clip(lab[..., 0] / np.maximum(light, 5), 0, 1)[..., None]
        # Skin that is burnt out is grey, and grey would become a colour that skin never has.
        away = lab[..., 1:] - fit(self.tint)
        far = np.maximum(np.hypot(away[..., 0], away[..., 1]), 1e-3)
        burnt = fit(self.beardless) * smoothstep(np.asarray(10 * tint[..., 0] - 9, dtype=np.float32))
        lab[..., 1:] -= away * (burnt * (1 - self.stray * np.tanh(far / self.stray) / far))[..., None]
        lab[..., 1:] = self.chroma_gain * lab[..., 1:] + tint * fit(self.chroma_offset)
        chroma = np.hypot(lab[..., 1], lab[..., 2])
        knee = 0.8 * self.chroma_cap
        room = self.chroma_cap - knee
        limited = np.where(chroma > knee, knee + room * np.tanh((chroma - knee) / room), chroma)
        lab[..., 1:] *= (limited / np.maximum(chroma, 1e-3))[..., None]
        return to_rgb(lab)


def _deviation(values: FloatArray, weight: Mask, mean: float | None = None) -> float:
    total = max(float(weight.sum()), 1e-3)
    if mean is None:
        mean = float((values * weight).sum()) / total
    return float(np.sqrt((weight * np.square(values - mean)).sum() / total))


def _chroma(colour: FloatArray) -> float:
    return float(np.hypot(colour[1], colour[2]))
