"""Model versions, photos and stand-in networks for these tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from deployments.faces.backend import Detection, Sighting
from deployments.imaging import FloatArray, Photo, Pixels, encode
from registry.manifest import ModelVersion
from registry.store import FolderStore
from tests import versions


def _version(folder: Path, names: list[str], **facts: Any) -> ModelVersion:
    return versions.version_of(folder, names, **{"task": "face-analysis", "format": "onnx"} | facts)


@pytest.fixture(scope="session")
def version_of() -> Callable[..., ModelVersion]:
    """``version_of(folder, names, backend=..., input=...)``: files in a folder as a model version."""
    return _version


@pytest.fixture(scope="session")
def face_models(research_data: Path) -> Path:
    return research_data / "face_models"


@pytest.fixture(scope="session")
def scrfd_version(face_models: Path) -> ModelVersion:
    names = ["scrfd_2.5g_kps.onnx", "mobilefacenet_y1_128.onnx"]
    return _version(face_models, names, backend="insightface", embedding_space="mobilefacenet")


@pytest.fixture(scope="session")
def dlib_version(models_dir: Path) -> ModelVersion:
    return FolderStore(models_dir).get("dlib-faces")


@pytest.fixture(scope="session")
def group() -> Photo:
    """Six people, 1280 x 886, from the insightface package."""
    package = importlib.util.find_spec("insightface")
    if package is None or package.origin is None:
        pytest.skip("the group portrait is part of the insightface package (extra `models`)")
    return Photo.open((Path(package.origin).parent / "data" / "images" / "t1.jpg").read_bytes())


@pytest.fixture(scope="session")
def photo_of() -> Callable[[Pixels], Photo]:
    """``photo_of(pixels)``: a lossless photo."""
    return lambda pixels: Photo.open(encode(np.ascontiguousarray(pixels), "image/png"))


@pytest.fixture(scope="session")
def sighting_of() -> Callable[..., Sighting]:
    """``sighting_of(pixels, box, landmarks)``: a face in a picture, its crop black."""

    def make(pixels: Pixels, box: tuple[float, float, float, float], landmarks: FloatArray) -> Sighting:
        return Sighting(pixels, Detection(box, 0.9, landmarks), np.zeros((112, 112, 3), np.uint8))

    return make


@pytest.fixture
def constant_network(tmp_path: Path) -> Callable[..., Path]:
    """``constant_network(name, size, outputs)``: a network of one square input that gives the same answer always.

    ``outputs`` maps the names of its outputs to their rows; ``batch`` fixes the batch axis.
    """

    def make(name: str, size: int, outputs: dict[str, list[float]], batch: int | None = None) -> Path:
        count: Any = batch or "N"
        nodes = [
            helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Unsqueeze", ["nothing"], ["column"], axes=[1]),
        ]
        constants = [numpy_helper.from_array(np.zeros(1, np.float32), "zero")]
        for key, row in outputs.items():
            constants.append(numpy_helper.from_array(np.array([row], np.float32), f"{key}_row"))
            nodes.append(helper.make_node("Add", ["column", f"{key}_row"], [key]))
        graph = helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [count, 3, size, size])],
            [helper.make_tensor_value_info(k, TensorProto.FLOAT, [count, len(row)]) for k, row in outputs.items()],
            constants,
        )
        path = tmp_path / name
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8), path)
        return path

    return make


@pytest.fixture
def projection_network(tmp_path: Path) -> Callable[..., Path]:
    """``projection_network(name)``: an embedding network that averages 8 px blocks and projects them at random.

    It takes 112 px crops and gives 128 numbers; ``batch`` fixes the batch axis, ``scaled`` makes the graph begin with
    the subtraction and multiplication of MXNet's exports.
    """

    def make(name: str, batch: int | None = None, *, scaled: bool = False) -> Path:
        count: Any = batch or "N"
        weights = np.random.default_rng(0).normal(size=(3 * 14 * 14, 128)).astype(np.float32)
        constants = [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.float32([127.5]), "mean"),
            numpy_helper.from_array(np.float32([1 / 128]), "factor"),
        ]
        nodes = [
            helper.make_node("Sub", ["data", "mean"], ["centred"], name="_minusscalar0"),
            helper.make_node("Mul", ["centred", "factor"], ["ready"], name="_mulscalar0"),
        ]
        nodes = nodes if scaled else [helper.make_node("Identity", ["data"], ["ready"])]
        nodes += [
            helper.make_node("AveragePool", ["ready"], ["blocks"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("Flatten", ["blocks"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["fc1"]),
        ]
        graph = helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info("data", TensorProto.FLOAT, [count, 3, 112, 112])],
            [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [count, 128])],
            constants,
        )
        path = tmp_path / name
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8), path)
        return path

    return make
