"""Boxes and scales: fitting pictures into a network's input and taking what it found back to the picture."""

from __future__ import annotations

import cv2
import numpy as np

from deployments.faces.alignment import scale_points
from deployments.faces.backend import Detection
from deployments.faces.types import Box
from deployments.imaging import FloatArray, Pixels


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture at another size: averaged when it shrinks, interpolated when it grows."""
    shrinks = width * height < pixels.shape[0] * pixels.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), dtype=np.uint8)


def letterbox(pixels: Pixels, size: int, *, fill: float = 1.0) -> tuple[Pixels, float]:
    """Fit a picture into the upper left of a black square of ``size`` px.

    Its longer side fills at most ``fill`` of the square's, and it is drawn at most twice as large. Returns
    the square and the scale by which the picture was multiplied.
    """
    height, width = pixels.shape[:2]
    scale = min(size * fill / max(height, width), 2.0)
    fitted = resize(pixels, max(round(width * scale), 1), max(round(height * scale), 1))
    canvas = np.zeros((size, size, 3), dtype=np.uint8)
    canvas[: fitted.shape[0], : fitted.shape[1]] = fitted
    return canvas, scale


def clip(box: Box, width: int, height: int) -> Box:
    """The part of ``box`` that lies inside a picture."""
    x0, y0, x1, y1 = box
    return (min(max(x0, 0.0), width), min(max(y0, 0.0), height), min(max(x1, 0.0), width), min(max(y1, 0.0), height))


def shorter_side(box: Box) -> float:
    """The shorter side of ``box``: a face's size."""
    return min(box[2] - box[0], box[3] - box[1])


def rescale(detection: Detection, x: float, y: float) -> Detection:
    """The same face in a picture ``x`` times as wide and ``y`` times as high."""
    x0, y0, x1, y1 = detection.box
    return Detection(
        box=(x0 * x, y0 * y, x1 * x, y1 * y),
        score=detection.score,
        landmarks=scale_points(detection.landmarks, (x, y)),
        dense=None if detection.dense is None else scale_points(detection.dense, (x, y)),
    )


def shift(detection: Detection, x: float, y: float) -> Detection:
    """The same face in a picture whose corner lies ``x`` px to the left and ``y`` px above."""
    x0, y0, x1, y1 = detection.box
    by = np.array([x, y], dtype=np.float32)
    dense = None if detection.dense is None else detection.dense + by
    return Detection((x0 + x, y0 + y, x1 + x, y1 + y), detection.score, detection.landmarks + by, dense)


def area(box: Box) -> float:
    """The pixels of ``box``."""
    return (box[2] - box[0]) * (box[3] - box[1])


def shared(one: Box, other: Box) -> float:
    """The pixels that both boxes hold."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0..1."""
    both = shared(one, other)
    return both / (area(one) + area(other) - both) if both else 0.0


def suppress(boxes: FloatArray, scores: FloatArray, most: float) -> list[int]:
    """Greedy non-maximum suppression: indices of ``boxes`` [N, 4] to keep, best score first; scores are over 0.

    A box goes when its intersection over union with a better one exceeds ``most``.
    """
    corners = boxes[:, :2]
    rectangles = np.hstack([corners, boxes[:, 2:] - corners])
    return [int(index) for index in cv2.dnn.NMSBoxes(rectangles.tolist(), scores.tolist(), 0.0, most)]
