"""What open_nsfw makes of a picture at a glance: less work than a proper look, and near enough to tell the harmless.

The picture is decoded at a reduced scale. The network is computed in what the processor multiplies fastest: bfloat16 where
it has tiles for it, eight-bit integers where it has instructions for sums of their products, else single precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
import simplejpeg
from PIL import Image

from deployments.imaging import Photo, Pixels, stopwatch
from deployments.openvino_runtime import openvino_core, plan_options
from deployments.processor import multiplies_bfloat16, multiplies_bytes
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion

NETWORK: Final = "open-nsfw.onnx"
IN_BYTES: Final = "open-nsfw-int8.onnx"
"""The same in eight-bit integers (:mod:`training.moderation.quantise`). Versions may go without it."""

SQUEEZED: Final = 256
CROP: Final = 224
MEAN_BGR: Final = (104.0, 117.0, 123.0)
# What the network's training pictures had been through.
JPEG_QUALITY: Final = 75

# From a picture as `seen_at_a_glance` gives it to the probability of "nsfw".
Judge = Callable[[Pixels], float]


class Glance:
    """Judges a lone picture at once, and those of a batch side by side on ``threads``, where each gets one thread.

    That takes a third less of the processor's time for a picture: time that the engines next door need.
    """

    def __init__(self, alone: Judge, aside: Judge, threads: int) -> None:
        """``aside`` is asked by all threads at once."""
        self._alone = alone
        self._aside = aside
        self._threads = ThreadPoolExecutor(threads, "glance")

    def __call__(self, batch: Sequence[Photo]) -> list[float]:
        """The probability of "nsfw" for every picture, in order."""
        if len(batch) == 1:
            return [self._alone(seen_at_a_glance(batch[0]))]
        with stopwatch.decoding():
            seen = list(self._threads.map(seen_at_a_glance, batch))
        return list(self._threads.map(self._aside, seen))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()


def open_glance(version: ModelVersion, runtime: Runtime) -> Glance:
    """The fastest glance that this processor has of a version.

    Raises ``ModuleNotFoundError`` where OpenVINO would be needed and is not installed.
    """
    there = any(entry.name == IN_BYTES for entry in version.manifest.files)
    if there and multiplies_bytes() and not multiplies_bfloat16():
        return glance_in_bytes(version.path(IN_BYTES), runtime.threads)
    return glance_on_openvino(version.path(NETWORK), runtime)


def glance_in_bytes(path: Path, threads: int) -> Glance:
    """Eight-bit integers on ONNX Runtime.

    Not on OpenVINO, which is a seventh faster: there a network of integers that is compiled for several streams comes out
    wrong every other time (2026.4: 13 of 24 for two streams, none of 48 for one).
    """
    # A second thread saves less of a lone picture's wait than it takes from the engines next door.
    session = onnx_session(path, Runtime(threads=1))
    name = session.get_inputs()[0].name
    mean = np.array(MEAN_BGR, np.float32)

    def judge(seen: Pixels) -> float:
        return float(session.run(None, {name: seen[None] - mean})[0][0, 1])

    return Glance(judge, judge, threads)


def glance_on_openvino(path: Path, runtime: Runtime) -> Glance:
    """The network as it is, in bfloat16 or single precision. Raises ``ModuleNotFoundError`` without OpenVINO."""
    core = openvino_core()
    from openvino import Layout, Type
    from openvino.preprocess import PrePostProcessor

    network = core.read_model(path)
    network.reshape([1, CROP, CROP, 3])
    steps = PrePostProcessor(network)
    steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    steps.input().model().set_layout(Layout("NHWC"))
    steps.input().preprocess().convert_element_type(Type.f32).mean(list(MEAN_BGR))
    model = steps.build()
    alone = core.compile_model(model, "CPU", plan_options(runtime)).create_infer_request()
    side_by_side = core.compile_model(model, "CPU", plan_options(runtime, streams=runtime.threads))
    idle: SimpleQueue[Any] = SimpleQueue()
    for _ in range(runtime.threads):
        idle.put(side_by_side.create_infer_request())

    def aside(seen: Pixels) -> float:
        # A request serves one thread at a time, and there are as many as threads.
        request = idle.get()
        try:
            return _judged(request, seen)
        finally:
            idle.put(request)

    return Glance(lambda seen: _judged(alone, seen), aside, runtime.threads)


def _judged(request: Any, seen: Pixels) -> float:
    request.infer([seen[None]], share_inputs=True)
    return float(request.get_output_tensor(0).data[0, 1])


def seen_at_a_glance(photo: Photo) -> Pixels:
    """``[224, 224, 3]``, BGR: what a proper look is prepared with, in fewer steps and with libjpeg-turbo's shortcuts."""
    pixels = photo.coarse(SQUEEZED)
    height, width = pixels.shape[:2]
    edge = (SQUEEZED - CROP) / 2 / SQUEEZED
    middle = (width * edge, height * edge, width * (1 - edge), height * (1 - edge))
    squeezed = Image.fromarray(pixels).resize((CROP, CROP), Image.Resampling.BILINEAR, box=middle, reducing_gap=2.0)
    encoded = simplejpeg.encode_jpeg(np.ascontiguousarray(squeezed), JPEG_QUALITY, "RGB", "420")
    decoded: Pixels = simplejpeg.decode_jpeg(encoded, "BGR")
    return decoded
