from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deployments.faces.age import OnnxAge
from deployments.faces.alignment import ARCFACE_TEMPLATE
from deployments.faces.backend import Detection, Sighting
from deployments.runtime import Runtime, onnx_session

PICTURE = np.zeros((112, 112, 3), np.uint8)
FACE = Sighting(PICTURE, Detection((0, 0, 112, 112), 1.0, ARCFACE_TEMPLATE), PICTURE)


def test_every_face_gets_an_age_in_years(constant_network: Callable[..., Path]) -> None:
    path = constant_network("age.onnx", 112, {"age": [31.5], "gender": [0.1, 0.9]})
    assert OnnxAge(onnx_session(path, Runtime())).estimate([FACE] * 40) == [31.5] * 40


def test_an_age_is_never_negative(constant_network: Callable[..., Path]) -> None:
    path = constant_network("age.onnx", 112, {"age": [-2.0]})
    assert OnnxAge(onnx_session(path, Runtime())).estimate([FACE]) == [0]


@pytest.mark.parametrize(("size", "output"), [(112, "points"), (96, "age")])
def test_another_kind_of_network_is_refused(constant_network: Callable[..., Path], size: int, output: str) -> None:
    with pytest.raises(ValueError, match="not an age network"):
        OnnxAge(onnx_session(constant_network("other.onnx", size, {output: [1.0]}), Runtime()))
