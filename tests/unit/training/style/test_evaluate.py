from __future__ import annotations

import json

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from typer.testing import CliRunner

from training.style import evaluate as module
from training.style import judge
from training.style.checkpoint import Weights, save_weights
from training.style.data import NoPhotos
from training.style.evaluate import onnx_painter
from training.style.network import StyleNetwork


@pytest.fixture
def painting(make_picture):
    return make_picture("dots.png", seed=90)


@pytest.fixture
def weights_file(tiny, tmp_path):
    torch.manual_seed(0)
    styles = {"identity": torch.randn(tiny.style_size), "dots": torch.randn(tiny.style_size)}
    save_weights(tmp_path / "weights.safetensors", Weights(StyleNetwork(tiny), styles))
    return tmp_path / "weights.safetensors"


@pytest.fixture(autouse=True)
def shallow_judge(monkeypatch) -> None:
    """The tests' encoder ends at relu4_1."""
    monkeypatch.setattr(judge, "CONTENT_LAYERS", ("relu3_1",))


def test_a_folder_too_small_to_hold_any_out_says_so(
    tmp_path, make_picture, painting, encoder_file, weights_file
) -> None:
    make_picture("few/one.png")
    with pytest.raises(NoPhotos, match="no held-out"):
        module.evaluate(weights_file, tmp_path / "few", [f"dots={painting}"], encoder=str(encoder_file), side=64)


def test_another_network_takes_and_gives_0_to_255(tmp_path) -> None:
    shape = ["N", 3, "H", "W"]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output")]
    bright = helper.make_node("Add", ["input", "hundred"], ["output"])
    hundred = helper.make_tensor("hundred", TensorProto.FLOAT, [], [100.0])
    graph = helper.make_graph([bright], "brighter", values[:1], values[1:], [hundred])
    onnx.save(
        helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)]), tmp_path / "peer.onnx"
    )
    made = onnx_painter(tmp_path / "peer.onnx")(
        torch.tensor([0.0, 0.5, 0.9]).expand(1, 4, 3, 3).permute(0, 2, 1, 3)[:, :3]
    )
    assert made.max() == 1
    assert made.min() == pytest.approx(100 / 255)


def test_the_command_writes_the_exporters_figures(photos, painting, encoder_file, weights_file, tmp_path) -> None:
    app = module.typer.Typer()
    app.command()(module.evaluate)
    options = [
        "--style",
        f"dots={painting}",
        "--encoder",
        str(encoder_file),
        "--side",
        "64",
        "--out",
        str(tmp_path / "j.json"),
    ]
    result = CliRunner().invoke(app, [str(weights_file), str(photos), *options])
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "j.json").read_text())
    assert set(figures) == {"dots.content", "dots.style"}
    assert all(value > 0 for value in figures.values())
