"""The embedded detector: statistics of residuals and spectra, weighed by a small network, all in one ONNX graph.

Trained by :mod:`training.authenticity`. The graph takes ``[N,3,256,256]`` RGB 0..255 and gives ``[N]`` log odds.

It takes whatever is smooth for a photograph. So it abstains from pictures much smaller than its squares (of pictures by
the generators it knows it calls 5 % real at a short side of 320 pixels, 9 % at 240, 20 % at 192 and all at 32) and from
drawn ones, such as screenshots, plots and plain colours, most of whose pixels repeat their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deployments.imaging import Photo, Pixels, resized
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion

BACKEND = "fingerprint"
FILE = "fingerprint.onnx"

SIDE = 256
"""Height and width of the squares that are judged, in pixels."""
SHORT_SIDE = 320
"""Pictures are brought to this short side first, as the training pictures were, so that scales can be compared."""
_ELONGATED = 1.25
"""Longer pictures than this are judged in three squares, others in the middle one."""
LEAST_SIDE = 240
"""The short side, in pixels, from which a picture is judged."""
_MOST_REPEATED = 0.7
"""The share of pixels that may equal their left neighbour; of 2,412 photographs and generated pictures two have more, both
of things cut out on white. A page of text as a JPEG, scaled down, has 0.73."""


class FingerprintDetector:
    """Raises ``KeyError`` for a version without ``fingerprint.onnx``."""

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self._session = onnx_session(version.path(FILE), runtime)

    def logits(self, batch: Sequence[Photo]) -> list[float | None]:
        return [self._logit(photo) for photo in batch]

    def close(self) -> None:
        del self._session

    def _logit(self, photo: Photo) -> float | None:
        longest, shortest = max(photo.width, photo.height), min(photo.width, photo.height)
        if shortest < LEAST_SIDE:
            return None
        pixels = photo.pixels(max(SHORT_SIDE, round(longest * SHORT_SIDE / shortest)))
        if _repeated(pixels) > _MOST_REPEATED:
            return None
        (logits,) = self._session.run(None, {self._session.get_inputs()[0].name: squares(pixels)})
        return float(np.mean(logits))


def squares(pixels: Pixels) -> npt.NDArray[np.float32]:
    """The middle square of a picture, and those at both ends of a long one: ``[1 or 3,3,256,256]`` RGB 0..255."""
    elongated = max(pixels.shape[:2]) > _ELONGATED * min(pixels.shape[:2])
    height, width = pixels.shape[:2]
    if (scale := SHORT_SIDE / min(height, width)) < 1:
        height, width = max(SHORT_SIDE, round(height * scale)), max(SHORT_SIDE, round(width * scale))
        pixels = resized(pixels, width, height)
    side = min(height, width)
    spare = max(height, width) - side
    starts = (0, spare // 2, spare) if elongated else (spare // 2,)
    cuts = [pixels[start : start + side] if height > width else pixels[:, start : start + side] for start in starts]
    return np.stack([resized(cut, SIDE, SIDE).transpose(2, 0, 1).astype(np.float32) for cut in cuts])


def _repeated(pixels: Pixels) -> float:
    """The share of pixels that are exactly as their left neighbour is."""
    return float((pixels[:, 1:] == pixels[:, :-1]).all(axis=2).mean())
