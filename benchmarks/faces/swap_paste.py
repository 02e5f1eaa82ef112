"""Bringing inswapper's crops back into the picture: ours against insightface's own code, on the same stand-in network."""

from __future__ import annotations

import importlib.resources
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from benchmarks.faces import engines
from benchmarks.versions import version_of
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import FloatArray, Photo, Pixels, encode
from deployments.runtime import Runtime
from deployments.swap.backend import Job
from deployments.swap.inswapper import SIZE, InSwapper, crop_mask
from deployments.swap.paste import from_crop
from deployments.swap.types import SourceFace
from registry.manifest import Licence, ModelVersion

IDENTITY: Final = 512
FACES: Final = 3
SPACE: Final = "standin"


@dataclass(frozen=True, slots=True)
class _Kps:
    """A target face as insightface's swapper reads it."""

    kps: FloatArray


@dataclass(frozen=True, slots=True)
class _Identity:
    """A source face as insightface's swapper reads it."""

    normed_embedding: FloatArray


def measure(data: Path) -> tuple[float, float]:
    """How many times faster three faces come back into a 1,920 px picture than through insightface, and how alike.

    The second number is the mean difference (of 255) on one face, inside the part that both masks cover wholly.
    """
    import insightface
    from insightface.model_zoo.inswapper import INSwapper

    sample = Photo.open((importlib.resources.files(insightface) / "data" / "images" / "t1.jpg").read_bytes())
    height = round(1920 * sample.height / sample.width)
    picture = np.asarray(cv2.resize(sample.pixels(), (1920, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    photo = Photo.open(encode(picture, "image/png"))
    (found,) = build(engines.scrfd_mobilefacenet(data), Runtime()).run([FaceQuery(photo, embed=False)])
    with tempfile.TemporaryDirectory() as folder:
        version = standin(Path(folder))
        ours, theirs = InSwapper(version, Runtime()), INSwapper(str(version.path("inswapper.onnx")))
    identity = np.full(IDENTITY, IDENTITY**-0.5, dtype=np.float32)
    source = SourceFace(photo, replace(found.faces[0], embedding=identity), SPACE)
    jobs = [Job(source, picture, face) for face in found.faces[:FACES]]

    def paste_ours() -> Pixels:
        result = picture.copy()
        for patch in ours.swap(jobs):
            patch.onto(result)
        return result

    def paste_theirs() -> Any:
        result: Any = picture[:, :, ::-1]
        for job in jobs:
            result = theirs.get(result, _Kps(job.target_face.landmarks), _Identity(identity))
        return result

    ratio = _seconds(paste_theirs) / _seconds(paste_ours)
    return ratio, _difference(theirs, jobs[0], identity)


def standin(folder: Path, batch: str | int = "n") -> ModelVersion:
    """A network with inswapper's signature, written to ``folder`` as ``inswapper.onnx``.

    It returns the negative of the crop, darkened by the first number of the projected identity; the projection is the
    identity matrix rolled by one, and like in the original no node uses it. ``batch`` is the first dimension.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    crop = helper.make_tensor_value_info("target", TensorProto.FLOAT, [batch, 3, SIZE, SIZE])
    latent = helper.make_tensor_value_info("source", TensorProto.FLOAT, [batch, IDENTITY])
    out = helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, 3, SIZE, SIZE])
    nodes = [
        helper.make_node("Sub", ["one", "target"], ["negative"]),
        helper.make_node("Slice", ["source", "zero", "first", "axis"], ["number"]),
        helper.make_node("Unsqueeze", ["number", "spatial"], ["shade"]),
        helper.make_node("Sub", ["negative", "shade"], ["output"]),
    ]
    constants: dict[str, Any] = {
        "one": np.array(1, np.float32),
        "zero": np.array([0], np.int64),
        "first": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
        "spatial": np.array([2, 3], np.int64),
        "emap": np.roll(np.eye(IDENTITY, dtype=np.float32), 1, axis=1),
    }
    graph = helper.make_graph(
        nodes,
        "inswapper",
        [crop, latent],
        [out],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    (folder / "inswapper.onnx").write_bytes(model.SerializeToString())
    return version_of(
        folder,
        ["inswapper.onnx"],
        model="inswapper",
        task="face-swap",
        format="onnx",
        backend="inswapper",
        embedding_space=SPACE,
        licence=Licence(name="LicenseRef-InsightFace-non-commercial", commercial_use=False),
    )


def _difference(theirs: Any, job: Job, identity: FloatArray) -> float:
    target, source = _Kps(job.target_face.landmarks), _Identity(identity)
    bgr = job.target[:, :, ::-1]
    fake, matrix = theirs.get(bgr, target, source, paste_back=False)
    whole = theirs.get(bgr, target, source)[:, :, ::-1]
    patch = from_crop(np.ascontiguousarray(fake[:, :, ::-1]), matrix.astype(np.float32), crop_mask(), job.target.shape)
    inner = np.zeros((SIZE, SIZE), dtype=np.float32)
    quarter = SIZE // 4
    inner[quarter:-quarter, quarter:-quarter] = 1
    _, alpha = from_crop(fake, matrix.astype(np.float32), inner, job.target.shape).paint(patch.region)
    both = alpha == 1
    result = job.target.copy()
    patch.onto(result)
    region = patch.region
    return float(np.abs(region.of(result)[both].astype(float) - region.of(whole)[both]).mean())


def _seconds(paste: Callable[[], object], repeats: int = 5) -> float:
    """The best of some runs: what the machine does beside is no part of the figure."""
    paste()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        paste()
        times.append(time.perf_counter() - started)
    return min(times)
