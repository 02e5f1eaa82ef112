"""The networks a comparison lets paint: those of a model store, of a training run, and other people's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from deployments.openvino_runtime import openvino_core, plan_options
from deployments.runtime import Runtime, onnx_session
from deployments.style.engine import painted_share
from deployments.style.packs import StyleBook
from registry.manifest import ModelVersion

ONNX_RUNTIME: Final = "ONNX Runtime, float32"
OPENVINO: Final = "OpenVINO, bfloat16 where the processor has tiles for it"
RUNTIMES: Final = (ONNX_RUNTIME, OPENVINO)


class Contender(Protocol):
    """Something that paints photographs [1,3,H,W] RGB 0..1, sides multiples of 4, at a strength of 0..1."""

    @property
    def label(self) -> str:
        """What reports call it."""

    @property
    def styles(self) -> Collection[str]:
        """What it can paint."""

    def paint(self, photo: Tensor, style: str, strength: float) -> Tensor:
        """The painting, like the photo."""


class Timed(Protocol):
    """A network whose time can be taken."""

    @property
    def label(self) -> str:
        """What reports call it."""

    def on(self, runtime: str, style: str, photo: Tensor) -> Callable[[], object]:
        """The network alone on :data:`ONNX_RUNTIME` or :data:`OPENVINO`, ready to paint ``photo``."""


class Network(Contender, Timed, Protocol):
    """A contender that is one network, whose time can be taken."""


class Served:
    """A style network of ours with its packs, painting as the engine does.

    Raises ``ValueError`` for a pack of another network.
    """

    def __init__(self, network: ModelVersion, packs: Sequence[ModelVersion]) -> None:
        self.label = network.ref
        self._book = StyleBook(network, packs)
        self.styles = tuple(style.name for style in self._book.styles)
        self._path = network.path("network.onnx")
        self._session: ort.InferenceSession = onnx_session(self._path, Runtime())

    def paint(self, photo: Tensor, style: str, strength: float) -> Tensor:
        vector = self._book.blend([(style, 1.0)], strength)
        (made,) = self._session.run(["painting"], {"image": photo.numpy(), "style": vector[None]})
        return torch.lerp(photo, torch.from_numpy(made), painted_share(strength))

    def on(self, runtime: str, style: str, photo: Tensor) -> Callable[[], object]:
        inputs = {"image": photo.numpy(), "style": self._book.blend([(style, 1.0)], 1.0)[None]}
        return _ready(runtime, self._session, self._path, inputs)


class Trained:
    """The graph at ``path`` that a training run of ours came to, and its style vectors."""

    def __init__(self, label: str, path: Path, styles: Mapping[str, Tensor]) -> None:
        self.label = label
        self._path = path
        self._styles = styles
        self._session: ort.InferenceSession = onnx_session(path, Runtime())

    def on(self, runtime: str, style: str, photo: Tensor) -> Callable[[], object]:
        inputs = {"image": photo.numpy(), "style": self._styles[style][None].numpy()}
        return _ready(runtime, self._session, self._path, inputs)


class Published:
    """Somebody else's networks, one a style: one input and one output, RGB 0..255 NCHW.

    They know no strength of their own: below 1 the photo shines through, pixel by pixel. Raises ``ValueError`` for a
    file that is no network.
    """

    def __init__(self, label: str, networks: Mapping[str, Path]) -> None:
        self.label = label
        self.styles = tuple(networks)
        self._networks = dict(networks)
        self._sessions = {style: _opened(path) for style, path in networks.items()}

    def paint(self, photo: Tensor, style: str, strength: float) -> Tensor:
        session = self._sessions[style]
        (made,) = session.run(None, {session.get_inputs()[0].name: (photo * 255).numpy()})
        painted = torch.from_numpy(np.clip(np.asarray(made, np.float32), 0, 255) / 255)
        return torch.lerp(photo, painted, strength)

    def on(self, runtime: str, style: str, photo: Tensor) -> Callable[[], object]:
        session = self._sessions[style]
        inputs = {session.get_inputs()[0].name: (photo * 255).numpy()}
        return _ready(runtime, session, self._networks[style], inputs)


def _opened(path: Path) -> ort.InferenceSession:
    try:
        return onnx_session(path, Runtime())
    # ONNX Runtime's errors, for a file that is missing as for one that is broken, have no other class in common.
    except Exception as error:
        raise ValueError(f"{path} is not a network that ONNX Runtime can open: {error}") from error


def _ready(
    runtime: str, session: ort.InferenceSession, path: Path, inputs: Mapping[str, np.ndarray[tuple[int, ...], Any]]
) -> Callable[[], object]:
    """What takes the network's time on one core, loaded and, for OpenVINO, compiled for these sizes."""
    if runtime == ONNX_RUNTIME:
        return lambda: session.run(None, dict(inputs))
    core = openvino_core()
    model = core.read_model(path)
    model.reshape({name: list(array.shape) for name, array in inputs.items()})
    request = core.compile_model(model, "CPU", plan_options(Runtime())).create_infer_request()
    return lambda: request.infer(dict(inputs))
