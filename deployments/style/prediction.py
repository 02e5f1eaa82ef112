"""Reading the style off a picture: a small network says which vector the style network paints it with.

(Ghiasi, Lee, Kudlur, Dumoulin & Shlens 2017.) How it is made and trained: :mod:`training.style.prediction`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import onnxruntime as ort

from deployments.imaging import Pixels, resized
from deployments.runtime import Runtime, onnx_session
from deployments.style.packs import Vector, check_pinned
from deployments.style.planes import to_planes
from registry.manifest import ModelVersion

PREDICTOR_TASK: Final = "style-predictor"
# A long picture is read in so many squares at most; what lies between them says little more.
MOST_SQUARES = 3


class StyleReader:
    """A predictor of one style network.

    Raises ``ValueError`` for one that was made for other weights or gives vectors of another length.
    """

    def __init__(self, network: ModelVersion, predictor: ModelVersion, runtime: Runtime) -> None:
        check_pinned(network, predictor)
        self._ref = predictor.ref
        self._side = int(predictor.manifest.input["side"])
        self._session: ort.InferenceSession = onnx_session(predictor.path("predictor.onnx"), runtime)
        size, expected = self._session.get_outputs()[0].shape[1], int(network.manifest.input["style_size"])
        if size != expected:
            raise ValueError(f"{predictor.ref} makes vectors of {size}; {network.ref} takes {expected}")

    def longest_side(self, width: int, height: int) -> int:
        """The longest side at which a picture of this size need be decoded."""
        return max(1, round(self._side * max(width, height) / min(width, height)))

    def read(self, picture: Pixels) -> Vector:
        """The vector [P] of a picture's style: the mean over squares along its longer side.

        Raises ``ValueError`` where the network answers with values that are no numbers.
        """
        batch = np.stack([to_planes(resized(square, self._side, self._side)) for square in squares(picture)])
        (vectors,) = self._session.run(["style"], {"picture": batch})
        vector = np.asarray(vectors, np.float32).mean(0)
        if not np.isfinite(vector).all():
            raise ValueError(f"{self._ref} predicts values that are no numbers")
        return np.asarray(vector, np.float32)


def squares(picture: Pixels) -> list[Pixels]:
    """As few squares as cover the picture, evenly spread; of a very long one, ``MOST_SQUARES`` of them."""
    height, width = picture.shape[:2]
    side, length = min(height, width), max(height, width)
    count = min(MOST_SQUARES, -(-length // side))
    starts = [round(place * (length - side) / max(1, count - 1)) for place in range(count)]
    return [picture[:, at : at + side] if width > height else picture[at : at + side] for at in starts]
