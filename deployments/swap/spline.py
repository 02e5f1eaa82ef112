"""Bending one face's picture into another's geometry with a smoothing thin-plate spline.

F. L. Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", PAMI 1989; the smoothing
variant with a weight per point is that of G. Wahba, "Spline models for observational data", SIAM 1990.

An interpolating spline (or a piecewise-affine map over triangles) makes every landmark meet its counterpart. That is
exactly what makes swapped faces look wrong: eyes take the other's shape, a smile is pulled shut, and every error of
the landmark detector becomes a dent. With smoothing, the contour of the face is followed closely and everything inside
it only as far as a gentle deformation allows, so that pose is taken from the target while the features, which
are what people recognise, stay those of the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from deployments.faces.landmarks import FOREHEAD_POINTS, JAW, MOUTH
from deployments.imaging import FloatArray

# How far each point may be missed: 0 interpolates, large numbers leave only the affine part.
_JAW_SLACK: Final = 0.02
_FEATURE_SLACK: Final = 0.5
_MOUTH_SLACK: Final = 1.0

_GRID_STEP: Final = 8
_STRETCH_GRID: Final = 24


def slack() -> npt.NDArray[np.float64]:
    """The smoothing of each of the 68 + forehead points."""
    weights = np.full(68 + FOREHEAD_POINTS, _FEATURE_SLACK)
    weights[JAW] = _JAW_SLACK
    weights[MOUTH] = _MOUTH_SLACK
    return weights


@dataclass(frozen=True, slots=True)
class ThinPlateSpline:
    """A smooth map of the plane.

    Points are divided by ``unit_in`` going in and multiplied by ``unit_out`` coming out, so that smoothing means the
    same for a face of 50 and of 5,000 px.
    """

    knots: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    unit_in: float
    unit_out: float

    @classmethod
    def fit(
        cls,
        points: FloatArray,
        values: FloatArray,
        smoothing: npt.NDArray[np.float64],
        unit_in: float,
        unit_out: float,
    ) -> ThinPlateSpline:
        """The spline that takes ``points`` [N, 2] near ``values`` [N, 2]; ``smoothing`` [N] allows points to be missed."""
        knots = points.astype(np.float64) / unit_in
        count = len(knots)
        affine = np.concatenate([np.ones((count, 1)), knots], axis=1)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _kernel(knots, knots) + np.diag(smoothing)
        system[:count, count:] = affine
        system[count:, :count] = affine.T
        right = np.zeros((count + 3, 2))
        right[:count] = values.astype(np.float64) / unit_out
        return cls(knots, np.asarray(np.linalg.solve(system, right), dtype=np.float64), unit_in, unit_out)

    def __call__(self, points: FloatArray) -> FloatArray:
        """Map ``points`` [N, 2]."""
        at = points.astype(np.float64) / self.unit_in
        basis = np.concatenate([_kernel(at, self.knots), np.ones((len(at), 1)), at], axis=1)
        return (basis @ self.weights * self.unit_out).astype(np.float32)

    def dense_map(self, width: int, height: int) -> FloatArray:
        """Where every pixel of a picture of that size comes from: [H, W, 2], as ``cv2.remap`` takes it.

        The spline is evaluated on a coarse grid and interpolated: it is smooth over much more than a grid cell.
        """
        step = int(np.clip(self.unit_in / 16, 1, _GRID_STEP))
        columns, rows = -(-width // step), -(-height // step)
        # Nodes lie at the centres of cells, which is where cv2.resize puts its samples.
        x, y = np.meshgrid((np.arange(columns) + 0.5) * step - 0.5, (np.arange(rows) + 0.5) * step - 0.5)
        coarse = self(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)).reshape(rows, columns, 2)
        full = cv2.resize(coarse, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(full[:height, :width], dtype=np.float32)

    def stretch(self, outline: FloatArray) -> float:
        """How unevenly the map bends the inside of ``outline`` [N, 2]: 1 for a similarity.

        The ratio of the largest to the smallest local scale, at its 95th percentile over the inside. What is invisible
        in one picture (the far cheek of a turned head) has to be stretched to fill its place in the other.
        """
        low, high = outline.min(axis=0), outline.max(axis=0)
        x, y = np.meshgrid(*(np.linspace(low[axis], high[axis], _STRETCH_GRID) for axis in (0, 1)))
        nodes = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
        mapped = self(nodes).reshape(_STRETCH_GRID, _STRETCH_GRID, 2).astype(np.float64)
        steps = (high - low).astype(np.float64) / (_STRETCH_GRID - 1)
        along_x = np.gradient(mapped, float(steps[0]), axis=1)
        along_y = np.gradient(mapped, float(steps[1]), axis=0)
        scales = np.linalg.svd(np.stack([along_x, along_y], axis=-1), compute_uv=False)
        contour = cv2.convexHull(np.ascontiguousarray(outline, dtype=np.float32))
        inside = [
            cv2.pointPolygonTest(contour, (float(node[0]), float(node[1])), measureDist=False) >= 0 for node in nodes
        ]
        ratios = (scales[..., 0] / np.maximum(scales[..., 1], 1e-6)).ravel()[inside]
        return float(np.percentile(ratios, 95)) if ratios.size else float("inf")


def _kernel(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    squared = np.square(left[:, None] - right[None]).sum(axis=-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-18)))
