"""An ONNX model runs on the processor that was asked for, or not at all."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort
import pytest
from onnxruntime.datasets import get_example

from deployments.runtime import DeviceUnavailable, Runtime, onnx_session

MODEL = Path(get_example("mul_1.onnx"))


def test_a_gpu_that_is_not_there_is_an_error_that_says_what_to_do() -> None:
    told = pytest.raises(DeviceUnavailable, match="mul_1.onnx was to run on a GPU.*masquerade doctor")
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"), told:
        onnx_session(MODEL, Runtime(device="cuda"))


def test_cuda_s_libraries_are_loaded_from_their_packages_before_a_session_looks_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[str] = []

    def session(*_: object, **__: object) -> None:
        steps.append("session")
        raise RuntimeError("no GPU on this machine")

    monkeypatch.setattr(ort, "preload_dlls", lambda: steps.append("libraries"))
    monkeypatch.setattr(ort, "InferenceSession", session)
    with pytest.raises(RuntimeError, match="no GPU"):
        onnx_session(MODEL, Runtime(device="cuda"))
    assert steps == ["libraries", "session"]


def test_a_processor_needs_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def preload() -> None:
        raise AssertionError("no CUDA was asked for")

    monkeypatch.setattr(ort, "preload_dlls", preload)
    assert onnx_session(MODEL, Runtime()).get_providers() == ["CPUExecutionProvider"]
