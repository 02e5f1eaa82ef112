"""Model versions small enough to be made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from registry.manifest import ModelVersion
from tests.versions import version_of


class FixedDetector:
    """Gives the log odds it was made with."""

    def __init__(self, *logits: float | None) -> None:
        self.given = logits
        self.closed = False

    def logits(self, batch: Sequence[Photo]) -> Sequence[float | None]:
        return self.given

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="session")
def photo() -> Photo:
    return grey(80, 60)


@pytest.fixture(scope="session")
def grey_photo() -> Callable[[int, int], Photo]:
    return grey


def grey(width: int, height: int, value: int = 128, grain: int = 1) -> Photo:
    """A grey of some grain: every other pixel is brighter by that much, and every other darker."""
    checks = grain * (-1) ** np.indices((height, width)).sum(0)
    return Photo.open(encode((value + checks)[..., None].repeat(3, -1).astype(np.uint8), "image/png"))


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    return Runtime(device="cpu", threads=1)


@pytest.fixture(scope="session")
def make_version() -> Callable[..., ModelVersion]:
    def make(folder: Path, backend: str, task: str = "authenticity", **fields) -> ModelVersion:
        return version_of(folder, backend=backend, task=task, model="stand-in", **fields)

    return make


@pytest.fixture
def brightness(tmp_path: Path) -> Path:
    """A folder whose ``fingerprint.onnx`` gives the mean of a picture's values, minus 100."""
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "axes"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "hundred"], ["logit"]),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
        helper.make_tensor("hundred", TensorProto.FLOAT, [], [100.0]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, 256, 256])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    folder = tmp_path / "brightness"
    folder.mkdir()
    onnx.save(model, folder / "fingerprint.onnx")
    return folder
