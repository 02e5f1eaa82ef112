"""What runs the style network: OpenVINO on processors, ONNX Runtime on GPUs and where OpenVINO is not installed.

OpenVINO fuses what lies between the convolutions (mirrored borders, instance normalisation, the activation) and computes
in bfloat16 where the processor has tiles for it: there 512 pixels take less than half of ONNX Runtime's time, elsewhere
five sixths, and no pixel changes by more than an eye could see (above 45 dB, held by a test).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from deployments.imaging import Pixels
from deployments.openvino_runtime import openvino_core, plan_options, preferring_openvino
from deployments.runtime import Runtime, onnx_session
from deployments.style.packs import Vector
from deployments.style.planes import Tensor, to_pixels, to_planes

# A plan is made for one size in about a quarter of a second. Phones and Telegram know a handful of sizes.
PLANS: Final = 8
# So many of them keep the memory they paint in, 140 of 180 MB for a megapixel, which takes a quarter of a painting's time
# to get anew. All eight with theirs would be twice what the networks' manifests say.
AWAKE: Final = 3


class Network(Protocol):
    """A style network: paints pictures of one size, [H,W,3] RGB 0..255, each with its own vector [P]."""

    def __call__(self, photos: Sequence[Pixels], styles: Sequence[Vector]) -> list[Pixels]: ...


def open_network(path: Path, runtime: Runtime) -> Network:
    """The fastest there is for this runtime. Raises what opening a damaged file raises."""
    return preferring_openvino(
        runtime, lambda: OpenVinoNetwork(path, runtime), lambda: OnnxNetwork(path, runtime), "ONNX Runtime paints"
    )


class OnnxNetwork:
    """The network on ONNX Runtime, any size, any batch."""

    def __init__(self, path: Path, runtime: Runtime) -> None:
        self._session = onnx_session(path, runtime)

    def __call__(self, photos: Sequence[Pixels], styles: Sequence[Vector]) -> list[Pixels]:
        feed = {"image": np.stack([to_planes(photo) for photo in photos]), "style": np.stack(styles)}
        (paintings,) = self._session.run(["painting"], feed)
        return [to_pixels(painting) for painting in paintings]


class OpenVinoNetwork:
    """The network on OpenVINO, one picture after the other: on a processor a batch gains nothing.

    It is compiled for every size of picture that comes (only a fixed size lets the layers be fused), and the plans of
    the ``PLANS`` sizes used last are kept, those of the last ``AWAKE`` with the memory they paint in. A picture's painting
    thus depends on nothing but the picture.
    """

    def __init__(self, path: Path, runtime: Runtime) -> None:
        self._core = openvino_core()
        self._model = self._core.read_model(path)
        self._options = plan_options(runtime)
        self._plans: OrderedDict[tuple[int, int], _Plan] = OrderedDict()

    def __call__(self, photos: Sequence[Pixels], styles: Sequence[Vector]) -> list[Pixels]:
        height, width = photos[0].shape[:2]
        plan = self._plan(height, width, len(styles[0]))
        return [plan.paint(photo, style) for photo, style in zip(photos, styles, strict=True)]

    def _plan(self, height: int, width: int, style_size: int) -> _Plan:
        if (plan := self._plans.get((height, width))) is None:
            if len(self._plans) == PLANS:
                self._plans.popitem(last=False)
            model = self._model.clone()
            model.reshape({"image": [1, 3, height, width], "style": [1, style_size]})
            plan = _Plan(self._core.compile_model(model, "CPU", self._options))
            self._plans[height, width] = plan
        self._plans.move_to_end((height, width))
        for other in [*self._plans.values()][:-AWAKE]:
            other.rest()
        return plan


class _Plan:
    """A network compiled for one size. Pictures are written to and read from its own memory, without copies between."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._awake = True
        self._request = compiled.create_infer_request()
        self._image: Tensor = self._request.get_tensor("image").data
        self._style: Tensor = self._request.get_tensor("style").data

    def paint(self, photo: Pixels, style: Vector) -> Pixels:
        to_planes(photo, out=self._image[0])
        self._style[0] = style
        self._awake = True
        self._request.infer()
        return to_pixels(self._request.get_output_tensor(0).data[0])

    def rest(self) -> None:
        """Give back what lies between the layers, until the next picture."""
        if self._awake:
            self._compiled.release_memory()
            self._awake = False
