"""How much of the new face shows where: the mask that keeps hair, hats and brows plausible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from deployments.compositing.masks import Mask, eroded, feather, hull, smoothstep, soften
from deployments.faces import landmarks
from deployments.faces.landmarks import BROWS, EYES, JAW, LEFT_EYE, MOUTH, RIGHT_EYE
from deployments.imaging import FloatArray
from deployments.swap.complexion import features, higher_than

# All in units of the face's size.
_FEATHER: Final = 0.10
_SOFT: Final = 0.015
_SOFT_BROWS: Final = 0.025
_OVER_TARGET_BROWS: Final = 0.09
_OVER_SOURCE_BROWS: Final = 0.06
_UNDER_BROWS: Final = 0.045
_BROW_MARGIN: Final = 0.015
_FRINGE_BAND: Final = (0.07, 0.20)
_STRAND: Final = 0.03
_LOWER_LID: Final = 0.06
_SIDES: Final = 0.2
_GLASSES: Final = 0.06

# The share of bare skin above the brows under which they are taken to be hidden by hair or a hat, and that under the
# eyes under which they are taken to be hidden by sunglasses, which are better shown whole.
_FRINGE: Final = 0.45
_SUNGLASSES: Final = 0.4


@dataclass(frozen=True, slots=True)
class Cover:
    """``alpha``: how much of the new face shows. ``keep``: how much of the source's detail is used where it does."""

    alpha: Mask
    keep: Mask

    @classmethod
    def between(
        cls,
        source_skin: Mask,
        source_points: FloatArray,
        target_skin: Mask,
        target_points: FloatArray,
        both: Mask,
        unit: float,
    ) -> Cover:
        """Decide for a source that was brought into the target's geometry.

        Both skins are likelihoods, both sets of points 68 in the same picture; ``both`` is where both faces are,
        foreheads included; ``unit`` is the face's size.

        From chin to brows the new face covers everything. Over the brows it shows only where both people have bare
        skin: hair and hats of the target stay, those of the source stay away, also where they hang into its cheeks. A
        source whose fringe hides its brows would bring a bandage of hair along, so there the target keeps its own
        brows and forehead.
        """
        shape = both.shape
        bare = soften(eroded(smoothstep(2 * source_skin - 0.5), _STRAND * unit), _SOFT * unit)
        above = soften(1 - hull(shape, source_points), _SOFT * unit)
        brows = features(shape, source_points, _BROW_MARGIN * unit)
        # From the mouth upwards hair hangs into faces; under it there may be a beard.
        over_mouth = higher_than(shape, source_points[MOUTH].mean(axis=0), source_points, _SIDES * unit)
        sides = (1 - feather(both, _SIDES * unit)) * over_mouth
        eyes = soften(features(shape, source_points, _GLASSES * unit), _SOFT * unit)
        keep = (1 - above * (1 - np.maximum(bare, brows))) * (1 - sides * (1 - np.maximum(bare, eyes)))

        alpha = feather(both, _FEATHER * unit)
        if _brows_under_hair(source_skin, bare, source_points, unit):
            raised = landmarks.upwards(target_points) * _UNDER_BROWS * unit
            under = hull(shape, *(np.concatenate([p[JAW], p[EYES] + raised]) for p in (target_points, source_points)))
            alpha = alpha * soften(under, _FEATHER / 3 * unit)
        margins = (_OVER_TARGET_BROWS * unit, _OVER_SOURCE_BROWS * unit)
        lower = soften(below_brows(shape, (target_points, source_points), margins), _SOFT_BROWS * unit)
        upper = smoothstep(1.6 * soften(target_skin, _SOFT * unit) * soften(source_skin, _SOFT * unit))
        return cls(soften(alpha * np.maximum(lower, upper), _SOFT * unit), np.asarray(keep, dtype=np.float32))


def below_brows(shape: tuple[int, int], outlines: Sequence[FloatArray], margins: Sequence[float]) -> Mask:
    """The part of faces from the chin to a ``margin`` in px above the brows: where the new face covers everything.

    ``outlines`` are sets of 68 points; brows of all of them are inside, so that no second pair shows.
    """
    raised = [
        points[BROWS] + landmarks.upwards(points) * margin for points, margin in zip(outlines, margins, strict=True)
    ]
    return hull(shape, np.concatenate([outlines[0], *raised]))


def _brows_under_hair(skin: Mask, bare: Mask, points: FloatArray, unit: float) -> bool:
    low, high = (below_brows(skin.shape, (points,), (margin * unit,)) for margin in _FRINGE_BAND)
    lid = landmarks.upwards(points) * _LOWER_LID * unit
    under_eyes = hull(skin.shape, points[LEFT_EYE] - lid, points[RIGHT_EYE] - lid)
    return _share(bare, high * (1 - low)) < _FRINGE and _share(skin, under_eyes) > _SUNGLASSES


def _share(of: Mask, within: Mask) -> float:
    return float((of * within).sum()) / max(float(within.sum()), 1e-3)
