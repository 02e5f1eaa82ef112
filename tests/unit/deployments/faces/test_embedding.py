from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deployments.faces.alignment import ARCFACE_TEMPLATE
from deployments.faces.backend import Detection, Sighting
from deployments.faces.embedding import OnnxEmbedder, normalise
from deployments.runtime import Runtime, onnx_session


def sightings(count: int) -> list[Sighting]:
    rng = np.random.default_rng(3)
    detection = Detection((0, 0, 112, 112), 1.0, ARCFACE_TEMPLATE)
    crops = rng.integers(0, 255, (count, 112, 112, 3), np.uint8)
    return [Sighting(crop, detection, crop) for crop in crops]


def test_vectors_have_length_one(projection_network: Callable[..., Path]) -> None:
    embedder = OnnxEmbedder(onnx_session(projection_network("any.onnx"), Runtime()), space="test")
    vectors = embedder.embed(sightings(5))
    assert vectors.shape == (5, 128)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("batch", [None, 1])
def test_many_faces_fit_a_free_batch_axis_and_one_of_one(projection_network: Callable[..., Path], batch: int) -> None:
    faces = sightings(70)
    embedder = OnnxEmbedder(onnx_session(projection_network("any.onnx", batch), Runtime()), space="test")
    one_by_one = np.concatenate([embedder.embed([face]) for face in faces])
    np.testing.assert_allclose(embedder.embed(faces), one_by_one, atol=1e-5)


def test_mean_and_std_are_the_value_range_the_network_sees(projection_network: Callable[..., Path]) -> None:
    raw = OnnxEmbedder(onnx_session(projection_network("raw.onnx"), Runtime()), space="a", mean=127.5, std=128)
    own = OnnxEmbedder(onnx_session(projection_network("own.onnx", scaled=True), Runtime()), space="a", mean=0, std=1)
    np.testing.assert_allclose(raw.embed(sightings(3)), own.embed(sightings(3)), atol=1e-5)


def test_another_kind_of_network_is_refused(constant_network: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="not an embedding network"):
        OnnxEmbedder(onnx_session(constant_network("big.onnx", 224, {"vector": [1.0, 2.0]}), Runtime()), space="a")


@pytest.mark.parametrize("broken", [[[0.0, 0.0]], [[np.nan, 1.0]], [[np.inf, 1.0]]])
def test_a_vector_without_direction_is_an_error(broken: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="no direction"):
        normalise(np.float32(broken))
