"""What runs the style network: OpenVINO on processors, ONNX Runtime on GPUs and where OpenVINO is not installed.

OpenVINO fuses what lies between the convolutions (mirrored borders, instance normalisation, the activation) and computes
in bfloat16 where the processor can: 512 pixels take less than half of ONNX Runtime's time, and no pixel changes by more
than an eye could see (above 45 dB, held by a test).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from deployments.openvino_runtime import openvino_core, plan_options
from deployments.runtime import Runtime, onnx_session

log = logging.getLogger(__name__)

Tensor = npt.NDArray[np.float32]

# A plan is made for one size in about a quarter of a second. Phones and Telegram know a handful of sizes.
PLANS: Final = 8


class Network(Protocol):
    """A style network: ``images`` [N,3,H,W] RGB 0..1 and ``styles`` [N,P] become paintings [N,3,H,W] RGB 0..1."""

    def __call__(self, images: Tensor, styles: Tensor) -> Tensor: ...


def open_network(path: Path, runtime: Runtime) -> Network:
    """The fastest there is for this runtime. Raises what opening a damaged file raises."""
    if runtime.device == "cpu":
        try:
            return OpenVinoNetwork(path, runtime)
        except ModuleNotFoundError:
            log.info("OpenVINO is not installed; ONNX Runtime paints instead")
    return OnnxNetwork(path, runtime)


class OnnxNetwork:
    """The network on ONNX Runtime, any size, any batch."""

    def __init__(self, path: Path, runtime: Runtime) -> None:
        self._session = onnx_session(path, runtime)

    def __call__(self, images: Tensor, styles: Tensor) -> Tensor:
        (paintings,) = self._session.run(["painting"], {"image": images, "style": styles})
        return np.asarray(paintings, np.float32)


class OpenVinoNetwork:
    """The network on OpenVINO, one picture after the other: on a processor a batch gains nothing.

    It is compiled for every size of picture that comes (only a fixed size lets the layers be fused), and the plans of
    the ``PLANS`` sizes used last are kept. A picture's painting thus depends on nothing but the picture.
    """

    def __init__(self, path: Path, runtime: Runtime) -> None:
        self._core = openvino_core()
        self._model = self._core.read_model(path)
        self._options = plan_options(runtime)
        self._plans: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def __call__(self, images: Tensor, styles: Tensor) -> Tensor:
        height, width = images.shape[2:]
        request = self._plan(height, width, styles.shape[1])
        paintings = np.empty(images.shape, np.float32)
        for index in range(len(images)):
            request.infer({"image": images[index : index + 1], "style": styles[index : index + 1]}, share_inputs=True)
            paintings[index] = request.get_output_tensor(0).data[0]
        return paintings

    def _plan(self, height: int, width: int, style_size: int) -> Any:
        if (plan := self._plans.get((height, width))) is None:
            if len(self._plans) == PLANS:
                self._plans.popitem(last=False)
            model = self._model.clone()
            model.reshape({"image": [1, 3, height, width], "style": [1, style_size]})
            plan = self._core.compile_model(model, "CPU", self._options).create_infer_request()
            self._plans[height, width] = plan
        self._plans.move_to_end((height, width))
        return plan
