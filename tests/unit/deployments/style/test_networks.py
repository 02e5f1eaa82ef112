"""The style network on OpenVINO paints what it paints on ONNX Runtime, only sooner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

from deployments.runtime import Runtime
from deployments.style import networks
from deployments.style.networks import OnnxNetwork, OpenVinoNetwork, open_network

SHIPPED = sorted(Path(__file__).parents[4].glob("registry/starter/style-*/v*/network.onnx"))


def pictures(height: int, width: int, count: int = 1) -> list[np.ndarray]:
    """Something smooth with edges in it, another one every time, [H,W,3] 0..255."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = np.stack([np.sin(x / 9), np.cos(y / 7), ((x // 24 + y // 24) % 2) * 2 - 1], axis=2) / 2 + 0.5
    return [np.roll((waves * 255).astype(np.uint8), 5 * number, axis=1) for number in range(count)]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def shipped_styles(network: Path) -> list[np.ndarray]:
    """The vectors of all shipped packs that fit a shipped network."""
    size = onnx.load(network).graph.input[1].type.tensor_type.shape.dim[1].dim_value
    packs = network.parents[2].glob("styles-*/v*/styles.safetensors")
    return [vector for pack in packs for vector in load_file(pack).values() if len(vector) == size]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parts[-3]}@{path.parts[-2]}")
def test_what_ships_looks_the_same_on_both(path: Path) -> None:
    photos, styles = pictures(160, 128), shipped_styles(path)
    fast, exact = OpenVinoNetwork(path, Runtime()), OnnxNetwork(path, Runtime())
    assert styles
    for style in styles:
        assert psnr(fast(photos, [style])[0], exact(photos, [style])[0]) > 45


@pytest.fixture
def vectors(network) -> np.ndarray:
    size = network.manifest.input["style_size"]
    return np.random.default_rng(5).normal(1, 0.3, (3, size)).astype(np.float32)


def test_a_painting_does_not_depend_on_its_neighbours(network, vectors) -> None:
    paint = OpenVinoNetwork(network.path("network.onnx"), Runtime())
    photos = pictures(48, 64, 3)
    together = paint(photos, vectors)
    alone = [paint([photo], [vector])[0] for photo, vector in zip(photos, vectors, strict=True)]
    np.testing.assert_array_equal(together, alone)


def test_a_plan_is_made_once_for_each_size_and_those_unused_longest_are_dropped(
    network, vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "PLANS", 2)
    paint = OpenVinoNetwork(network.path("network.onnx"), Runtime())
    for height in (32, 48, 32, 64):
        assert paint(pictures(height, 32), vectors[:1])[0].shape == (height, 32, 3)
    assert list(paint._plans) == [(32, 32), (64, 32)]


def test_sizes_that_are_not_the_last_ones_give_their_memory_back_and_paint_the_same_again(
    network, vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "AWAKE", 1)
    paint = OpenVinoNetwork(network.path("network.onnx"), Runtime())
    one, other = pictures(64, 64), pictures(64, 68)
    first = paint(one, vectors[:1])
    plan, released = paint._plans[64, 64], []
    give_back = plan._compiled.release_memory
    plan._compiled = SimpleNamespace(release_memory=lambda: released.append(give_back()))
    for _ in range(2):
        paint(other, vectors[:1])
    assert len(released) == 1
    np.testing.assert_array_equal(paint(one, vectors[:1]), first)
    paint(other, vectors[:1])
    assert len(released) == 2


def test_without_openvino_onnx_runtime_paints(network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert isinstance(open_network(network.path("network.onnx"), Runtime()), OnnxNetwork)


def test_openvino_tells_its_maker_nothing(network) -> None:
    script = (
        "import sys; from pathlib import Path; from deployments.runtime import Runtime\n"
        "from deployments.style.networks import OpenVinoNetwork\n"
        f"OpenVinoNetwork(Path({str(network.path('network.onnx'))!r}), Runtime())\n"
        "sys.exit(any(name.startswith('openvino_telemetry') and module for name, module in sys.modules.items()))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
