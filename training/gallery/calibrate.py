"""How alike different people are, and so what a cosine is worth in per cent.

The share of *pairs* of people less alike would be the plain choice, and says nothing: whoever is picked as the best of
1,000 is more alike than 99.9 % of pairs. So the best of a gallery is held against the best that others get out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from deployments.imaging import FloatArray
from deployments.lookalike.calibration import Basis, Calibration
from training.gallery.collection import Collection

# From this many people on a gallery is measured; below, it is compared with what one of its size would show.
MEASURED_FROM: Final = 100
_FITTED_FROM: Final = 5
_ASKED: Final = 5_000
_RIVALS: Final = 8


@dataclass(frozen=True, slots=True)
class Spread:
    """How the cosines of different people are distributed: below ``cosines`` lie the ``shares`` of pairs."""

    shares: tuple[float, ...]
    cosines: tuple[float, ...]

    @classmethod
    def normal(cls, mean: float, deviation: float) -> Self:
        standard = NormalDist()
        return cls((standard.cdf(-6), standard.cdf(6)), (mean - 6 * deviation, mean + 6 * deviation))

    def quantile(self, share: float) -> float:
        """The cosine that ``share`` of pairs stay below, straight between the known ones on normal probability paper."""
        scores = [NormalDist().inv_cdf(known) for known in self.shares]
        return float(np.interp(NormalDist().inv_cdf(share), scores, self.cosines))


# By embedding space. dlib's: one picture each of 1,191 people of LFW, 708,645 pairs.
REFERENCES: Final = {
    "dlib-resnet-v1": Spread(
        (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999),
        (0.7204, 0.7486, 0.7741, 0.7877, 0.8103, 0.8349, 0.8583, 0.8776, 0.8884, 0.9068, 0.9249, 0.9383, 0.9469),
    )
}

_LEVELS: Final = np.concatenate([[0.005], np.arange(1, 100) / 100, [0.995]])


def calibrate(space: str, pictures: Collection, templates: FloatArray, index: Any, seed: int = 0) -> Calibration:
    """The curve for a gallery of ``templates`` [N, D] made of ``pictures``, with its FAISS ``index``.

    From 100 people on by what the gallery's own people get: single pictures ask it, and the best answer that is not
    the person themselves counts. For a smaller one, by what strangers would get out of N people: the best of N is below
    c with probability F(c) ** N, where F is the share of pairs below c. F is the space's reference where there is one,
    else normal and fitted to the gallery's own pairs, and for fewer than 5 people that of evenly spread vectors.
    """
    people = len(templates)
    if people >= MEASURED_FROM:
        doubles = closest_doubles(pictures, index, np.random.default_rng(seed))
        return _curve("gallery", people, np.quantile(doubles, _LEVELS), _LEVELS)
    pairs = REFERENCES.get(space) or _fitted(pictures, templates.shape[1])
    cosines = np.array([pairs.quantile(level ** (1 / people)) for level in _LEVELS])
    return _curve("reference", people, cosines, _LEVELS)


def closest_doubles(pictures: Collection, index: Any, rng: np.random.Generator) -> FloatArray:
    """For up to 5,000 pictures, each of somebody else where possible, the cosine of the best person but its owner."""
    order = rng.permutation(len(pictures.owners))
    _, first = np.unique(pictures.owners[order], return_index=True)
    asked = order[first][rng.permutation(len(first))[:_ASKED]]
    cosines, rows = index.search(np.ascontiguousarray(pictures.vectors[asked]), min(_RIVALS, index.ntotal))
    others = (rows != pictures.owners[asked][:, None]) & (rows >= 0)
    return np.asarray(np.where(others, cosines, -1.0).max(axis=1), dtype=np.float32)


def _fitted(pictures: Collection, dimensions: int) -> Spread:
    if len(np.unique(pictures.owners)) < _FITTED_FROM:
        return Spread.normal(0.0, dimensions**-0.5)
    cosines = pictures.vectors @ pictures.vectors.T
    different = cosines[pictures.owners[:, None] != pictures.owners[None]]
    return Spread.normal(float(different.mean()), max(float(different.std()), 1e-3))


def _curve(basis: Basis, people: int, cosines: npt.NDArray[np.float64], levels: npt.NDArray[np.float64]) -> Calibration:
    # Equal quantiles (copies that curation let through) would make the curve stand upright; the last of them counts.
    last = np.append(np.diff(cosines) > 1e-5, [True])
    # A knot far to the left, below the floor anyway, so that there always are two.
    knots = [(min(-1.0, float(cosines[0]) - 1), 0.0), *zip(cosines[last].tolist(), levels[last].tolist(), strict=True)]
    return Calibration(
        basis=basis,
        people=people,
        cosines=tuple(round(cosine, 6) for cosine, _ in knots),
        percents=tuple(round(100 * level, 2) for _, level in knots),
    )
