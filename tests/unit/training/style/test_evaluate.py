from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from typer.testing import CliRunner

from training.style import evaluate as module
from training.style.checkpoint import Weights, save_weights
from training.style.data import NoPhotos, load_picture
from training.style.evaluate import Judge, onnx_painter
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
    monkeypatch.setattr(module, "CONTENT_LAYERS", ("relu3_1",))


def test_the_photo_itself_has_no_content_distance_and_the_painting_no_style_distance(encoder, painting) -> None:
    judge = Judge(encoder, {"dots": painting}, 64)
    style = load_picture(painting, 64)[None]
    photo = torch.rand_like(style)[0]
    unchanged = judge.judge("dots", lambda picture: picture, [photo])
    copied = judge.judge("dots", lambda _: style, [photo])
    assert unchanged.content == pytest.approx(0, abs=1e-6)
    assert unchanged.style > 0.01
    assert copied.style == pytest.approx(0, abs=1e-6)


def test_judgements_are_means_over_photographs(encoder, painting) -> None:
    judge = Judge(encoder, {"dots": painting}, 64)
    photos = [torch.rand(3, 64, 64) for _ in range(3)]
    alone = [judge.judge("dots", torch.square, [photo]) for photo in photos]
    together = judge.judge("dots", torch.square, photos)
    assert together.content == pytest.approx(np.mean([one.content for one in alone]))
    assert together.style == pytest.approx(np.mean([one.style for one in alone]))


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
